"""What all HTTP routes of ours have in common: one rule about origins, threads of their own, and a sentence for what went wrong.

400  the request cannot be answered as it stands      413  its body is too large
403  it comes from a page of another origin           503  too much waits already; Retry-After says when to ask again
404  no such model, or it lacks what is asked for
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from ui.server import origin_check
from ui.server.worker_threads import BusyError, TaskQueue, TooLongError
from vae_core.errors import LatentError, LatentWalkError

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

FOREIGN = "This page belongs to another site, which may not ask this server. Open the app itself."
MOST_ON_THE_WAY = 128 << 20  # bytes
PIECE = 64 << 10
PATIENCE = 20.0  # seconds
SHOWN = 40  # characters of a wrong value that are repeated


class BadRequestError(LatentWalkError):
    """A part of the request that cannot be read; the message says which, and what is allowed."""


class TooLargeError(LatentWalkError):
    """The request's body is larger than it may be."""


class Pieces(Response):
    """A large body that leaves piece by piece, as fast as the client reads.

    What is on its way to all clients together is bounded, and a client that takes nothing for PATIENCE seconds gets no more:
    otherwise a few that never read could fill the server's memory.
    """

    on_the_way = 0  # bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if Pieces.on_the_way + len(self.body) > MOST_ON_THE_WAY:
            await _explained(BusyError(5.0))(scope, receive, send)
            return
        Pieces.on_the_way += len(self.body)
        try:
            await self._deliver(send)
        except TimeoutError:
            pass  # the connection is closed by the server
        finally:
            Pieces.on_the_way -= len(self.body)

    async def _deliver(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        for start in range(0, len(self.body), PIECE):
            piece = bytes(self.body[start : start + PIECE])
            more = start + PIECE < len(self.body)
            await asyncio.wait_for(send({"type": "http.response.body", "body": piece, "more_body": more}), PATIENCE)


def whole_number(request: Request, key: str, *, least: int, most: int) -> int:
    """A number of the query.

    Raises:
        BadRequestError: it is none, or out of range.
    """
    text = request.query_params.get(key, "")
    digits = text if text.isascii() and text.isdecimal() and len(text) <= len(str(most)) else ""
    if not digits or not least <= int(digits) <= most:
        raise BadRequestError(f"{key} must be a whole number from {least} to {most}; got {text[:SHOWN]!r}.")
    return int(digits)


async def body_of(request: Request, most: int) -> bytes:
    """The whole body.

    Raises:
        TooLargeError: it has more than `most` bytes; the rest is not read.
    """
    parts, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            raise TooLargeError(f"The request is too large: at most {most:,} bytes.")
        parts.append(chunk)
    return b"".join(parts)


def served(
    answer: Callable[[Request, bytes], Response], queue: TaskQueue, *, most: int = 0
) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that answers on a thread of the queue, with a body of at most `most` bytes."""

    async def endpoint(request: Request) -> Response:
        try:
            if not await origin_check.allowed(request.headers.raw):
                return _refused(FOREIGN, 403)
            body = await body_of(request, most)
            return await queue.run(lambda _: answer(request, body))
        except Exception as error:
            return _explained(error)

    return endpoint


def _explained(error: Exception) -> Response:
    """The answer to what a client can cause; anything else is ours, and raised again."""
    match error:
        case BusyError():
            return _refused(str(error), 503, {"Retry-After": str(max(1, round(error.seconds)))})
        case TooLongError():
            return _refused(f"The server gave this up: {error}. Ask for less.", 503)
        case TooLargeError():
            return _refused(str(error), 413)
        case BadRequestError() | LatentError() | origin_check.BrokenOriginError():
            return _refused(str(error), 400)
        case LatentWalkError():
            return _refused(str(error), 404)
        case ClientDisconnect():
            return _refused("", 400)  # the client has gone
        case OSError():
            return _refused(f"A file cannot be read ({error.strerror or type(error).__name__}). Try again.", 404)
        case _:
            raise error


def _refused(words: str, status: int, headers: dict[str, str] | None = None) -> Response:
    return PlainTextResponse(words, status_code=status, headers={"Cache-Control": "no-store", **(headers or {})})
