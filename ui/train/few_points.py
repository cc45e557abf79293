"""Many values as few points, as many as a chart has pixels: spikes stay, and a smoothed line beside them."""

from __future__ import annotations

import math

import numpy as np

POINTS = 300  # per curve
Curve = tuple[np.ndarray, np.ndarray]


def spikes_kept(xs: np.ndarray, ys: np.ndarray, points: int = POINTS) -> Curve:
    """At most `points` of the values: the least and the greatest of each part, in their order, and the last one."""
    if len(xs) <= points:
        return xs, ys
    size = math.ceil(len(ys) / ((points - 1) // 2))
    whole = len(ys) // size * size
    parts, first = ys[:whole].reshape(-1, size), np.arange(0, whole, size)
    places = [first + parts.argmin(axis=1), first + parts.argmax(axis=1)]
    rest = ys[whole:]
    ends = [whole + rest.argmin(), whole + rest.argmax()] if len(rest) else []
    chosen = np.unique(np.concatenate([*places, ends, [len(ys) - 1]]).astype(np.int64))
    return xs[chosen], ys[chosen]


def smoothed(xs: np.ndarray, ys: np.ndarray, share: float, points: int = POINTS) -> Curve:
    """The exponential mean of what came before, reaching back about `share` of the whole curve, at most `points` of it.

    Corrected for its beginning as in Kingma & Ba 2015, section 3: the first value is the first mean.
    """
    if not len(ys):
        return xs, ys
    size = math.ceil(len(ys) / points)
    starts = np.arange(0, len(ys), size)
    counts = np.diff([*starts, len(ys)])
    means = np.add.reduceat(ys, starts, dtype=np.float64) / counts
    kept = math.exp(-1 / max(share * len(means), 1e-9))
    line, total, weight = [], 0.0, 0.0
    for value in means.tolist():
        total, weight = kept * total + (1 - kept) * value, kept * weight + 1 - kept
        line.append(total / weight)
    return xs[starts + counts - 1], np.array(line)


def sampled(rows: list, most: int) -> list:
    """At most `most` of the rows, evenly spaced, the first and the last among them."""
    if len(rows) <= most:
        return rows
    return [rows[round(k * (len(rows) - 1) / (most - 1))] for k in range(most)]
