"""One connection of the live route, from its greeting to its end: frames in, frames out. They are described in live_route.py."""

from __future__ import annotations

import asyncio
import contextlib
import math
import struct
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ui.server import live_queries
from ui.server.connection_limits import OpenConnection, OpenConnections
from ui.server.decode_batching import Batcher, SizeChangedError, WithNoise
from ui.server.worker_threads import BusyError, StopCheck, TaskQueue, TooLongError, cores
from ui.shared import cached_models
from vae_core.errors import CheckpointError, LatentError
from vae_core.images.pixels import to_jpeg
from vae_core.runs.snapshot_files import LIVE, model_path

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Send

    from vae_core.latent.latent_model import LatentModel
    from vae_core.model_files.model_list import ModelEntry

DECODE, HELLO, BUSY, DRAW, MOVING, MOVING_JPEG = 1, 2, 7, 9, 10, 11
REQUEST = struct.Struct("<B3sI")  # kind, 0 or 1 + the step of a snapshot, sequence number
SEED = struct.Struct("<I")  # of the noise, behind the request of a draw
REPLY = struct.Struct("<BBHIHH")  # kind, channels, time on the server, sequence number, height, width
TICKS = 10_000  # a second, in which a reply tells its time on the server
GREETING = struct.Struct("<BBHHH")  # kind, channels, latent size, height, width
NOT_NOW = struct.Struct("<BBHI")  # kind, kind of the question, milliseconds, sequence number
MAX_FRAME = 8 + 4 * 256 * 1024  # bytes: 1024 points of the largest latent size; one z takes at most 1032
AHEAD = 128 << 10  # bytes sent to a client that has not read them yet; the kernel doubles it
QUERY_KINDS = tuple(
    bytes([kind])
    for kind in (live_queries.MANY, live_queries.WHERE, live_queries.PATH, live_queries.SAMPLES, live_queries.TRAINING)
)
MOVES = (bytes([MOVING]), bytes([MOVING_JPEG]))
QUERY_HEAD = live_queries.QUERY.size
DROPPED = 4  # requests of moving pictures at most for each that is answered: to read them costs time as well
RECHECK = 0.5  # seconds between looks at a model's file
UNWATCHED = 5.0  # seconds after which a model in training is followed though nobody watches it
QUICK = 0.1  # seconds: a question that takes longer waits in the other queue
HOLD = 0.25  # seconds before a client is told to wait, or why it is closed: it cannot ask again without a pause
LONGEST_HOLD = 2.0  # seconds, for who asks again and again
LONGEST = 20.0  # seconds of a processor that one question may take

UNSUPPORTED, INVALID, TOO_BIG, FAILED = 1003, 1007, 1009, 1011
NO_MODEL, TOO_LONG, CHANGED, TOO_MANY = 4404, 4408, 4409, 4429
_quick_queue = TaskQueue("quick questions", threads=1, waiting=64, limit=LONGEST)
_slow_queue = TaskQueue("slow questions", threads=max(1, cores() // 4), waiting=32, limit=LONGEST)
_packing = TaskQueue("packing pictures", threads=1, waiting=64, low_priority=False)
_opening_snapshots = TaskQueue("opening snapshots", threads=1, waiting=64, low_priority=False)


class ProtocolError(Exception):
    """The client broke a rule: close code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class LiveModel:
    """A model that follows its file: replaced on disk, it is loaded anew; deleted, it raises CheckpointError."""

    def __init__(self, entry: ModelEntry) -> None:
        self._entry = entry
        self._checked, self._taken = 0.0, time.monotonic()

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
            fresh = self._fresh(self._entry)
            # Those who watch a training have its file opened elsewhere (training_route.py): nobody's drag waits for it.
            if fresh.path.name != LIVE or now - self._taken > UNWATCHED or cached_models.opened(fresh) is not None:
                self._entry, self._taken = fresh, now
            self._checked = now
        return cached_models.open_entry(self._entry)

    def snapshot(self, step: int) -> LatentModel:
        """The decoder as it was at a step of the training; not for the thread that decodes, which waits for no file."""
        return cached_models.decoder(cached_models.at_step(self._entry, step))

    @staticmethod
    def _fresh(entry: ModelEntry) -> ModelEntry:
        path = Path(entry.path)
        with contextlib.suppress(FileNotFoundError):
            return replace(entry, mtime_ns=path.stat().st_mtime_ns)
        with contextlib.suppress(FileNotFoundError):
            if path.name == LIVE:  # the training has ended, and left its best model
                path = model_path(path.parent)
                return replace(entry, path=path, mtime_ns=path.stat().st_mtime_ns)
        raise CheckpointError(f"The model {entry.name!r} was deleted.")


@dataclass(frozen=True)
class Snapshot:
    """A model as it was at a step of its training, loaded before; what is asked of one step is gathered."""

    path: Path
    decoder: LatentModel = field(compare=False)

    def current(self) -> LatentModel:
        """Called on the worker thread, once per batch."""
        return self.decoder


def read_request(frame: bytes, latent_dim: int) -> tuple[int, int | None, int | None, bytes]:
    """Of a client's frame: sequence number, step of a snapshot or None for the model as it is, seed of the noise or None for
    the mean, z as bytes.

    Raises:
        ProtocolError: with the code to close the connection with.
    """
    if len(frame) > MAX_FRAME:
        raise ProtocolError(TOO_BIG, f"a frame has at most {MAX_FRAME} bytes")
    if len(frame) < REQUEST.size or frame[0] not in (DECODE, DRAW, MOVING, MOVING_JPEG):
        raise ProtocolError(INVALID, "a frame starts with a kind from 1 to 11 but 2 and 7, and has a sequence number at byte 4")
    start = REQUEST.size + (SEED.size if frame[0] == DRAW else 0)
    z = frame[start:]
    if len(z) != 4 * latent_dim:
        raise ProtocolError(INVALID, f"z takes {4 * latent_dim} bytes ({latent_dim} x float32), got {len(z)}")
    if not all(map(math.isfinite, struct.unpack(f"<{latent_dim}f", z))):  # quicker than numpy at this length
        raise ProtocolError(INVALID, "z holds NaN or infinity")
    _, named, sequence = REQUEST.unpack_from(frame)
    seed = SEED.unpack_from(frame, REQUEST.size)[0] if frame[0] == DRAW else None
    return sequence, int.from_bytes(named, "little") - 1 if any(named) else None, seed, z


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
                    await self._picture(live, latent_dim, frame)
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

    async def _picture(self, live: LiveModel, latent_dim: int, frame: bytes) -> None:
        if self._connection.wire.unsent():
            await self._connection.drained()  # before it costs a picture
        frame = await self._newest(frame, latent_dim)
        begin = time.perf_counter()
        sequence, step, seed, z = read_request(frame, latent_dim)
        source = live if step is None else await self._snapshot(live, step)
        try:
            picture = await self._batcher.decode(source if seed is None else WithNoise(source, seed), z)
        except CheckpointError as error:
            raise ProtocolError(NO_MODEL, str(error)) from None
        except SizeChangedError as error:
            raise ProtocolError(CHANGED, str(error)) from None
        except LatentError as error:
            raise ProtocolError(INVALID, str(error)) from None
        kind, content = (MOVING if frame[:1] in MOVES else DECODE), picture.tobytes()
        if frame[0] == MOVING_JPEG:
            with contextlib.suppress(BusyError):
                kind, content = MOVING_JPEG, await _packing.run(lambda _: to_jpeg(picture))
        took = 0 if kind == DECODE else min(0xFFFF, round(TICKS * (time.perf_counter() - begin)))
        height, width, channels = picture.shape
        await self._reply(REPLY.pack(kind, channels, took, sequence, height, width) + content)

    async def _newest(self, frame: bytes, latent_dim: int) -> bytes:
        """The last of the next few requests of moving pictures that have come already; every one of them keeps to the rules."""
        for _ in range(DROPPED):
            if frame[:1] not in MOVES or not self._connection.wire.unread():
                break
            read_request(frame, latent_dim)
            message = await self._receive()
            following = message.get("bytes") or b""
            if following[:1] not in MOVES:
                self._ahead = asyncio.get_running_loop().create_future()
                self._ahead.set_result(message)
                break
            frame = following
        return frame

    async def _snapshot(self, live: LiveModel, step: int) -> Snapshot:
        try:
            entry = cached_models.at_step(live.entry, step)
            decoder = cached_models.opened_decoder(entry)
            if decoder is None:
                decoder = await _opening_snapshots.run(lambda _: cached_models.decoder(entry))
            return Snapshot(entry.path, decoder)
        except BusyError as error:
            raise ProtocolError(TOO_MANY, str(error)) from None
        except CheckpointError as error:
            raise ProtocolError(INVALID, str(error)) from None

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
        expected = min(LONGEST, model.slowness * live_queries.seconds(frame, model.image_shape, model.latent_dim))
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
            return NOT_NOW.pack(BUSY, frame[0], round(1000 * error.seconds), REQUEST.unpack_from(frame)[2])
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
    if frame[0] == live_queries.TRAINING:
        return live_queries.answer_training(live.snapshot, live.current().latent_dim, frame, stop_check)
    return live_queries.answer(live.current(), lambda: cached_models.encoded_images(live.entry), frame, stop_check)
