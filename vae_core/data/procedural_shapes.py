"""One coloured shape on black, with six known factors: made here, so it needs no network and its truth is known.

Every image depends on its own row of factors alone, so image 4711 of the test set can be drawn without drawing the others.
Edges are antialiased: a pixel's coverage is read off the distance from its centre to the outline.
After dSprites (Matthey et al. 2017), but in colour, continuous, and with rotation and hue on a line instead of a circle.
"""

from __future__ import annotations

import colorsys

import numpy as np
from numpy.typing import NDArray

from vae_core.data.catalog import dataset_info

FACTORS = ("shape", "size", "rotation", "x", "y", "colour")
CLASSES = dataset_info("shapes").classes
# Smallest and largest value of each continuous factor. Lengths are fractions of the image's side, so any size looks alike.
# Rotation spans a quarter turn (degrees): a square turned by more would be a square again. Hue runs red to violet and stops.
RANGES = {"size": (0.13, 0.25), "rotation": (-45.0, 45.0), "x": (0.28, 0.72), "y": (0.28, 0.72), "colour": (0.0, 0.8)}
SIZE = dataset_info("shapes").height  # pixels, each side
TRAIN_COUNT, TRAIN_SEED = dataset_info("shapes").training_images, 20_240_117
TEST_COUNT, TEST_SEED = dataset_info("shapes").test_images, 90_210_331

_CHUNK = 256  # images drawn at once: about 4 MB of float32 at 64x64, which stays in cache
_HUES = np.array([colorsys.hsv_to_rgb(step / 1024, 0.72, 1.0) for step in range(1024)], dtype=np.float32)


def make(count: int, seed: int, size: int = SIZE) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """`count` images (N, 3, size, size) and their factors (N, 6) in the order of FACTORS; the seed determines both."""
    table = factors(count, seed)
    return render(table, size), table


def factors(count: int, seed: int) -> NDArray[np.float64]:
    """(N, 6): the class as 0, 1, 2 and the others uniform over RANGES, all independent."""
    table = np.random.default_rng(seed).random((count, len(FACTORS)))
    table[:, 0] = np.floor(table[:, 0] * len(CLASSES))
    for column, name in enumerate(FACTORS[1:], start=1):
        low, high = RANGES[name]
        table[:, column] = low + (high - low) * table[:, column]
    return table


def render(table: NDArray[np.float64], size: int = SIZE) -> NDArray[np.uint8]:
    """Images (N, 3, size, size) of the factors (N, 6)."""
    images = np.zeros((len(table), 3, size, size), dtype=np.uint8)
    for kind in range(len(CLASSES)):  # one outline at a time, so each chunk runs one formula
        rows = np.flatnonzero(table[:, 0] == kind)
        for start in range(0, len(rows), _CHUNK):
            chunk = rows[start : start + _CHUNK]
            images[chunk] = _draw(kind, table[chunk], size)
    return images


def _draw(kind: int, table: NDArray[np.float64], size: int) -> NDArray[np.uint8]:
    radius = (table[:, 1] * size).astype(np.float32)[:, None, None]
    u, v = _local(table, size)
    distance = _OUTLINES[kind](u, v, radius)  # pixels, negative inside
    coverage = np.clip(np.subtract(np.float32(0.5), distance, out=distance), 0, 1, out=distance)
    colour = _HUES[(table[:, 5] * len(_HUES)).astype(np.intp) % len(_HUES)] * np.float32(255)  # (n, 3)
    image = np.empty((len(table), 3, size, size), dtype=np.uint8)
    for channel in range(3):
        image[:, channel] = coverage * colour[:, channel, None, None] + np.float32(0.5)
    return image


def _local(table: NDArray[np.float64], size: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Each pixel centre in the shape's own turned axes, pixels from its centre: u, v (n, size, size)."""
    turn = np.deg2rad(table[:, 2])
    cos, sin = np.cos(turn)[:, None], np.sin(turn)[:, None]
    centres = np.arange(size) + 0.5
    across, down = centres - table[:, 3, None] * size, centres - table[:, 4, None] * size
    return _outer(cos * across, sin * down), _outer(-sin * across, cos * down)


def _outer(across: NDArray[np.float64], down: NDArray[np.float64]) -> NDArray[np.float32]:
    return across.astype(np.float32)[:, None, :] + down.astype(np.float32)[:, :, None]


def _ellipse(u: NDArray[np.float32], v: NDArray[np.float32], radius: NDArray[np.float32]) -> NDArray[np.float32]:
    """First-order distance to the ellipse with half axes radius and 0.6 radius: f / |grad f|, exact on the outline."""
    u /= radius
    v /= np.float32(0.6) * radius
    norm = np.sqrt(u * u + v * v)
    v /= np.float32(0.6)
    slope: NDArray[np.float32] = np.maximum(np.sqrt(u * u + v * v), np.float32(1e-6))
    return (norm - np.float32(1)) * norm / slope * radius


def _square(u: NDArray[np.float32], v: NDArray[np.float32], radius: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.maximum(np.abs(u, out=u), np.abs(v, out=v), out=u) - np.float32(0.75) * radius


def _triangle(u: NDArray[np.float32], v: NDArray[np.float32], radius: NDArray[np.float32]) -> NDArray[np.float32]:
    """Equilateral, circumradius `radius`, one corner up: the largest distance to its three sides."""
    lower = np.float32(0.75**0.5) * np.abs(u, out=u) - np.float32(0.5) * v
    return np.maximum(v, lower) - np.float32(0.5) * radius


_OUTLINES = (_ellipse, _square, _triangle)
