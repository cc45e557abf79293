"""A walk through two or more points of a latent space: its latents, its pictures, and how evenly they change."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from vae_core.errors import LatentError
from vae_core.latent import path_geometry
from vae_core.latent.latent_model import LatentModel, check_z

KINDS = ("linear", "spherical", "geodesic")
MAX_POINTS, MAX_STEPS = 12, 240
FINE = 8  # times as many points as asked for when steps are to be equal
PASS = 1 << 20  # numbers decoded at a time
FOLLOWED = 3 << 20  # numbers of all pictures of a geodesic's points, which are decoded together, with gradients
FEWEST = 8  # points of a geodesic, however large the pictures are
Going = Callable[[], None]


@dataclass(frozen=True)
class Walk:
    """z (K, D) float32, pictures uint8 (K, H, W, C), and how far each is from the one before, (K - 1,), pixels in [0, 1].

    The pictures may be smaller than the model's; the changes are always those of full size.
    """

    z: NDArray[np.float32]
    pictures: NDArray[np.uint8]
    changes: NDArray[np.float64]


def walk(
    model: LatentModel,
    points: ArrayLike,
    *,
    kind: str = "linear",
    count: int = 11,
    even: bool = False,
    side: int = 0,
    going: Going = lambda: None,
) -> Walk:
    """A path of `count` points through all the given ones (M, D).

    Args:
        kind: linear, spherical, or geodesic (shortest under the decoder's metric).
        even: choose the points on the path so that the picture changes by the same amount at every step.
        side: pictures are averaged down to at most so many pixels on the longer side; 0: full size.
        going: called between steps of the work; what it raises ends the work.

    Raises:
        LatentError: unknown kind, too few or too many points, or a point that does not fit the model.
    """
    stops = check_z(points, model.latent_dim)
    _check(kind, len(stops), count)
    z = _path(model, stops, kind, count, going)
    if even:
        fine = path_geometry.refined(z, (count - 1) * FINE + 1)
        z = path_geometry.equal_steps(fine, np.concatenate([step for _, step in _decoded(model, fine, going)]), count)
    latents = z.astype(np.float32)
    pictures, changes = zip(*((_shrunk(means, side), step) for means, step in _decoded(model, latents, going)), strict=True)
    return Walk(latents, np.concatenate(pictures), np.concatenate(changes))


def _decoded(model: LatentModel, z: ArrayLike, going: Going) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float64]]]:
    """Mean pictures (k, C, H, W) of a few points after another, and how far each is from the one before; the first has none."""
    points = np.asarray(z)
    size = max(1, PASS // math.prod(model.image_shape))
    last = None
    for start in range(0, len(points), size):
        going()
        means = model.decode_float(points[start : start + size])
        yield means, path_geometry.step_lengths(means if last is None else np.concatenate([last, means]))
        last = means[-1:]


def _shrunk(means: NDArray[np.float32], side: int) -> NDArray[np.uint8]:
    """Means (k, C, H, W) as pictures uint8 (k, h, w, C)."""
    shrink = side / max(means.shape[2:]) if side else 1.0
    if shrink < 1:
        height, width = (max(1, round(length * shrink)) for length in means.shape[2:])
        means = F.adaptive_avg_pool2d(torch.from_numpy(means), (height, width)).numpy()
    return (means.clip(0, 1) * 255).round().astype(np.uint8).transpose(0, 2, 3, 1)


def _check(kind: str, stops: int, count: int) -> None:
    if kind not in KINDS:
        raise LatentError(f"unknown kind of path {kind!r}; choose from {', '.join(KINDS)}.")
    if not 2 <= stops <= MAX_POINTS:
        raise LatentError(f"A path goes through 2 to {MAX_POINTS} points; got {stops}.")
    if not stops <= count <= MAX_STEPS:
        raise LatentError(f"A path through {stops} points has {stops} to {MAX_STEPS} steps; got {count}.")


def _path(model: LatentModel, stops: NDArray[np.float32], kind: str, count: int, going: Going) -> NDArray[np.float64]:
    """Segments of about equal numbers of points, joined without repeating the stops, (count, D)."""
    marks = np.round(np.linspace(0, count - 1, len(stops))).astype(int)
    parts = [
        _segment(model, start, end, kind, after - before + 1, going)
        for start, end, before, after in zip(stops[:-1], stops[1:], marks[:-1], marks[1:], strict=True)
    ]
    return np.concatenate([parts[0], *(part[1:] for part in parts[1:])])


def _segment(model: LatentModel, start: ArrayLike, end: ArrayLike, kind: str, count: int, going: Going) -> NDArray[np.float64]:
    if kind == "geodesic":
        followed = min(count, max(FEWEST, FOLLOWED // math.prod(model.image_shape)))
        return path_geometry.refined(path_geometry.geodesic(start, end, followed, _differentiable(model, going)), count)
    return (path_geometry.spherical if kind == "spherical" else path_geometry.linear)(start, end, count)


def _differentiable(model: LatentModel, going: Going) -> path_geometry.Decode:
    def decode(z: Tensor) -> Tensor:
        going()
        with torch.inference_mode(False), torch.enable_grad():
            return model.mean_of(z)

    return decode
