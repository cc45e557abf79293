"""What hostile clients do to `/live`, for under_attack.py: `python -m benchmarks.attack_clients ATTACK PORT SECONDS`.

Only to 127.0.0.1, bounded in number and time. Frames are written by hand; the mask key is zero, which is legal.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import struct
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import cache, partial

import numpy as np

from benchmarks.live_load_client import HANDSHAKE

MODEL, LATENT_DIM = "bench-conv-64", 16
LARGE, LARGE_DIM = "bench-conv-64-256d", 256  # with it frames are largest
HEAD = struct.Struct("<BBHI")  # kind, zero, side or way, sequence number
FRAMES = 10_000  # mutated ones in all
CONNECTS = 3000  # of a storm in all
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
seen: Counter[str] = Counter()


def masked(body: bytes) -> bytes:
    """One binary WebSocket frame of a client."""
    size = len(body)
    if size < 126:
        length = bytes([0x80 | size])
    else:
        length = bytes([0xFE]) + struct.pack("!H", size) if size < 65536 else bytes([0xFF]) + struct.pack("!Q", size)
    return b"\x82" + length + bytes(4) + body


@cache
def points(count: int, latent_dim: int, seed: int = 0) -> bytes:
    """Draws from the prior."""
    return np.random.default_rng(seed).normal(size=(count, latent_dim)).astype("<f4").tobytes()


def geodesic(stops: int, latent_dim: int, sequence: int, *, even: bool = False) -> bytes:
    """The longest path through so many stops."""
    return HEAD.pack(5, 0, 2 | (0x80 if even else 0) | 240 << 8, sequence) + points(stops, latent_dim, sequence % 50)


def largest(latent_dim: int, sequence: int) -> bytes:
    """One of the largest questions that are allowed."""
    choices = (
        lambda: HEAD.pack(3, 0, 0, sequence) + points(512, latent_dim),
        lambda: HEAD.pack(4, 0, 0, sequence) + points(1024, latent_dim),
        lambda: geodesic(12, latent_dim, sequence, even=True),
        lambda: HEAD.pack(6, 0, 0, sequence) + struct.pack("<IIf", 512, sequence, 1.0),
    )
    return choices[sequence % len(choices)]()


def mutated(rng: random.Random) -> bytes:
    """A frame that began as a good one: bytes flipped, cut, doubled, or of random numbers."""
    good = (HEAD.pack(1, 0, 0, 7) + points(1, LATENT_DIM), largest(LATENT_DIM, rng.randrange(4)), geodesic(3, LATENT_DIM, 1))
    frame = bytearray(rng.choice(good))
    for _ in range(rng.randrange(1, 6)):
        at = rng.randrange(len(frame))
        match rng.randrange(4):
            case 0:
                frame[at] ^= 1 << rng.randrange(8)
            case 1:
                del frame[at + 1 :]
            case 2:
                frame += frame[: min(at, 5000)]
            case _:
                frame[at : at + 8] = rng.randbytes(8)
    return bytes(frame)


async def connect(port: int, model: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that has been upgraded."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 16)
    writer.write(HANDSHAKE.format(model=model, port=port).encode())
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def message(reader: asyncio.StreamReader) -> bytes:
    """The first bytes of the next message; the rest is read and dropped. A close raises ConnectionError."""
    head = await reader.readexactly(2)
    size = head[1] & 127
    if size > 125:
        size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
    start = await reader.readexactly(min(size, 16))
    left = size - len(start)
    while left > 0 and (chunk := await reader.read(min(left, 65536))):
        left -= len(chunk)
    if head[0] & 15 == 8:
        seen[f"closed {int.from_bytes(start[:2], 'big')}"] += 1
        raise ConnectionError
    return start


async def again_and_again(port: int, model: str, end: float, talk: Talk) -> None:
    """Talks on one connection after another until the end."""
    while time.perf_counter() < end:
        writer = None
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await connect(port, model)
            seen["connected"] += 1
            await talk(reader, writer)
        if writer is not None:
            writer.transport.abort()


async def fuzz(port: int, end: float) -> None:
    """24 connections send mutated frames and read what comes."""
    left = FRAMES

    def talker(rng: random.Random) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal left
            await message(reader)  # the greeting
            while left > 0 and time.perf_counter() < end:
                left -= 1
                seen["frames"] += 1
                writer.write(masked(mutated(rng)))
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(message(reader), 0.02)

        return talk

    await asyncio.gather(*(again_and_again(port, MODEL, end, talker(random.Random(seed))) for seed in range(24)))


async def storm(port: int, end: float) -> None:
    """20 at once connect, some wait for the greeting, and vanish."""

    async def talk(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        if seen["connected"] % 2:
            await message(reader)
        if seen["connected"] > CONNECTS:
            await asyncio.sleep(max(0.0, end - time.perf_counter()))

    await asyncio.gather(*(again_and_again(port, MODEL, end, talk) for _ in range(20)))


async def idle(port: int, end: float) -> None:
    """500 connections of which nothing is heard."""

    async def talk(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        await asyncio.sleep(max(0.0, end - time.perf_counter()))

    await asyncio.gather(*(again_and_again(port, MODEL, end, talk) for _ in range(500)))


def asking(end: float, question: Callable[[int], bytes], first: int) -> Talk:
    """Asks the next question when an answer has come, and at once where the server says that it is busy."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await message(reader)
        sequence = first
        while time.perf_counter() < end:
            writer.write(masked(question(sequence)))
            sequence += 1
            start = await message(reader)
            seen["busy" if start[0] == 7 else "answers"] += 1

    return talk


async def geodesics(port: int, end: float) -> None:
    """40 connections ask for the longest of paths."""
    ask = [asking(end, lambda sequence: geodesic(12, LATENT_DIM, sequence), seed) for seed in range(40)]
    await asyncio.gather(*(again_and_again(port, MODEL, end, talk) for talk in ask))


async def questions(port: int, end: float) -> None:
    """64 connections ask the largest questions about two models."""
    models = [(MODEL, LATENT_DIM), (LARGE, LARGE_DIM)] * 32
    ask = [(model, asking(end, partial(largest, latent_dim), seed)) for seed, (model, latent_dim) in enumerate(models)]
    await asyncio.gather(*(again_and_again(port, model, end, talk) for model, talk in ask))


async def deaf(port: int, end: float) -> None:
    """150 connections ask for pictures and never read one."""

    def talker(latent_dim: int, seed: int) -> Talk:
        async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            frame = masked(largest(latent_dim, 0) if seed % 3 else HEAD.pack(1, 0, 0, 1) + points(1, latent_dim))
            for _again in range(10_000):
                writer.write(frame)
                await asyncio.wait_for(writer.drain(), max(0.1, end - time.perf_counter()))
                await asyncio.sleep(0.01)

        return talk

    people = [(MODEL, LATENT_DIM), (LARGE, LARGE_DIM)] * 75
    await asyncio.gather(*(again_and_again(port, model, end, talker(d, seed)) for seed, (model, d) in enumerate(people)))


async def hurried(port: int, end: float) -> None:
    """24 connections keep 32 requests of moving pictures in flight each, as JPEG files."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await message(reader)
        z, sent, answered = points(1, LATENT_DIM), 0, 0
        while time.perf_counter() < end:
            while sent < answered + 32:
                sent += 1
                writer.write(masked(HEAD.pack(11, 0, 0, sent) + z))
            (answered,) = struct.unpack_from("<I", await message(reader), 4)
            seen["answers"] += 1

    await asyncio.gather(*(again_and_again(port, MODEL, end, talk) for _ in range(24)))


ATTACKS = {attack.__name__: attack for attack in (fuzz, storm, idle, geodesics, questions, deaf, hurried)}


async def attack(name: str, port: int, seconds: float) -> None:
    """One attack, which ends in time whatever it waits for."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(ATTACKS[name](port, time.perf_counter() + seconds), seconds + 1)


def main() -> None:
    """Prints what was seen as one JSON line."""
    asyncio.run(attack(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
    print(json.dumps(seen))


if __name__ == "__main__":
    main()
