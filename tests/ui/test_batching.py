"""Gathering requests into batches, with models of a few lines instead of networks."""

from __future__ import annotations

import asyncio
import threading

import numpy as np
import pytest

from ui.batching import MAX_BATCH, Batcher, SizeChangedError
from ui.resources import FileCache


class FakeModel:
    """Its picture of z is z itself; remembers how many it decoded at a time."""

    latent_dim = 2

    def __init__(self):
        self.batches = []
        self.gate = threading.Event()
        self.gate.set()

    def current(self):
        return self

    def decode(self, z):
        self.gate.wait(5)
        self.batches.append(len(z))
        return z.copy()


def packed(*z):
    return np.array(z, "<f4").tobytes()


def run(work):
    """Runs a coroutine function with a batcher, on a loop of its own thread (a browser test may hold this thread's loop)."""
    result = []

    async def main():
        batcher = Batcher()
        try:
            result.append(await work(batcher))
        finally:
            batcher.close()

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    thread.join(20)
    assert result, "the coroutine failed or hung"
    return result[0]


def test_what_arrives_together_is_decoded_together():
    model = FakeModel()

    async def work(batcher):
        return await asyncio.gather(*(batcher.decode("a", model, packed(i, -i)) for i in range(10)))

    answers = run(work)
    assert model.batches == [10]
    assert [tuple(answer) for answer in answers] == [(i, -i) for i in range(10)]


def test_what_arrives_during_a_batch_forms_the_next_ones_up_to_the_largest_size():
    model = FakeModel()

    async def work(batcher):
        model.gate.clear()
        first = batcher.decode("a", model, packed(0, 0))
        await asyncio.sleep(0.05)
        rest = [batcher.decode("a", model, packed(i, 0)) for i in range(MAX_BATCH + 5)]
        model.gate.set()
        return await asyncio.gather(first, *rest)

    answers = run(work)
    assert model.batches == [1, MAX_BATCH, 5]
    assert [answer[0] for answer in answers] == [0, *range(MAX_BATCH + 5)]


def test_models_take_turns():
    order = []
    models = {name: FakeModel() for name in "ab"}
    for name, model in models.items():
        model.decode = lambda z, name=name: order.append((name, len(z))) or z.copy()

    async def work(batcher):
        many = [batcher.decode("a", models["a"], packed(i, 0)) for i in range(2 * MAX_BATCH)]
        few = [batcher.decode("b", models["b"], packed(i, 0)) for i in range(3)]
        await asyncio.gather(*many, *few)

    run(lambda batcher: work_and_return(work, batcher))
    assert order == [("a", MAX_BATCH), ("b", 3), ("a", MAX_BATCH)]


async def work_and_return(work, batcher):
    await work(batcher)
    return True


def test_a_failing_model_fails_its_own_requests_only():
    good, bad = FakeModel(), FakeModel()
    bad.decode = lambda z: 1 / 0

    async def work(batcher):
        return await asyncio.gather(
            batcher.decode("bad", bad, packed(1, 1)), batcher.decode("good", good, packed(2, 2)), return_exceptions=True
        )

    failed, answer = run(work)
    assert isinstance(failed, ZeroDivisionError)
    assert tuple(answer) == (2, 2)


def test_a_z_of_the_old_size_is_told_so_and_the_others_are_decoded():
    model = FakeModel()

    async def work(batcher):
        sizes = [packed(1, 2), packed(1, 2, 3), packed(3, 4)]
        return await asyncio.gather(*(batcher.decode("a", model, z) for z in sizes), return_exceptions=True)

    first, wrong, last = run(work)
    assert (tuple(first), tuple(last)) == ((1, 2), (3, 4))
    assert isinstance(wrong, SizeChangedError)


def test_a_request_whose_connection_is_gone_does_not_stop_its_batch():
    model = FakeModel()

    async def work(batcher):
        model.gate.clear()
        gone, stays = batcher.decode("a", model, packed(1, 1)), batcher.decode("a", model, packed(2, 2))
        await asyncio.sleep(0.05)
        gone.cancel()
        model.gate.set()
        return await stays

    assert tuple(run(work)) == (2, 2)


def test_a_file_version_is_loaded_once_however_many_ask_for_it(tmp_path):
    loads = []
    gate = threading.Event()

    def load(path):
        gate.wait(5)
        loads.append(path)
        return object()

    cache = FileCache(load, 2)
    seen = []
    threads = [threading.Thread(target=lambda: seen.append(cache.get(tmp_path, 1))) for _ in range(8)]
    for thread in threads:
        thread.start()
    gate.set()
    for thread in threads:
        thread.join(10)
    assert len(loads) == 1
    assert len(set(map(id, seen))) == 1


def test_a_new_version_replaces_the_old_and_the_least_used_goes_first(tmp_path):
    loads = []
    cache = FileCache(lambda path: loads.append(path.name) or object(), 2)
    a, b, c = (tmp_path / name for name in "abc")
    first = cache.get(a, 1)
    assert cache.get(a, 2) is not first
    cache.get(b, 1)
    cache.get(a, 2)  # a is used again, so b goes when c comes
    cache.get(c, 1)
    cache.get(a, 2)
    cache.get(b, 1)
    assert loads == ["a", "a", "b", "c", "b"]


def test_a_failed_load_is_tried_again(tmp_path):
    outcomes = iter([OSError("no"), "value"])

    def load(_):
        outcome = next(outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    cache = FileCache(load, 2)
    with pytest.raises(OSError, match="no"):
        cache.get(tmp_path, 1)
    assert cache.get(tmp_path, 1) == "value"
