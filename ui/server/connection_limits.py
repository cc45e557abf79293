"""Who is connected, and how much of what was sent to them they have not read: both are bounded.

A client that reads nothing of what waits for it for PATIENCE seconds is cut off, or for HASTE seconds where all together have
left half of MAX_UNREAD bytes; beyond that, those with most waiting are. Otherwise a few could fill the server's memory.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from ui.server.streamlit_internals import Wire

MAX_CONNECTIONS = 800  # each explorer has two
MAX_UNREAD = 192 << 20  # bytes
PATIENCE = 20.0  # seconds; a browser reads what it gets even in a tab that nobody looks at
HASTE = 2.0
LOOK = 1.0  # seconds between two looks
PACE, BURST = 150.0, 60  # connections let in a second, and at once after a quiet while
LONGEST_WAIT = 10.0  # seconds at the door


@dataclass(eq=False)
class Seat:
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


class Crowd:
    """Owned by one event loop."""

    def __init__(self) -> None:
        self._seats: set[Seat] = set()
        self._looking: asyncio.TimerHandle | None = None
        self._door = 0.0  # when the next may come in, on the loop's clock

    async def turn(self) -> bool:
        """Waits at the door, where a storm of connections is slowed down; False when the line is too long."""
        now = asyncio.get_running_loop().time()
        self._door = max(self._door, now - BURST / PACE)
        if self._door - now > LONGEST_WAIT:
            return False
        self._door += 1 / PACE
        await asyncio.sleep(max(0.0, self._door - now))
        return True

    @property
    def full(self) -> bool:
        return len(self._seats) >= MAX_CONNECTIONS

    @property
    def choked(self) -> bool:
        """Whether so much is unread that no further answers are made."""
        return sum(seat.wire.unsent() for seat in self._seats) > MAX_UNREAD // 2

    def join(self, wire: Wire) -> Seat:
        """A seat until `leave`."""
        seat = Seat(wire, since=time.monotonic())
        self._seats.add(seat)
        if self._looking is None:
            self._look_again()
        return seat

    def leave(self, seat: Seat) -> None:
        """The connection has ended, or is about to."""
        self._seats.discard(seat)

    def close(self) -> None:
        """No more looks."""
        if self._looking is not None:
            self._looking.cancel()

    def _look_again(self) -> None:
        self._looking = asyncio.get_running_loop().call_later(LOOK, self._look) if self._seats else None

    def _look(self) -> None:
        now = time.monotonic()
        for seat in self._seats:
            unread = seat.wire.unsent()
            if unread < seat.unread or unread == 0:
                seat.since = now
            seat.unread = unread
        patience = HASTE if self.choked else PATIENCE
        late = [seat for seat in self._seats if now - seat.since > patience]
        for seat in {*late, *self._too_much()}:
            seat.wire.cut()
        self._look_again()

    def _too_much(self) -> list[Seat]:
        """Those with most unread, until the others have no more than all may have."""
        total, greedy = sum(seat.unread for seat in self._seats), []
        for seat in sorted(self._seats, key=lambda seat: seat.unread, reverse=True):
            if total <= MAX_UNREAD:
                break
            total -= seat.unread
            greedy.append(seat)
        return greedy
