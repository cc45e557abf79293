"""The live route `/live?model=NAME`: z in, pixels out, over one WebSocket per explorer. Everything is little endian.

    server -> client, once, on connecting
        u8 kind = 2 (hello), u8 channels, u16 latent size D, u16 height, u16 width, utf-8 name of the device that decodes
    client -> server
        u8 kind = 1 (decode), u24 zero, or 1 + the step of a snapshot of the run that trained the model, u32 sequence number, D x
        float32 z
        u8 kind = 9 (draw from p(x|z), noise included), u24 as above, u32 sequence number, u32 seed of the noise, D x float32 z:
        the same seed draws the same noise, whoever else asks
    server -> client, one for each request, in order
        u8 kind = 1, u8 channels, u16 zero, u32 the same sequence number, u16 height, u16 width, height*width*channels x u8

While something moves a client may keep several requests in flight, so that a long way between the two costs no pictures:

    client -> server
        u8 kind = 10 (moving), 11 (moving, as a JPEG file), the rest as in kind 1. Such a request gets no reply once a newer one
        of the same socket has come before its turn: a reply stands for those before it as well
    server -> client
        u8 kind = 10, u8 channels, u16 tenths of a millisecond spent on the server, the rest as in kind 1
        u8 kind = 11, the same, with a JPEG file, which is only nearly the same picture, in place of the pixels; a busy server
        answers with kind 10 instead

Questions that may take longer than a frame, for a connection of their own (each reply before the next question is read):

    client -> server
        u8 kind = 3 (many pictures), u8 zero, u16 longer side in pixels (0: full size), u32 sequence, up to 512 x D x float32
        u8 kind = 4 (where), u8 zero, u16 what (0 everything, 1 densities, 2 likeness), u32 sequence number, up to 1200 (1:
        4096) x D x float32
        u8 kind = 5 (path), u8 zero, u16 options (bits 0-1: 0 linear, 1 spherical, 2 geodesic; bit 7: equal steps of the picture;
        high byte: number of points K), u32 sequence number, 2 to 12 stops x D x float32
        u8 kind = 6 (draws), u8 zero, u16 longer side in pixels, u32 sequence number, u32 count K, u32 seed, float32 temperature
        u8 kind = 8 (through training), u8 zero, u16 longer side in pixels, u32 sequence number, u32 count K, K x u32 steps of
        snapshots (up to 64), D x float32 z
    server -> client
        u8 kind = 3, u8 channels, u16 count, u32 sequence, u16 height, u16 width, count pictures as above
        u8 kind = 8: the same, the picture of z at each of the steps
        u8 kind = 4, u8 zero, u16 count, u32 sequence, 4 float32 for the model: AUC of its measure of likeness; of test images, of
        midpoints between kinds and of points far out the share that is judged wrongly; then 8 float32 for each point: distance to
        the nearest encoded images, per cent of the test images that are farther from theirs, cycle error in the encoder's std,
        log p(z), log q(z), per cent of the test images at a lower log q(z), per cent of the test images that look less like the
        data (where the measure deserves no verdict: the second again), verdict 0 like, 1 unusual, 2 unlike the data, 3 unsaid,
        4 still being measured: ask again, 5 not measured, of a model in training or of a step of one. NaN: not asked for, or not
        known
        u8 kind = 5 or 6, u8 channels, u16 K, u32 sequence, u16 height, u16 width, u16 D, u16 verdicts (1: may be said), K x D
        float32 z, for a path K float32 change from the picture before (the first 0) and K float32 per cent of the test images
        that look less like the data (as above; NaN: no encoded images), K pictures
        u8 kind = 7 (busy), u8 kind of the question, u16 milliseconds to wait, u32 its sequence number: not answered, ask it again

`/live?model=NAME&step=512` is a socket to the model as that snapshot has it: what is asked there is answered with its weights. A
step without a snapshot is closed with 1007, or 4404 on connecting. However many steps are asked for, the server keeps a bounded
number of snapshots in memory (ui/shared/cached_models.py) and opens them away from the thread that decodes.

A client that has no room for another request in flight sends the newest z it has when a reply comes: newest wins. How many are
in flight it measures (connection/flow_control.js). Who sends faster is answered in order, as fast as the replies leave. Who
drags goes first: questions have threads of their own, which have a lower priority, and answer `busy` when too many wait; a
question whose client has gone is dropped; none begins before its client has read the answer before. One reply has at most
MAX_ANSWER bytes of pictures (ui/server/live_queries.py): more are averaged down.

A connection that breaks a rule is closed with a code; no other one notices.

    1003  a text frame                      1009  a frame larger than MAX_FRAME, or than the largest question
    1007  malformed, wrong length, NaN/inf  1011  the decoder failed
    4404  no such model, or it was deleted  4409  the model's file was replaced by one of another size: connect again
    4408  a question took too long: ask less, the same would end the same way
    4429  too many are connected: connect again later, with growing pauses
    HTTP 403, before accepting: a foreign or broken Origin, by the rule of Streamlit's own socket, never more open than the page;
    or too many connections begun in a short time
    cut off: a client that reads nothing of its answers for 20 s, or that has most unread when it is too much

Streamlit's middleware wraps this route; the endpoint itself is plain ASGI, because every wrapper costs time on each frame.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.routing import WebSocketRoute

from ui.server import origin_check
from ui.server.connection_limits import OpenConnections
from ui.server.decode_batching import Batcher
from ui.server.live_connection import FAILED, HOLD, NO_MODEL, TOO_MANY, LiveConnection, LiveModel, ProtocolError
from ui.server.streamlit_internals import wire
from ui.server.worker_threads import BusyError, TaskQueue
from ui.shared import cached_models
from vae_core.errors import CheckpointError

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from vae_core.latent.latent_model import LatentModel
    from vae_core.model_files.model_list import ModelEntry

log = logging.getLogger("latent_walk")
IMPORTED_BATCH = 8  # pictures decoded at once of an imported decoder, which may take 200 ms for each
_opening = TaskQueue("opening models", threads=2, waiting=200, low_priority=False)


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
            return await _opening.run(lambda _: cached_models.models())


class LoopResources:
    """What the connections of one event loop share."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.batcher, self.connections, self.listing = Batcher(), OpenConnections(), Listing()
        self.imported_batcher = Batcher(IMPORTED_BATCH)  # whoever drags a model of ours never waits for a decoder from elsewhere

    def close(self) -> None:
        """Ends the decoder's thread."""
        self.batcher.close()
        self.imported_batcher.close()
        if not self.loop.is_closed():
            self.connections.close()


class LiveEndpoint:
    """The ASGI endpoint; one instance serves every connection of the process."""

    def __init__(self) -> None:
        self._resources: LoopResources | None = None
        self._models: dict[str, LiveModel] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        if not await self._resources_of_loop().connections.admitted() or not await origin_check.socket_allowed(scope["headers"]):
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
        resources = self._resources_of_loop()
        if resources.connections.full:
            raise ProtocolError(TOO_MANY, "too many explorers are connected to this server; it is tried again")
        connection = resources.connections.join(wire(receive))
        try:
            query = parse_qs(scope["query_string"].decode("latin-1"))
            name, step = (query.get(key, [""])[0] for key in ("model", "step"))
            live, model = await self._open(resources, name, step)
            batcher = resources.batcher if model.header.foreign is None else resources.imported_batcher
            await LiveConnection(batcher, resources.connections, connection, receive, send).serve(live, model)
        finally:
            resources.connections.leave(connection)

    async def _open(self, resources: LoopResources, name: str, step: str) -> tuple[LiveModel, LatentModel]:
        try:
            entries = await resources.listing.get()
            entry = cached_models.pick(entries, name)
            live = LiveModel(cached_models.at_step(entry, step_of(step))) if step else self._follow(entry, entries)
            model = cached_models.opened(live.entry)
            return live, await _opening.run(lambda _: live.current()) if model is None else model
        except BusyError as error:
            raise ProtocolError(TOO_MANY, str(error)) from None
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

    def _resources_of_loop(self) -> LoopResources:
        if self._resources is None or self._resources.loop is not asyncio.get_running_loop():  # a new server in one process
            self.shutdown()
            self._resources = LoopResources()
        return self._resources

    def shutdown(self) -> None:
        """Ends the worker thread."""
        if self._resources is not None:
            self._resources.close()
            self._resources = None


def step_of(text: str) -> int:
    """A step in an address.

    Raises:
        CheckpointError: it is no whole number of at most eight digits.
    """
    if not (text.isascii() and text.isdecimal() and len(text) <= 8):
        raise CheckpointError(f"step must be a whole number of at most 8 digits; got {text[:20]!r}.")
    return int(text)


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
