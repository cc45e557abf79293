"""Names of Streamlit and uvicorn that neither promises to keep, all in this file. Tried with Streamlit TRIED and uvicorn 0.54.

Without one of Streamlit's the app does not start and says why. Without uvicorn's it runs, but cannot cut off a client that never
reads its answers, nor refuse a frame before all of it has come, nor see that a newer request has come already.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import socket
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

TRIED = "1.67"  # with 1.60 the page of the explorer does not open in its tests; versions between were not tried


def private(module: str, *names: str) -> Any:
    """The thing of this name in a module of Streamlit.

    Raises:
        SystemExit: it is gone; with a sentence.
    """
    try:
        found = importlib.import_module(module)
        for name in names:
            found = getattr(found, name)
    except (ImportError, AttributeError):
        path = ".".join((module, *names))
        raise SystemExit(
            f"Streamlit {version('streamlit')} has no {path}, which this app needs; it was tried with Streamlit {TRIED}. "
            "Install such a version: pip install -r requirements.txt"
        ) from None
    return found


_is_origin_allowed = private("streamlit.web.server.starlette.starlette_websocket", "_is_origin_allowed")


def origin_allowed(origin: str | None, host: str | None) -> bool:
    """Streamlit's own rule for its socket: same host, or an origin it was configured to allow; none at all means no browser.

    Slow for a foreign origin: Streamlit may ask the network for this machine's address.

    Raises:
        ValueError: the origin is no address.
    """
    return bool(_is_origin_allowed(origin, host))


def only_pages_of_our_own() -> None:
    """No page is made of a script in `pages/` by itself.

    A folder named `pages` beside the main script is Streamlit's older way of making pages. Until st.navigation has run once, a
    fresh server would serve /train as that, without title, theme or navigation; ours are only those that ui/main.py names.
    """
    module, owner, name = "streamlit.runtime.pages_manager", "PagesManager", "uses_pages_directory"
    private(module, owner, name)  # setting an attribute that is not read would go unnoticed
    setattr(private(module, owner), name, False)


@dataclass(frozen=True)
class Wire:
    """What uvicorn knows about one WebSocket; all of it missing under another server or behind a wrapper."""

    transport: asyncio.Transport | None
    parser: Any
    inbox: asyncio.Queue[Any] | None = None

    def unsent(self) -> int:
        """Bytes that wait until the client reads."""
        return 0 if self.transport is None else self.transport.get_write_buffer_size()

    def unread(self) -> bool:
        """Whether messages of the client have come that the application has not read."""
        return self.inbox is not None and not self.inbox.empty()

    def cut(self) -> None:
        """Ends the connection at once and drops what is unsent."""
        if self.transport is not None:
            self.transport.abort()

    def bound(self, frame: int, ahead: int) -> None:
        """Larger messages are refused when their header arrives, with close code 1009; at most `ahead` bytes wait in the kernel.

        Left alone, the kernel takes on megabytes for a client that does not read.
        """
        if self.transport is not None and (connection := self.transport.get_extra_info("socket")) is not None:
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ahead)
        if hasattr(self.parser, "max_message_size"):
            self.parser.max_message_size = frame


def wire(receive: Any) -> Wire:
    """Of the `receive` that an ASGI endpoint is called with."""
    protocol = getattr(receive, "__self__", None)
    transport = getattr(protocol, "transport", None)
    known = hasattr(transport, "abort") and hasattr(transport, "get_write_buffer_size")
    inbox = getattr(protocol, "queue", None)
    return Wire(
        transport if known else None, getattr(protocol, "conn", None), inbox if isinstance(inbox, asyncio.Queue) else None
    )


def forget_upload(file: Any) -> None:
    """Streamlit holds an uploaded file in memory for as long as the session lives; this one it holds no longer."""
    context = private("streamlit.runtime.scriptrunner", "get_script_run_ctx")()
    if context is not None:
        context.uploaded_file_mgr.remove_file(session_id=context.session_id, file_id=file.file_id)
