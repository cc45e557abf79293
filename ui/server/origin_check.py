"""One rule for every route of ours, that of Streamlit's socket: a page of another origin may neither read nor start anything.

A request without an Origin header comes from no browser, from the page itself, or from an image or a link of a foreign page; of
these, browsers name the foreign one in Sec-Fetch-Site.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from urllib.parse import urlsplit

from ui.server import streamlit_internals
from ui.server.worker_threads import BusyError, TaskQueue

LONGEST = 300  # characters of an origin
KEPT = 256  # verdicts about foreign origins; each may have taken Streamlit a second
_queue = TaskQueue("origins", threads=1, waiting=16)
_verdicts: OrderedDict[tuple[str, str | None], bool] = OrderedDict()


class BrokenOriginError(ValueError):
    """The Origin header is no address."""


async def allowed(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a request with these headers is answered.

    Raises:
        BrokenOriginError: the Origin header is no address.
        BusyError: too many foreign ones are being looked at.
    """
    found = {key: value.decode("latin-1") for key, value in headers if key in (b"origin", b"host", b"sec-fetch-site")}
    origin, host = found.get(b"origin"), found.get(b"host")
    if not streamlit_internals.origin_allowed(None, host):
        return False
    if origin is None:
        return found.get(b"sec-fetch-site") != "cross-site"
    return _netloc(origin) == host or await _foreign(origin, host)


def _netloc(origin: str) -> str:
    words = f"The Origin header must be the address of a page, like http://localhost:8501; got {origin[:60]!r}."
    if len(origin) > LONGEST:
        raise BrokenOriginError(words)
    try:
        parts = urlsplit(origin)
        _ = parts.hostname, parts.port  # broken ones are found when they are read
    except ValueError:
        raise BrokenOriginError(words) from None
    return parts.netloc


async def _foreign(origin: str, host: str | None) -> bool:
    key = (origin, host)
    if key not in _verdicts:
        _verdicts[key] = await _queue.run(lambda _: streamlit_internals.origin_allowed(origin, host))
        if len(_verdicts) > KEPT:
            _verdicts.popitem(last=False)
    return _verdicts[key]


async def socket_allowed(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """The same for a socket, which has no other answer to a broken header or to too many at once than to a foreign page."""
    try:
        return await allowed(headers)
    except (BrokenOriginError, BusyError):
        return False
