"""Where a model opens when nobody has said where: at the code of a test image that it draws crisply.

The origin is the middle of everything, and its picture a smudge: nothing to begin with.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ui import received, resources

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from vae_core.registry import ModelEntry

CANDIDATES = 24  # decoded once for each model file, in a few milliseconds
SEED = 0

Place = tuple[list[float], dict[str, Any] | None]


@lru_cache(maxsize=64)
def place(entry: ModelEntry) -> Place:
    """The point and, where it is a test image's code, its posterior; without codes the crispest of some draws from the prior."""
    model = resources.open_entry(entry)
    if model.test_means is None or model.test_stds is None or model.test_labels is None:
        draws = model.sample_prior(CANDIDATES, SEED)
        return draws[crispest(model.decode(draws))].tolist(), None
    indices = np.linspace(0, len(model.test_means) - 1, min(CANDIDATES, len(model.test_means))).astype(int)
    best = int(indices[crispest(model.decode(model.test_means[indices]))])
    return received.test_image_code(model, best)


def crispest(pictures: NDArray[np.uint8]) -> int:
    """Which of (N,H,W,C) has the fewest grey values for its ink: a blurred stroke is all greys. An empty one is not crisp."""
    x = pictures.astype(np.float32) / 255
    ink, greys = x.sum(axis=(1, 2, 3)), (4 * x * (1 - x)).sum(axis=(1, 2, 3))
    return int(np.where(ink < 1, np.inf, greys / np.maximum(ink, 1)).argmin())
