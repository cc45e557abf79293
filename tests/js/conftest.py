"""The components' ES modules, imported as they are into a blank page of a real Chromium."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

COMPONENTS = Path(__file__).parents[2] / "ui" / "components"


class QuietFiles(SimpleHTTPRequestHandler):
    """Static files, and an empty page at /blank.html."""

    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".js": "text/javascript"}  # noqa: RUF012

    def do_GET(self) -> None:
        if self.path != "/blank.html":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>blank</title>")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="session")
def files() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietFiles, directory=str(COMPONENTS)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def js(page: Any, files: str) -> Callable[..., Any]:
    """js("explorer/format_numbers.js", "(m, x) => m.rounded(x)", 0.12345): the function's result, awaited.

    The function sees an AbortController of its own as `life`.
    """
    page.goto(f"{files}/blank.html")

    def call(module: str, function: str, *arguments: Any) -> Any:
        body = f"const life = new AbortController(); return ({function})(await import('/{module}'), ...given);"
        script = f"async (given) => {{ {body} }}"
        return page.evaluate(script, list(arguments))

    call.page = page  # type: ignore[attr-defined]
    return call
