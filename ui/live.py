"""The live route `/live?model=NAME`: z in, pixels out, over one WebSocket per explorer. Everything is little endian.

    server -> client, once, on connecting
        u8 kind = 2 (hello), u8 channels, u16 latent size D, u16 height, u16 width, utf-8 name of the device that decodes
    client -> server
        u8 kind = 1 (decode), 3 bytes zero, u32 sequence number, D x float32 z
    server -> client, one for each request, in order
        u8 kind = 1, u8 channels, u16 zero, u32 the same sequence number, u16 height, u16 width, height*width*channels x u8

Questions that may take longer than a frame, for a connection of their own (each reply before the next question is read):

    client -> server
        u8 kind = 3 (many pictures), u8 zero, u16 longer side in pixels (0: full size), u32 sequence, up to 512 x D x float32
        u8 kind = 4 (where), u8 zero, u16 what (0 everything, 1 densities, 2 likeness), u32 sequence number, up to 1200 (1:
        4096) x D x float32
        u8 kind = 5 (walk), u8 zero, u16 way (bits 0-1: 0 linear, 1 spherical, 2 geodesic; bit 7: equal steps of the picture; high
        byte: number of points K), u32 sequence number, 2 to 12 stops x D x float32
        u8 kind = 6 (draws), u8 zero, u16 longer side in pixels, u32 sequence number, u32 count K, u32 seed, float32 temperature
    server -> client
        u8 kind = 3, u8 channels, u16 count, u32 sequence, u16 height, u16 width, count pictures as above
        u8 kind = 4, u8 zero, u16 count, u32 sequence, 4 float32 for the model: AUC of its measure of likeness; of test images, of
        midpoints between kinds and of points far out the share that is judged wrongly; then 8 float32 for each point: distance to
        the nearest encoded images, per cent of the test images that are farther from theirs, cycle error in the encoder's std,
        log p(z), log q(z), per cent of the test images at a lower log q(z), per cent of the test images that look less like the
        data (where the measure deserves no verdict: the second again), verdict 0 like, 1 unusual, 2 unlike the data, 3 unsaid,
        4 still being measured: ask again. NaN: not asked for, or not known
        u8 kind = 5 or 6, u8 channels, u16 K, u32 sequence, u16 height, u16 width, u16 D, u16 verdicts (1: may be said), K x D
        float32 z, for a walk K float32 change from the picture before (the first 0) and K float32 per cent of the test images
        that look less like the data (as above; NaN: no encoded images), K pictures

        u8 kind = 7 (busy), u8 kind of the question, u16 milliseconds to wait, u32 its sequence number: not answered, ask it again

A client keeps one request in flight and, when the reply comes, sends the newest z it has: newest wins. A client that sends faster
is answered in order, as fast as its replies leave. Who drags goes first: questions have threads of their own (ui/lanes.py), which
stand back, and answer `busy` when too many wait; a question whose client has gone is dropped; none begins before its client has
read the answer before. One reply has at most MAX_ANSWER bytes of pictures (ui/live_questions.py): more are averaged down.

A connection that breaks a rule is closed with a code; no other one notices.

    1003  a text frame                      1009  a frame larger than MAX_FRAME
    1007  malformed, wrong length, NaN/inf  1011  the decoder failed
    4404  no such model, or it was deleted  4409  the model's file was replaced by one of another size: connect again
    4408  a question took too long: ask less, the same would end the same way
    4429  too many are connected: connect again later, with growing pauses
    HTTP 403, before accepting: a foreign or broken Origin, by the rule of Streamlit's own socket, never more open than the page;
    or a storm of connections
    cut off: a client that reads nothing of its answers for 20 s, or that has most unread when it is too much (ui/crowd.py)

Streamlit's middleware wraps this route; the endpoint itself is plain ASGI, because every wrapper costs time on each frame.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import struct
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.routing import WebSocketRoute

from ui import live_questions, origins, resources
from ui.batching import Batcher, SizeChangedError
from ui.crowd import Crowd, Seat
from ui.lanes import BusyError, Going, Lane, TooLongError, cores
from ui.private_names import wire
from vae_core.errors import CheckpointError

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

    from vae_core.latents import LatentModel
    from vae_core.registry import ModelEntry

DECODE, HELLO, BUSY = 1, 2, 7
REQUEST = struct.Struct("<B3xI")  # kind, sequence number
REPLY = struct.Struct("<BBxxIHH")  # kind, channels, sequence number, height, width
GREETING = struct.Struct("<BBHHH")  # kind, channels, latent size, height, width
NOT_NOW = struct.Struct("<BBHI")  # kind, kind of the question, milliseconds, sequence number
MAX_FRAME = 8 + 4 * 256 * 1024  # bytes: 1024 points of the largest latent size; one z takes at most 1032
AHEAD = 128 << 10  # bytes sent to a client that has not read them yet; the kernel doubles it
QUESTIONS = tuple(
    bytes([kind]) for kind in (live_questions.MANY, live_questions.WHERE, live_questions.WALK, live_questions.SAMPLES)
)
RECHECK = 0.5  # seconds between looks at a model's file
QUICK = 0.1  # seconds: a question that takes longer waits in the other lane
HOLD = 0.25  # seconds before a client is told to wait, or why it is sent away: nobody can ask in a circle
LONGEST = 20.0  # seconds that one question may take

UNSUPPORTED, INVALID, TOO_BIG, FAILED = 1003, 1007, 1009, 1011
NO_MODEL, TOO_LONG, CHANGED, CROWDED = 4404, 4408, 4409, 4429
log = logging.getLogger("latent_walk")

_quick = Lane("quick questions", threads=1, waiting=64, limit=LONGEST)
_slow = Lane("slow questions", threads=max(1, cores() // 4), waiting=32, limit=LONGEST)
_doors = Lane("opening models", threads=2, waiting=200, polite=False)


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
        return resources.open_entry(self._entry)

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


class Listing:
    """The models there are. Whoever asks while a look is under way shares the next one: it must have begun after they came."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._next: asyncio.Task[Sequence[ModelEntry]] | None = None

    async def get(self) -> Sequence[ModelEntry]:
        if self._next is None:
            self._next = asyncio.create_task(self._look())
        return await asyncio.shield(self._next)

    async def _look(self) -> Sequence[ModelEntry]:
        async with self._lock:
            self._next = None
            return await _doors.run(lambda _: resources.models())


class Floor:
    """What the connections of one event loop share."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.batcher, self.crowd, self.listing = Batcher(), Crowd(), Listing()

    def close(self) -> None:
        """Ends the decoder's thread."""
        self.batcher.close()
        if not self.loop.is_closed():
            self.crowd.close()


class Visit:
    """One connection, from its greeting to its end."""

    def __init__(self, floor: Floor, seat: Seat, receive: Receive, send: Send) -> None:
        self._floor, self._seat, self._receive, self._send = floor, seat, receive, send
        self._ahead: asyncio.Future[Message] | None = None  # the next message, where one was already waited for

    async def serve(self, live: LiveModel, model: LatentModel) -> None:
        """Answers frames until the client leaves.

        Raises:
            ProtocolError: the client broke a rule.
        """
        latent_dim = model.latent_dim
        self._seat.wire.bound(MAX_FRAME, AHEAD)
        await self._reply(greeting(model))
        try:
            while (message := await self._next())["type"] == "websocket.receive":
                frame = message.get("bytes")
                if frame is None:
                    raise ProtocolError(UNSUPPORTED, "frames are binary")
                if frame[:1] in QUESTIONS:
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
        if self._seat.wire.unsent():
            await self._seat.drained()  # before it costs a picture
        try:
            picture = await self._floor.batcher.decode(live, z)
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

    async def _answer(self, live: LiveModel, model: LatentModel, frame: bytes) -> bytes:
        if not QUESTION_HEAD <= len(frame) <= MAX_FRAME:
            raise ProtocolError(*short_or_long(frame))
        await self._seat.drained()
        expected = min(LONGEST, live_questions.seconds(frame, model.image_shape, model.latent_dim))
        try:
            if self._floor.crowd.choked:
                raise BusyError(2.0)
            lane = _quick if expected <= QUICK else _slow
            return await lane.run(lambda going: answered(live, frame, going), expected)
        except BusyError as error:
            await asyncio.sleep(HOLD)
            return NOT_NOW.pack(BUSY, frame[0], round(1000 * error.seconds), REQUEST.unpack_from(frame)[1])
        except TooLongError as error:
            raise ProtocolError(TOO_LONG, f"this question is too large: {error}; ask for less") from None
        except CheckpointError as error:
            raise ProtocolError(NO_MODEL, str(error)) from None
        except live_questions.BadQuestionError as error:
            raise ProtocolError(INVALID, str(error)) from None


QUESTION_HEAD = live_questions.QUESTION.size


def short_or_long(frame: bytes) -> tuple[int, str]:
    """Code and reason to close with."""
    if len(frame) > MAX_FRAME:
        return TOO_BIG, f"a frame has at most {MAX_FRAME} bytes"
    return INVALID, f"a question has at least {QUESTION_HEAD} bytes, got {len(frame)}"


def answered(live: LiveModel, frame: bytes, going: Going) -> bytes:
    """The reply to a question, on a thread of a lane."""
    return live_questions.answer(live.current(), lambda: resources.atlas(live.entry), frame, going)


class LiveEndpoint:
    """The ASGI endpoint; one instance serves every connection of the process."""

    def __init__(self) -> None:
        self._floor: Floor | None = None
        self._models: dict[str, LiveModel] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        if not await self._running_floor().crowd.turn() or not await origins.socket_allowed(scope["headers"]):
            await send({"type": "websocket.close", "code": 1008})  # before accept: the server answers 403
            return
        try:
            await send({"type": "websocket.accept"})
            await self._admit(scope, receive, send)
        except ProtocolError as error:
            await asyncio.sleep(HOLD)
            await _close(send, error.code, error.reason)
        except OSError:
            pass  # the client is gone
        except Exception:
            log.exception("The live route failed")
            await _close(send, FAILED, "the decoder failed; the server's log has the details")

    async def _admit(self, scope: Scope, receive: Receive, send: Send) -> None:
        floor = self._running_floor()
        if floor.crowd.full:
            raise ProtocolError(CROWDED, "too many explorers are connected to this server; it is tried again")
        seat = floor.crowd.join(wire(receive))
        try:
            name = parse_qs(scope["query_string"].decode("latin-1")).get("model", [""])[0]
            await Visit(floor, seat, receive, send).serve(*await self._open(floor, name))
        finally:
            floor.crowd.leave(seat)

    async def _open(self, floor: Floor, name: str) -> tuple[LiveModel, LatentModel]:
        try:
            entries = await floor.listing.get()
            live = self._follow(resources.pick(entries, name), entries)
            model = resources.opened(live.entry)
            return live, await _doors.run(lambda _: live.current()) if model is None else model
        except BusyError as error:
            raise ProtocolError(CROWDED, str(error)) from None
        except (CheckpointError, OSError) as error:
            raise ProtocolError(NO_MODEL, str(error)) from None

    def _follow(self, entry: ModelEntry, entries: Sequence[ModelEntry]) -> LiveModel:
        live = self._models.get(entry.name)
        if live is None or live.path != Path(entry.path):
            live = self._models[entry.name] = LiveModel(entry)
            there = {one.name for one in entries}
            self._models = {name: one for name, one in self._models.items() if name in there}
        live.follow(entry)
        return live

    def _running_floor(self) -> Floor:
        if self._floor is None or self._floor.loop is not asyncio.get_running_loop():  # a new server in one process
            self.shutdown()
            self._floor = Floor()
        return self._floor

    def shutdown(self) -> None:
        """Ends the worker thread."""
        if self._floor is not None:
            self._floor.close()
            self._floor = None


def greeting(model: LatentModel) -> bytes:
    """The first frame of a connection."""
    height, width, channels = model.image_shape
    return GREETING.pack(HELLO, channels, model.latent_dim, height, width) + model.device.encode()


async def _close(send: Send, code: int, reason: str) -> None:
    with contextlib.suppress(OSError, RuntimeError):  # already closed
        await send({"type": "websocket.close", "code": code, "reason": reason.encode()[:120].decode(errors="ignore")})


endpoint = LiveEndpoint()


def live_route(prefix: str = "") -> WebSocketRoute:
    """The route for `st.App(routes=[...])`; `prefix` is Streamlit's base path, if any."""
    return WebSocketRoute(f"{prefix}/live", endpoint)


def shutdown() -> None:
    """Called when the server stops."""
    endpoint.shutdown()
