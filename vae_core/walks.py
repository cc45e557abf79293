"""A walk through two or more points of a latent space: its latents, its pictures, and how evenly they change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from vae_core import paths
from vae_core.errors import LatentError
from vae_core.latents import LatentModel, check_z

KINDS = ("linear", "spherical", "geodesic")
MAX_POINTS, MAX_STEPS = 12, 240
FINE = 8  # times as many points as asked for when steps are to be equal


@dataclass(frozen=True)
class Walk:
    """z (K, D) float32, pictures uint8 (K, H, W, C), and how far each is from the one before, (K - 1,), pixels in [0, 1]."""

    z: NDArray[np.float32]
    pictures: NDArray[np.uint8]
    changes: NDArray[np.float64]


def walk(model: LatentModel, points: ArrayLike, *, kind: str = "linear", count: int = 11, even: bool = False) -> Walk:
    """A path of `count` points through all the given ones (M, D).

    Args:
        kind: linear, spherical, or geodesic (shortest under the decoder's metric).
        even: choose the points on the path so that the picture changes by the same amount at every step.

    Raises:
        LatentError: unknown kind, too few or too many points, or a point that does not fit the model.
    """
    stops = check_z(points, model.latent_dim)
    _check(kind, len(stops), count)
    z = _path(model, stops, kind, count)
    if even:
        fine = paths.refined(z, (count - 1) * FINE + 1)
        z = paths.equal_steps(fine, paths.step_lengths(model.decode_float(fine)), count)
    latents = z.astype(np.float32)
    means = model.decode_float(latents)
    pictures = (means.clip(0, 1) * 255).round().astype(np.uint8).transpose(0, 2, 3, 1)
    return Walk(latents, pictures, paths.step_lengths(means))


def _check(kind: str, stops: int, count: int) -> None:
    if kind not in KINDS:
        raise LatentError(f"unknown kind of path {kind!r}; choose from {', '.join(KINDS)}.")
    if not 2 <= stops <= MAX_POINTS:
        raise LatentError(f"A path goes through 2 to {MAX_POINTS} points; got {stops}.")
    if not stops <= count <= MAX_STEPS:
        raise LatentError(f"A path through {stops} points has {stops} to {MAX_STEPS} steps; got {count}.")


def _path(model: LatentModel, stops: NDArray[np.float32], kind: str, count: int) -> NDArray[np.float64]:
    """Segments of about equal numbers of points, joined without repeating the stops, (count, D)."""
    marks = np.round(np.linspace(0, count - 1, len(stops))).astype(int)
    parts = [
        _segment(model, start, end, kind, after - before + 1)
        for start, end, before, after in zip(stops[:-1], stops[1:], marks[:-1], marks[1:], strict=True)
    ]
    return np.concatenate([parts[0], *(part[1:] for part in parts[1:])])


def _segment(model: LatentModel, start: ArrayLike, end: ArrayLike, kind: str, count: int) -> NDArray[np.float64]:
    if kind == "geodesic":
        return paths.geodesic(start, end, count, _differentiable(model))
    return (paths.spherical if kind == "spherical" else paths.linear)(start, end, count)


def _differentiable(model: LatentModel) -> paths.Decode:
    def decode(z: Tensor) -> Tensor:
        with torch.inference_mode(False), torch.enable_grad():
            return model.mean_of(z)

    return decode
