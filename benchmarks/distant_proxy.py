"""A proxy that makes a server distant: every byte is held back for half a round trip, and carried no faster than a link would.

    with distant(port) as link:
        page.goto(f"http://127.0.0.1:{link.port}/")
        link.be(round_trip=100, mbit=5, late=0.01)

A process of its own, so that nothing the caller does comes between a byte and its time. Order is kept, as TCP keeps it: what
comes after a late reply waits for it. Every connection shares the link, which carries `mbit` each way.
"""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LATE = 0.2  # seconds by which a late reply is held up
BACKLOG = 0.05  # seconds of work of a link that rests
WHOLE, PART = 1 << 16, 2048  # bytes read at once: a whole reply where the link is wide, else a part of one


@dataclass
class Way:
    """One direction of the link."""

    delay: float = 0.0  # seconds
    rate: float | None = None  # bytes a second
    late: float = 0.0  # share of what is read at once
    free: float = 0.0  # when the link has carried everything so far

    def due(self, now: float, size: int) -> float:
        """When the last of so many bytes arrive that are sent now."""
        self.free = max(self.free, now) + (size / self.rate if self.rate else 0.0)
        return self.free + self.delay + (LATE if random.random() < self.late else 0.0)


@dataclass
class Proxy:
    """Serves until its standard input ends; each line there says how the link is from now on."""

    target: int
    up: Way = field(default_factory=Way)
    down: Way = field(default_factory=Way)

    def be(self, round_trip: float, mbit: float | None, late: float) -> None:
        for way in (self.up, self.down):
            way.delay, way.rate = round_trip / 2000, mbit * 1e6 / 8 if mbit else None
        self.down.late = late

    async def serve(self) -> None:
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        lines = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        while line := await lines.readline():
            await self._do(**json.loads(line))
            print("ok", flush=True)

    async def _do(self, rest: float = 0.0, **link: Any) -> None:
        if link:
            self.be(**link)
        loop = asyncio.get_running_loop()
        end = loop.time() + rest
        while (now := loop.time()) < end:
            if max(self.up.free, self.down.free) > now + BACKLOG:
                end = now + rest
            await asyncio.sleep(0.02)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.close()
            return
        await asyncio.gather(self._carry(reader, far_writer, self.up), self._carry(far_reader, writer, self.down))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Way) -> None:
        loop = asyncio.get_running_loop()
        last = 0.0
        try:
            while data := await reader.read(PART if way.rate else WHOLE):
                last = max(way.due(loop.time(), len(data)), last + 1e-6)  # never before what was sent before
                loop.call_at(last, writer.write, data)
        except OSError:
            pass
        loop.call_at(max(last + 1e-6, loop.time()), writer.close)


@dataclass(frozen=True)
class Link:
    """A running proxy, as its user sees it."""

    port: int
    process: subprocess.Popen[str]

    def be(self, round_trip: float = 0, mbit: float | None = None, late: float = 0.0) -> None:
        """The link from now on: ms there and back, Mbit/s each way (None: as fast as this machine), share of late replies."""
        self._tell({"round_trip": round_trip, "mbit": mbit, "late": late})

    def rest(self, seconds: float = 1.0) -> None:
        """Returns when nothing has waited for the link for so long: strips and backgrounds of a map take it too."""
        self._tell({"rest": seconds})

    def _tell(self, words: dict[str, Any]) -> None:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "ok\n"


@contextmanager
def distant(target: int) -> Iterator[Link]:
    """A proxy to a port of this machine; nothing is held back until it is told so."""
    command = [sys.executable, "-m", "benchmarks.distant_proxy", str(target)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield Link(int(process.stdout.readline()), process)
        finally:
            process.kill()


if __name__ == "__main__":
    asyncio.run(Proxy(int(sys.argv[1])).serve())
