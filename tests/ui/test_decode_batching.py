"""Gathering requests into batches, with models of a few lines instead of networks."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import numpy as np
import pytest

from ui.server.decode_batching import MAX_BATCH, Batcher, SizeChangedError
from ui.shared.cached_models import FileCache


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
        return await asyncio.gather(*(batcher.decode(model, packed(i, -i)) for i in range(10)))

    answers = run(work)
    assert model.batches == [10]
    assert [tuple(answer) for answer in answers] == [(i, -i) for i in range(10)]


def test_what_arrives_during_a_batch_forms_the_next_ones_up_to_the_largest_size():
    model = FakeModel()

    async def work(batcher):
        model.gate.clear()
        first = batcher.decode(model, packed(0, 0))
        await asyncio.sleep(0.05)
        rest = [batcher.decode(model, packed(i, 0)) for i in range(MAX_BATCH + 5)]
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
        many = [batcher.decode(models["a"], packed(i, 0)) for i in range(2 * MAX_BATCH)]
        few = [batcher.decode(models["b"], packed(i, 0)) for i in range(3)]
        await asyncio.gather(*many, *few)

    run(lambda batcher: work_and_return(work, batcher))
    assert order == [("a", MAX_BATCH), ("b", 3), ("a", MAX_BATCH)]


async def work_and_return(work, batcher):
    await work(batcher)
    return True


def test_two_files_that_have_one_name_in_turn_are_decoded_each_by_its_own():
    # a run was deleted and another made under its name while somebody was connected to the first
    before, after = FakeModel(), FakeModel()
    after.decode = lambda z: -z

    async def work(batcher):
        return await asyncio.gather(batcher.decode(before, packed(1, 2)), batcher.decode(after, packed(1, 2)))

    assert [tuple(picture) for picture in run(work)] == [(1, 2), (-1, -2)]


def test_a_failing_model_fails_its_own_requests_only():
    good, bad = FakeModel(), FakeModel()
    bad.decode = lambda z: 1 / 0

    async def work(batcher):
        return await asyncio.gather(batcher.decode(bad, packed(1, 1)), batcher.decode(good, packed(2, 2)), return_exceptions=True)

    failed, answer = run(work)
    assert isinstance(failed, ZeroDivisionError)
    assert tuple(answer) == (2, 2)


def test_a_z_of_the_old_size_is_told_so_and_the_others_are_decoded():
    model = FakeModel()

    async def work(batcher):
        sizes = [packed(1, 2), packed(1, 2, 3), packed(3, 4)]
        return await asyncio.gather(*(batcher.decode(model, z) for z in sizes), return_exceptions=True)

    first, wrong, last = run(work)
    assert (tuple(first), tuple(last)) == ((1, 2), (3, 4))
    assert isinstance(wrong, SizeChangedError)


def test_a_request_whose_connection_is_gone_does_not_stop_its_batch():
    model = FakeModel()

    async def work(batcher):
        model.gate.clear()
        gone, stays = batcher.decode(model, packed(1, 1)), batcher.decode(model, packed(2, 2))
        await asyncio.sleep(0.05)
        gone.cancel()
        model.gate.set()
        return await stays

    assert tuple(run(work)) == (2, 2)


class Files:
    """Files that are only versions, and a loader that waits at a gate and remembers what it opened."""

    def __init__(self):
        self.versions = {}
        self.loads = []
        self.gate = threading.Event()
        self.gate.set()

    def version(self, path):
        return self.versions.get(path.name)

    def load(self, path):
        self.gate.wait(5)
        self.loads.append((path.name, self.versions[path.name]))
        return f"{path.name}{self.versions[path.name]}"


@pytest.fixture
def files():
    return Files()


@pytest.fixture
def cache(files):
    return FileCache(files.load, 2, files.version)


def test_a_file_version_is_loaded_once_however_many_ask_for_it(files, cache):
    files.versions = {"a": 1}
    files.gate.clear()
    seen = []
    threads = [threading.Thread(target=lambda: seen.append(cache.get(Path("a"), 1))) for _ in range(8)]
    for thread in threads:
        thread.start()
    files.gate.set()
    for thread in threads:
        thread.join(10)
    assert files.loads == [("a", 1)] and seen == ["a1"] * 8


def test_a_new_version_replaces_the_old_and_the_least_used_goes_first(files, cache):
    a, b, c = (Path(name) for name in "abc")
    files.versions = {"a": 1, "b": 1, "c": 1}
    cache.get(a, 1)
    files.versions["a"] = 2
    assert cache.get(a, 2) == "a2"
    cache.get(b, 1)
    cache.get(a, 2)  # a is used again, so b goes when c comes
    cache.get(c, 1)
    cache.get(a, 2)
    cache.get(b, 1)
    assert [name for name, _ in files.loads] == ["a", "a", "b", "c", "b"]


def test_asked_for_old_and_new_in_turn_only_the_version_that_is_there_is_loaded_and_once(files, cache):
    files.versions = {"a": 2}  # somebody still holds an entry of version 1
    assert [cache.get(Path("a"), asked) for asked in (1, 2, 1, 2)] == ["a2"] * 4
    assert files.loads == [("a", 2)]


def test_a_file_replaced_while_it_is_opened_is_kept_under_no_version_it_was_not(files, cache):
    files.versions = {"a": 1}
    whole = files.load

    def replaced_meanwhile(path):
        value = whole(path)
        files.versions["a"] = 2
        return value

    cache._load = replaced_meanwhile
    assert cache.get(Path("a"), 1) == "a2"
    assert cache.peek(Path("a"), 1) is None and cache.peek(Path("a"), 2) == "a2"


def test_a_failed_load_is_tried_again(tmp_path):
    outcomes = iter([OSError("no"), "value"])

    def load(_):
        outcome = next(outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    cache = FileCache(load, 2, lambda path: 1)
    with pytest.raises(OSError, match="no"):
        cache.get(tmp_path, 1)
    assert cache.get(tmp_path, 1) == "value"
