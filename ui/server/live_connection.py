"""One connection of the live route, from its greeting to its end: frames in, frames out. They are described in live_route.py."""

from __future__ import annotations

import asyncio
import math
import struct
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ui.server import live_queries
from ui.server.connection_limits import OpenConnection, OpenConnections
from ui.server.decode_batching import Batcher, SizeChangedError
from ui.server.worker_threads import BusyError, StopCheck, TaskQueue, TooLongError, cores
from ui.shared import cached_models
from vae_core.errors import CheckpointError

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Send

    from vae_core.latent.latent_model import LatentModel
    from vae_core.model_files.model_list import ModelEntry

DECODE, HELLO, BUSY = 1, 2, 7
REQUEST = struct.Struct("<B3xI")  # kind, sequence number
REPLY = struct.Struct("<BBxxIHH")  # kind, channels, sequence number, height, width
GREETING = struct.Struct("<BBHHH")  # kind, channels, latent size, height, width
NOT_NOW = struct.Struct("<BBHI")  # kind, kind of the question, milliseconds, sequence number
MAX_FRAME = 8 + 4 * 256 * 1024  # bytes: 1024 points of the largest latent size; one z takes at most 1032
AHEAD = 128 << 10  # bytes sent to a client that has not read them yet; the kernel doubles it
QUERY_KINDS = tuple(
    bytes([kind]) for kind in (live_queries.MANY, live_queries.WHERE, live_queries.PATH, live_queries.SAMPLES)
)
QUERY_HEAD = live_queries.QUERY.size
RECHECK = 0.5  # seconds between looks at a model's file
QUICK = 0.1  # seconds: a question that takes longer waits in the other queue
HOLD = 0.25  # seconds before a client is told to wait, or why it is closed: it cannot ask again without a pause
LONGEST_HOLD = 2.0  # seconds, for who asks again and again
LONGEST = 20.0  # seconds of a processor that one question may take

UNSUPPORTED, INVALID, TOO_BIG, FAILED = 1003, 1007, 1009, 1011
NO_MODEL, TOO_LONG, CHANGED, TOO_MANY = 4404, 4408, 4409, 4429
_quick_queue = TaskQueue("quick questions", threads=1, waiting=64, limit=LONGEST)
_slow_queue = TaskQueue("slow questions", threads=max(1, cores() // 4), waiting=32, limit=LONGEST)


class ProtocolError(Exception):
    """The client broke a rule: close code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class LiveModel:
    """A model that follows its file: replaced on disk, it is loaded anew; deleted, it raises CheckpointError."""

    def __init__(self, entry: ModelEntry) -> None:
        self._entry = entry
        self._checked = 0.0

    @property
    def path(self) -> Path:
        return Path(self._entry.path)

    @property
    def entry(self) -> ModelEntry:
        return self._entry

    def follow(self, entry: ModelEntry) -> None:
        """The file as a new connection finds it: its greeting must not tell the size of the file before."""
        self._entry, self._checked = entry, time.monotonic()

    def current(self) -> LatentModel:
        """Called on the worker thread, once per batch."""
        now = time.monotonic()
        if now - self._checked > RECHECK:
            self._entry = self._fresh(self._entry)
            self._checked = now
        return cached_models.open_entry(self._entry)

    @staticmethod
    def _fresh(entry: ModelEntry) -> ModelEntry:
        try:
            mtime_ns = Path(entry.path).stat().st_mtime_ns
        except FileNotFoundError:
            raise CheckpointError(f"The model {entry.name!r} was deleted.") from None
        return replace(entry, mtime_ns=mtime_ns)


def read_request(frame: bytes, latent_dim: int) -> tuple[int, bytes]:
    """(sequence number, z as bytes) of a client's frame.

    Raises:
        ProtocolError: with the code to close the connection with.
    """
    if len(frame) > MAX_FRAME:
        raise ProtocolError(TOO_BIG, f"a frame has at most {MAX_FRAME} bytes")
    if len(frame) < REQUEST.size or frame[0] != DECODE:
        raise ProtocolError(INVALID, "a frame starts with a kind from 1 to 6 but 2, and has a sequence number at byte 4")
    z = frame[REQUEST.size :]
    if len(z) != 4 * latent_dim:
        raise ProtocolError(INVALID, f"z takes {4 * latent_dim} bytes ({latent_dim} x float32), got {len(z)}")
    if not all(map(math.isfinite, struct.unpack(f"<{latent_dim}f", z))):  # quicker than numpy at this length
        raise ProtocolError(INVALID, "z holds NaN or infinity")
    return REQUEST.unpack_from(frame)[1], z


def greeting(model: LatentModel) -> bytes:
    """The first frame of a connection."""
    height, width, channels = model.image_shape
    return GREETING.pack(HELLO, channels, model.latent_dim, height, width) + model.device.encode()


class LiveConnection:
    """One connection, from its greeting to its end."""

    def __init__(
        self, batcher: Batcher, connections: OpenConnections, connection: OpenConnection, receive: Receive, send: Send
    ) -> None:
        self._batcher, self._connections, self._connection = batcher, connections, connection
        self._receive, self._send = receive, send
        self._hold = HOLD
        self._ahead: asyncio.Future[Message] | None = None  # the next message, where one was already waited for

    async def serve(self, live: LiveModel, model: LatentModel) -> None:
        """Answers frames until the client leaves.

        Raises:
            ProtocolError: the client broke a rule.
        """
        latent_dim = model.latent_dim
        self._connection.wire.bound(min(MAX_FRAME, QUERY_HEAD + 4 * latent_dim * live_queries.MAX_PLACES), AHEAD)
        await self._reply(greeting(model))
        try:
            while (message := await self._next())["type"] == "websocket.receive":
                frame = message.get("bytes")
                if frame is None:
                    raise ProtocolError(UNSUPPORTED, "frames are binary")
                if frame[:1] in QUERY_KINDS:
                    await self._question(live, model, frame)
                else:
                    await self._picture(live, *read_request(frame, latent_dim))
        finally:
            if self._ahead is not None:
                self._ahead.cancel()

    async def _reply(self, frame: bytes) -> None:
        await self._send({"type": "websocket.send", "bytes": frame})

    async def _next(self) -> Message:
        if self._ahead is None:
            return await self._receive()
        ahead, self._ahead = self._ahead, None
        return await ahead

    async def _picture(self, live: LiveModel, sequence: int, z: bytes) -> None:
        if self._connection.wire.unsent():
            await self._connection.drained()  # before it costs a picture
        try:
            picture = await self._batcher.decode(live, z)
        except CheckpointError as error:
            raise ProtocolError(NO_MODEL, str(error)) from None
        except SizeChangedError as error:
            raise ProtocolError(CHANGED, str(error)) from None
        height, width, channels = picture.shape
        await self._reply(REPLY.pack(DECODE, channels, sequence, height, width) + picture.tobytes())

    async def _question(self, live: LiveModel, model: LatentModel, frame: bytes) -> None:
        """Asks, and meanwhile listens whether the client is still there."""
        answer = asyncio.ensure_future(self._answer(live, model, frame))
        self._ahead = asyncio.ensure_future(self._receive())
        try:
            await asyncio.wait({answer, self._ahead}, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done() and self._ahead.result()["type"] != "websocket.receive":
                raise ConnectionResetError
            await self._reply(await answer)
        finally:
            answer.cancel()
            await asyncio.gather(answer, return_exceptions=True)  # its error, if any, is known already or of no interest

    async def _answer(self, live: LiveModel, model: LatentModel, frame: bytes) -> bytes:
        if not QUERY_HEAD <= len(frame) <= MAX_FRAME:
            raise ProtocolError(*short_or_long(frame))
        await self._connection.drained()
        expected = min(LONGEST, live_queries.seconds(frame, model.image_shape, model.latent_dim))
        try:
            if self._connections.choked:
                raise BusyError(2.0)
            queue = _quick_queue if expected <= QUICK else _slow_queue
            reply = await queue.run(lambda stop_check: answered(live, frame, stop_check), expected)
            self._hold = HOLD
            return reply
        except BusyError as error:
            await asyncio.sleep(self._hold)
            self._hold = min(LONGEST_HOLD, 2 * self._hold)
            return NOT_NOW.pack(BUSY, frame[0], round(1000 * error.seconds), REQUEST.unpack_from(frame)[1])
        except TooLongError as error:
            raise ProtocolError(TOO_LONG, f"this question is too large: {error}; ask for less") from None
        except CheckpointError as error:
            raise ProtocolError(NO_MODEL, str(error)) from None
        except live_queries.BadQueryError as error:
            raise ProtocolError(INVALID, str(error)) from None


def short_or_long(frame: bytes) -> tuple[int, str]:
    """Code and reason to close with."""
    if len(frame) > MAX_FRAME:
        return TOO_BIG, f"a frame has at most {MAX_FRAME} bytes"
    return INVALID, f"a question has at least {QUERY_HEAD} bytes, got {len(frame)}"


def answered(live: LiveModel, frame: bytes, stop_check: StopCheck) -> bytes:
    """The reply to a question, on a thread of a queue."""
    return live_queries.answer(live.current(), lambda: cached_models.encoded_images(live.entry), frame, stop_check)
