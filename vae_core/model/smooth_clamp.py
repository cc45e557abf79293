"""A bound that never stops a gradient: a number clamped hard has none beyond the bound, so training could not correct it."""

from __future__ import annotations

from torch import Tensor

_FARTHEST = 1e6  # infinity itself has no slope to give back


def soft_bound(x: Tensor, low: float, high: float, give: float = 1.0) -> Tensor:
    """x itself from `low` to `high`; beyond, ever less of it, and never more than `give` beyond. The slope is 1 at the bounds.

    At a distance d outside, the slope is 1 / (1 + d / give)^2: small far out, but not zero, so that training can return.
    """
    inside = x.clamp(low, high)
    outside = (x.clamp(-_FARTHEST, _FARTHEST) - inside) / give
    return inside + give * outside / (1 + outside.abs())
