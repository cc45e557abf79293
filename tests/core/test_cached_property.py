"""What is computed on first use is computed once, also when two threads ask at once."""

import threading
import time

from vae_core.system.cached_property import once


class Thing:
    """Remembers how often its property was computed; a property may use another."""

    def __init__(self):
        self.computed = []

    @once
    def half(self):
        """Half of it."""
        time.sleep(0.05)
        self.computed.append("half")
        return 21

    @once
    def whole(self):
        self.computed.append("whole")
        return 2 * self.half


def test_threads_that_ask_at_once_get_one_value_that_was_computed_once():
    thing, seen = Thing(), []
    threads = [threading.Thread(target=lambda: seen.append(thing.half)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert thing.computed == ["half"] and seen == [21] * 8


def test_each_object_has_its_own_and_one_may_need_another():
    first, second = Thing(), Thing()
    assert (first.whole, first.whole, second.whole) == (42, 42, 42)
    assert first.computed == ["whole", "half"] and second.computed == ["whole", "half"]
