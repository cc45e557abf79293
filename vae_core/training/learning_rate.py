"""The learning rate as a pure function of the step."""

from __future__ import annotations

import math
from collections.abc import Sequence

LATER_PEAK = 1 / 3  # of the first cycle's, in the cycles of epochs that were added later


def lr_at(step: int, *, kind: str, peak: float, total_steps: int, added_steps: Sequence[int] = ()) -> float:
    """The learning rate at a step: up to `peak` over the first tenth, then down a cosine to a hundredth (Smith & Topin 2018).

    Steps by which a run was extended, each time so many, are cycles of their own with a third of that peak: enough to go on
    learning where the cycle before had come to rest, and not so much that what was learnt is lost. A constant rate stays.
    """
    if kind == "constant":
        return peak
    if kind != "one-cycle":
        raise ValueError(f"unknown learning-rate schedule {kind!r}; choose from 'one-cycle', 'constant'")
    begin, length = 0, total_steps
    for more in added_steps:
        if step < begin + length:
            break
        begin, length = begin + length, more
    return (peak * LATER_PEAK if begin else peak) * _one_cycle(step - begin, length)


def _one_cycle(step: int, total_steps: int) -> float:
    rise = max(1, total_steps // 10)
    if step < rise:
        return 0.1 + 0.9 * step / rise
    progress = min(1.0, (step - rise) / max(1, total_steps - rise))
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress))
