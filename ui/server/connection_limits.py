"""Who is connected, and how much of what was sent to them they have not read: both are bounded.

A client that reads nothing of what waits for it for PATIENCE seconds is cut off, or for SHORT_PATIENCE seconds where all together
have left half of MAX_UNREAD bytes; beyond that, those with most waiting are. Otherwise a few could fill the server's memory.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from ui.server.streamlit_internals import Wire

MAX_CONNECTIONS = 800  # each explorer has two
MAX_UNREAD = 192 << 20  # bytes
PATIENCE = 20.0  # seconds; a browser reads what it gets even in a hidden tab
SHORT_PATIENCE = 2.0
LOOK = 1.0  # seconds between two looks
PER_SECOND, BURST = 150.0, 60  # connections that may begin in a second, and at once after a quiet time
LONGEST_WAIT = 10.0  # seconds until a connection may begin


@dataclass(eq=False)
class OpenConnection:
    """One connection."""

    wire: Wire
    unread: int = 0  # at the last look
    since: float = 0.0  # when it last became less

    async def drained(self) -> None:
        """Returns when the client has read what it was sent; until then it gets no further answers to questions."""
        pause = 0.01
        while self.wire.unsent() > 0:
            await asyncio.sleep(pause)
            pause = min(1.0, 2 * pause)


class OpenConnections:
    """All connections of the live route. Owned by one event loop."""

    def __init__(self) -> None:
        self._connections: set[OpenConnection] = set()
        self._looking: asyncio.TimerHandle | None = None
        self._next_start = 0.0  # when the next one may begin, on the loop's clock

    async def admitted(self) -> bool:
        """Slows down many connections begun at once; False when one would have to wait longer than LONGEST_WAIT seconds."""
        now = asyncio.get_running_loop().time()
        self._next_start = max(self._next_start, now - BURST / PER_SECOND)
        if self._next_start - now > LONGEST_WAIT:
            return False
        self._next_start += 1 / PER_SECOND
        await asyncio.sleep(max(0.0, self._next_start - now))
        return True

    @property
    def full(self) -> bool:
        return len(self._connections) >= MAX_CONNECTIONS

    @property
    def choked(self) -> bool:
        """Whether so much is unread that no further answers are made."""
        return sum(connection.wire.unsent() for connection in self._connections) > MAX_UNREAD // 2

    def join(self, wire: Wire) -> OpenConnection:
        """Counts it until `leave`."""
        connection = OpenConnection(wire, since=time.monotonic())
        self._connections.add(connection)
        if self._looking is None:
            self._look_again()
        return connection

    def leave(self, connection: OpenConnection) -> None:
        """The connection has ended, or is about to."""
        self._connections.discard(connection)

    def close(self) -> None:
        """No more looks."""
        if self._looking is not None:
            self._looking.cancel()

    def _look_again(self) -> None:
        self._looking = asyncio.get_running_loop().call_later(LOOK, self._look) if self._connections else None

    def _look(self) -> None:
        now = time.monotonic()
        for connection in self._connections:
            unread = connection.wire.unsent()
            if unread < connection.unread or unread == 0:
                connection.since = now
            connection.unread = unread
        patience = SHORT_PATIENCE if self.choked else PATIENCE
        late = [connection for connection in self._connections if now - connection.since > patience]
        for connection in {*late, *self._too_much()}:
            connection.wire.cut()
        self._look_again()

    def _too_much(self) -> list[OpenConnection]:
        """Those with most unread, until the others have no more than all may have."""
        total, most_unread = sum(connection.unread for connection in self._connections), []
        for connection in sorted(self._connections, key=lambda connection: connection.unread, reverse=True):
            if total <= MAX_UNREAD:
                break
            total -= connection.unread
            most_unread.append(connection)
        return most_unread
