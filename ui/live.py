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
        u8 kind = 4 (where), u8 zero, u16 zero, u32 sequence number, up to 4096 x D x float32
        u8 kind = 5 (walk), u8 zero, u16 way (bits 0-1: 0 linear, 1 spherical, 2 geodesic; bit 7: equal steps of the picture; high
        byte: number of points K), u32 sequence number, 2 to 12 stops x D x float32
        u8 kind = 6 (draws), u8 zero, u16 longer side in pixels, u32 sequence number, u32 count K, u32 seed, float32 temperature
    server -> client
        u8 kind = 3, u8 channels, u16 count, u32 sequence, u16 height, u16 width, count pictures as above
        u8 kind = 4, u8 zero, u16 count, u32 sequence, count x 6 float32: distance to the nearest encoded images, its percentile
        among the data's own, log p(z), log q(z), cycle error (NaN for more than 16 points), verdict 0 on the data, 1 thin, 2 hole
        u8 kind = 5 or 6, u8 channels, u16 K, u32 sequence, u16 height, u16 width, u16 D, u16 zero, K x D float32 z, for a walk
        K float32 change from the picture before (the first 0) and K float32 percentile (NaN: no encoded images), K pictures

A client keeps one request in flight and, when the reply comes, sends the newest z it has: newest wins. A client that sends faster
is answered in order, as fast as its replies leave. A connection that breaks a rule is closed with a code; no other one notices.

    1003  a text frame                      1009  a frame larger than MAX_FRAME
    1007  malformed, wrong length, NaN/inf  1011  the decoder failed
    4404  no such model, or it was deleted  4409  the model's file was replaced by one of another size: connect again
    HTTP 403, before accepting: a foreign Origin, by the rule of Streamlit's own socket. Never more open than the page.

Streamlit's middleware wraps this route; the endpoint itself is plain ASGI, because every wrapper costs time on each frame.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import struct
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.routing import WebSocketRoute
from streamlit.web.server.starlette.starlette_websocket import _is_origin_allowed

from ui import live_questions, resources
from ui.batching import Batcher, SizeChangedError
from vae_core.errors import CheckpointError

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from vae_core.latents import LatentModel
    from vae_core.registry import ModelEntry

DECODE, HELLO = 1, 2
REQUEST = struct.Struct("<B3xI")  # kind, sequence number
REPLY = struct.Struct("<BBxxIHH")  # kind, channels, sequence number, height, width
GREETING = struct.Struct("<BBHHH")  # kind, channels, latent size, height, width
MAX_FRAME = 8 + 4 * 256 * 512  # bytes: 512 points of the largest latent size; one z takes at most 1032
QUESTIONS = tuple(
    bytes([kind]) for kind in (live_questions.MANY, live_questions.WHERE, live_questions.WALK, live_questions.SAMPLES)
)
RECHECK = 0.5  # seconds between looks at a model's file

UNSUPPORTED, INVALID, TOO_BIG, FAILED, NO_MODEL, CHANGED = 1003, 1007, 1009, 1011, 4404, 4409
log = logging.getLogger("latent_walk")


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


class LiveEndpoint:
    """The ASGI endpoint; one instance serves every connection of the process."""

    def __init__(self) -> None:
        self._batcher: Batcher | None = None
        self._models: dict[str, LiveModel] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        if not origin_allowed(scope):
            await send({"type": "websocket.close", "code": 1008})  # before accept: the server answers 403
            return
        await send({"type": "websocket.accept"})
        try:
            await self._serve(scope, receive, send)
        except ProtocolError as error:
            await _close(send, error.code, error.reason)
        except OSError:
            pass  # the client is gone
        except Exception:
            log.exception("The live route failed")
            await _close(send, FAILED, "the decoder failed; the server's log has the details")

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = parse_qs(scope["query_string"].decode("latin-1")).get("model", [""])[0]
        live, model = await run_in_threadpool(self._open, name)
        latent_dim = model.latent_dim
        await send({"type": "websocket.send", "bytes": greeting(model)})
        batcher = self._running_batcher()
        while (message := await receive())["type"] == "websocket.receive":
            frame = message.get("bytes")
            if frame is None:
                raise ProtocolError(UNSUPPORTED, "frames are binary")
            if frame[:1] in QUESTIONS:
                await send({"type": "websocket.send", "bytes": await run_in_threadpool(self._answer, live, frame)})
                continue
            sequence, z = read_request(frame, latent_dim)
            try:
                picture = await batcher.decode(name, live, z)
            except CheckpointError as error:
                raise ProtocolError(NO_MODEL, str(error)) from None
            except SizeChangedError as error:
                raise ProtocolError(CHANGED, str(error)) from None
            height, width, channels = picture.shape
            head = REPLY.pack(DECODE, channels, sequence, height, width)
            await send({"type": "websocket.send", "bytes": head + picture.tobytes()})

    def _answer(self, live: LiveModel, frame: bytes) -> bytes:
        """Runs on a thread of its own: the decoder's thread stays free for those who drag."""
        try:
            model = live.current()
            if len(frame) > MAX_FRAME:
                raise ProtocolError(TOO_BIG, f"a frame has at most {MAX_FRAME} bytes")
            return live_questions.answer(model, lambda: resources.atlas(live.entry), frame)
        except CheckpointError as error:
            raise ProtocolError(NO_MODEL, str(error)) from None
        except live_questions.BadQuestionError as error:
            raise ProtocolError(INVALID, str(error)) from None

    def _open(self, name: str) -> tuple[LiveModel, LatentModel]:
        try:
            entry = resources.entry(name)
            live = self._models.get(name)
            if live is None or live.path != Path(entry.path):
                live = self._models[name] = LiveModel(entry)
            live.follow(entry)
            return live, live.current()
        except (CheckpointError, OSError) as error:
            raise ProtocolError(NO_MODEL, str(error)) from None

    def _running_batcher(self) -> Batcher:
        if self._batcher is None or self._batcher.loop is not asyncio.get_running_loop():  # a new server in one process
            self.shutdown()
            self._batcher = Batcher()
        return self._batcher

    def shutdown(self) -> None:
        """Ends the worker thread."""
        if self._batcher is not None:
            self._batcher.close()
            self._batcher = None


def greeting(model: LatentModel) -> bytes:
    """The first frame of a connection."""
    height, width, channels = model.image_shape
    return GREETING.pack(HELLO, channels, model.latent_dim, height, width) + model.device.encode()


def origin_allowed(scope: Scope) -> bool:
    """Streamlit's own rule: same host, or an origin it was configured to allow; no Origin at all means no browser."""
    headers = {key: value.decode("latin-1") for key, value in scope["headers"] if key in (b"origin", b"host")}
    return _is_origin_allowed(headers.get(b"origin"), headers.get(b"host"))


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
