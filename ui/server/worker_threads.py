"""Threads of their own for what takes longer than a frame: neither the event loop, nor the decoder, nor Streamlit waits for it.

What waits in a queue is bounded, and what is expected to be done first goes first; work whose asker has gone is dropped, and
work under way is told so at its next step. On Linux these threads also have a lower priority.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from vae_core.system.thread_priority import lower_priority

SLOWEST = 3  # times as long as on a processor of its own: work may take its time where the machine is busy with other things
IDLE = 10.0  # seconds after which a thread with nothing to do ends
T = TypeVar("T")


class BusyError(Exception):
    """So much waits already that this is not taken on; try again after `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"The server is busy. Try again in {seconds:g} s.")
        self.seconds = seconds


class StoppedError(Exception):
    """The client that asked for the work has gone."""


class TooLongError(Exception):
    """The work took longer than it may."""


class StopCheck:
    """Handed to the work, which calls it between its steps.

    Raises:
        StoppedError, TooLongError: when it is called after that.
    """

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._worked, self._end = 0.0, float("inf")
        self._stopped = False

    def start(self) -> None:
        """The time that the work may take begins, on this thread."""
        self._worked, self._end = time.thread_time(), time.monotonic() + SLOWEST * self._limit

    def stop(self) -> None:
        """The next call raises."""
        self._stopped = True

    def __call__(self) -> None:
        if self._stopped:
            raise StoppedError
        if time.thread_time() - self._worked > self._limit or time.monotonic() > self._end:
            raise TooLongError(f"it takes longer than {self._limit:g} s")


@dataclass(order=True)
class _Job:
    due: float
    number: int
    work: Callable[[StopCheck], Any] = field(compare=False)
    stop_check: StopCheck = field(compare=False)
    future: Future[Any] = field(compare=False, default_factory=Future)


class TaskQueue:
    """At most `threads` at work and `waiting` in line. Belongs to no event loop."""

    def __init__(self, name: str, *, threads: int, waiting: int, limit: float = float("inf"), low_priority: bool = True) -> None:
        """
        Args:
            limit: seconds of a processor that one piece of work may take.
            low_priority: whether its threads run only when no other wants the processor.
        """
        self._low_priority = low_priority
        self._name, self._most_threads, self._most_waiting, self._limit = name, threads, waiting, limit
        self._changed = threading.Condition()
        self._line: list[_Job] = []
        self._threads = self._at_work = 0
        self._numbers = itertools.count()

    async def run(self, work: Callable[[StopCheck], T], expected: float = 0.0) -> T:
        """What the work returns, which is expected to take so many seconds. Cancelled, it leaves the line or is told to stop.

        Raises:
            BusyError: the line is full.
            TooLongError: it took longer than the limit.
        """
        job = self._take_on(work, expected)
        try:
            found: T = await asyncio.wrap_future(job.future)
        except asyncio.CancelledError:
            self._drop(job)
            raise
        return found

    def _take_on(self, work: Callable[[StopCheck], Any], expected: float) -> _Job:
        with self._changed:
            if len(self._line) >= self._most_waiting:
                raise BusyError(1.0)
            job = _Job(time.monotonic() + expected, next(self._numbers), work, StopCheck(self._limit))
            heapq.heappush(self._line, job)
            if self._at_work + len(self._line) > self._threads < self._most_threads:
                self._threads += 1
                threading.Thread(target=self._run, name=self._name, daemon=True).start()
            self._changed.notify()
            return job

    def _drop(self, job: _Job) -> None:
        job.stop_check.stop()
        with self._changed, contextlib.suppress(ValueError):  # under way
            self._line.remove(job)
            heapq.heapify(self._line)

    def _run(self) -> None:
        if self._low_priority:
            lower_priority()
        while (job := self._next()) is not None:
            try:
                if job.future.set_running_or_notify_cancel():
                    _finish(job)
            finally:
                with self._changed:
                    self._at_work -= 1
            del job  # its answer may be large

    def _next(self) -> _Job | None:
        with self._changed:
            if not self._line and not self._changed.wait_for(lambda: self._line, IDLE):
                self._threads -= 1
                return None
            self._at_work += 1
            return heapq.heappop(self._line)


def _finish(job: _Job) -> None:
    job.stop_check.start()
    try:
        job.future.set_result(job.work(job.stop_check))
    except BaseException as error:
        job.future.set_exception(error)


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
