"""beta and learning rate as pure functions of the step."""

from __future__ import annotations

import math


def beta_at(step: int, *, kind: str, final: float, warmup_steps: int, total_steps: int, cycles: int) -> float:
    """The KL's weight at a step (counted from 0).

    linear: from 0 to `final` over `warmup_steps` (Bowman et al. 2016, section 3.1).
    cyclical: `cycles` times up over the first half of a cycle, then flat (Fu et al. 2019, equation 6, R = 0.5).
    """
    if kind == "none":
        return final
    if kind == "linear":
        return final * min(1.0, step / warmup_steps) if warmup_steps > 0 else final
    if kind == "cyclical":
        period = max(1.0, total_steps / cycles)
        return final * min(1.0, (step % period) / (0.5 * period))
    raise ValueError(f"unknown warm-up {kind!r}; choose from 'none', 'linear', 'cyclical'")


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
