"""A lean load generator for `/live`: many explorers in one event loop, without a WebSocket library.

It shares the two cores with the server it measures, so each message has to be cheap: frames are built once for each socket, the
mask key is zero (legal, and then masking changes nothing), replies are counted from their frame headers alone.
"""

from __future__ import annotations

import asyncio
import json
import struct
import sys
import time
from dataclasses import dataclass, field
from functools import partial

import numpy as np

DECODE = struct.Struct("<B3xI")
RATE = 60.0  # input events a second, as a pointer gives them
TICK = 0.001  # seconds between looks at whose event is due
HANDSHAKE = (
    "GET /live?model={model} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@dataclass
class Tally:
    """What all sockets saw during the measured seconds."""

    pictures: list[int] = field(default_factory=list)  # by socket
    latencies: list[float] = field(default_factory=list)  # seconds, input event to reply


class Explorer(asyncio.Protocol):
    """One person dragging: one request in flight, newest wins, exactly as picture_connection.js does it."""

    def __init__(self, latent_dim: int, seed: int) -> None:
        z = np.random.default_rng(seed).normal(size=latent_dim).astype("<f4").tobytes()
        body = DECODE.pack(1, 0) + z
        length = bytes([0x80 | len(body)]) if len(body) < 126 else bytes([0x80 | 126]) + struct.pack("!H", len(body))
        self._frame = b"\x82" + length + bytes(4) + body
        self._buffer = bytearray()
        self._started: float | None = None  # when the event in flight happened
        self._wanted: float | None = None  # when the newest event that waits happened
        self.ready = asyncio.get_running_loop().create_future()
        self.latencies: list[float] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def event(self, now: float) -> None:
        if self._started is None:
            self._started = now
            self.transport.write(self._frame)
        else:
            self._wanted = now

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        if not self.ready.done():
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            assert b" 101 " in buffer[:end], bytes(buffer[:end])
            del buffer[: end + 4]
            self.ready.set_result(None)
        while (size := _frame_size(buffer)) and len(buffer) >= size:
            opcode, kind = buffer[0] & 15, buffer[size - _payload(buffer)] if size > 2 else 0
            del buffer[:size]
            if opcode == 8:
                raise ConnectionError("the server closed a connection")
            if opcode == 9:
                self.transport.write(b"\x8a\x80\0\0\0\0")
            elif kind == 1:
                self._reply()

    def _reply(self) -> None:
        now = time.perf_counter()
        assert self._started is not None
        self.latencies.append(now - self._started)
        self._started, self._wanted = self._wanted, None
        if self._started is not None:
            self.transport.write(self._frame)


def _payload(buffer: bytearray) -> int:
    length = buffer[1] & 127
    return length if length < 126 else int.from_bytes(buffer[2:4] if length == 126 else buffer[2:10], "big")


def _frame_size(buffer: bytearray) -> int:
    if len(buffer) < 2:
        return 0
    length = buffer[1] & 127
    head = 2 if length < 126 else 4 if length == 126 else 10
    return head + _payload(buffer) if len(buffer) >= head else 0


async def load(
    port: int, model: str, latent_dim: int, sockets: int, seconds: float, *, warm: float = 1.5, rate: float = RATE
) -> Tally:
    """Drags on `sockets` sockets at `rate` events a second each and measures after `warm` seconds."""
    loop = asyncio.get_running_loop()
    explorers = []
    for seed in range(sockets):
        transport, explorer = await loop.create_connection(partial(Explorer, latent_dim, seed), "127.0.0.1", port)
        transport.write(HANDSHAKE.format(model=model, port=port).encode())
        await explorer.ready
        explorers.append(explorer)
    begin = time.perf_counter()
    await _drag(explorers, begin, begin + warm, rate)
    for explorer in explorers:
        explorer.latencies.clear()
    begin += warm
    await _drag(explorers, begin, begin + seconds, rate)
    tally = Tally([len(explorer.latencies) for explorer in explorers], [t for e in explorers for t in e.latencies])
    for explorer in explorers:
        explorer.transport.abort()
    return tally


async def _drag(explorers: list[Explorer], begin: float, end: float, rate: float) -> None:
    """Events spread evenly over the sockets: the k-th event of all sockets together happens at begin + (k + 1) / (N * rate)."""
    total = rate * len(explorers)
    done = 0
    while (now := time.perf_counter()) < end:
        due = int((now - begin) * total)
        for k in range(done, due):
            explorers[k % len(explorers)].event(begin + (k + 1) / total)
        done = max(done, due)
        await asyncio.sleep(TICK)


def main() -> None:
    """`python -m benchmarks.live_load_client PORT MODEL LATENT_DIM SOCKETS SECONDS [RATE]`: prints one JSON line."""
    port, model, latent_dim, sockets, seconds = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:5]), float(sys.argv[5])
    rate = float(sys.argv[6]) if len(sys.argv) > 6 else RATE
    tally = asyncio.run(load(int(port), model, latent_dim, sockets, seconds, rate=rate))
    p50, p95 = np.quantile(tally.latencies, [0.5, 0.95]) * 1000 if tally.latencies else (0.0, 0.0)
    rates = np.array(tally.pictures) / seconds
    worst = max(tally.latencies, default=0.0) * 1000
    print(json.dumps({"mean": rates.mean(), "least": rates.min(), "p50": p50, "p95": p95, "worst": worst}))


if __name__ == "__main__":
    main()
