"""Which of several pictures is drawn most crisply: a model opens on such a one."""

from __future__ import annotations

import numpy as np

from vae_core.array_types import Pixels


def crispest(pictures: Pixels) -> int:
    """Which of (N,H,W,C) has the fewest grey values for its ink: a blurred stroke is all greys. An empty one is not crisp."""
    x = pictures.astype(np.float32) / 255
    ink, greys = x.sum(axis=(1, 2, 3)), (4 * x * (1 - x)).sum(axis=(1, 2, 3))
    return int(np.where(ink < 1, np.inf, greys / np.maximum(ink, 1)).argmin())
