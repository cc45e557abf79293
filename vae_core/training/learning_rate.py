"""The learning rate as a pure function of the step."""

from __future__ import annotations

import math


def lr_at(step: int, *, kind: str, peak: float, total_steps: int) -> float:
    """The learning rate at a step: up to `peak` over the first tenth, then down a cosine to a hundredth (Smith & Topin 2018)."""
    if kind == "constant":
        return peak
    if kind != "one-cycle":
        raise ValueError(f"unknown learning-rate schedule {kind!r}; choose from 'one-cycle', 'constant'")
    rise = max(1, total_steps // 10)
    if step < rise:
        return peak * (0.1 + 0.9 * step / rise)
    progress = min(1.0, (step - rise) / max(1, total_steps - rise))
    return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))
