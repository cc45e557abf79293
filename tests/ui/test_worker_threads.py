"""Threads for long work: what waits is bounded, the shortest goes first, and nobody works for those who have gone."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ui.server.worker_threads import BusyError, StoppedError, TaskQueue, TooLongError


def run(main):
    """Runs a coroutine on a loop of its own thread: a browser test may hold this thread's loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, main).result(20)


class Gate:
    """Work that waits until it is let through, and says when it has begun."""

    def __init__(self):
        self.begun, self.open = threading.Event(), threading.Event()
        self.ended = None

    def __call__(self, stop_check):
        self.begun.set()
        self.open.wait(10)
        try:
            stop_check()
        except Exception as error:
            self.ended = type(error)
            raise
        return "through"


async def begun(gate):
    while not gate.begun.is_set():
        await asyncio.sleep(0.005)


def test_the_answer_and_the_error_of_the_work_come_back():
    async def main():
        queue = TaskQueue("test", threads=2, waiting=5)
        results = await asyncio.gather(queue.run(lambda _: 7), queue.run(lambda _: 1 / 0), return_exceptions=True)
        return results[0], type(results[1])

    assert run(main()) == (7, ZeroDivisionError)


def test_a_full_line_takes_nothing_on():
    async def main():
        queue, gate = TaskQueue("test", threads=1, waiting=2), Gate()
        first = asyncio.ensure_future(queue.run(gate))
        await begun(gate)
        waiting = [asyncio.ensure_future(queue.run(lambda _: "waited")) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(BusyError, match="busy"):
            await queue.run(lambda _: "too much")
        gate.open.set()
        return await asyncio.gather(first, *waiting)

    assert run(main()) == ["through", "waited", "waited"]


def test_what_is_expected_to_take_longest_goes_last():
    async def main():
        queue, gate, order = TaskQueue("test", threads=1, waiting=9), Gate(), []
        first = asyncio.ensure_future(queue.run(gate))
        await begun(gate)
        jobs = [asyncio.ensure_future(queue.run(lambda _, s=seconds: order.append(s), seconds)) for seconds in (9, 1, 5)]
        await asyncio.sleep(0)
        gate.open.set()
        await asyncio.gather(first, *jobs)
        return order

    assert run(main()) == [1, 5, 9]


def test_work_that_nobody_waits_for_leaves_the_line_or_is_told_to_stop():
    async def main():
        queue, gate, done = TaskQueue("test", threads=1, waiting=1), Gate(), []
        under_way = asyncio.ensure_future(queue.run(gate))
        await begun(gate)
        waiting = asyncio.ensure_future(queue.run(lambda _: done.append("for nobody")))
        await asyncio.sleep(0)
        for job in (under_way, waiting):
            job.cancel()
        await asyncio.gather(under_way, waiting, return_exceptions=True)
        last = asyncio.ensure_future(queue.run(lambda _: done.append("last")))  # there is room in the line again
        gate.open.set()
        await last
        return gate.ended, done

    assert run(main()) == (StoppedError, ["last"])


def test_work_that_takes_too_long_is_given_up():
    async def main():
        queue = TaskQueue("test", threads=1, waiting=1, limit=0.05)

        def for_ever(stop_check):
            while True:
                stop_check()

        with pytest.raises(TooLongError, match=r"longer than 0\.05 s"):
            await queue.run(for_ever)
        return await queue.run(lambda _: "next")

    assert run(main()) == "next"
