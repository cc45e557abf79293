"""Paths through points of a latent space: linear, spherical, or geodesic (shortest under the decoder's metric).

A path is (K, D) with both ends included. How far two pictures are apart is the Euclidean norm over pixels in [0, 1].
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike
from torch import Tensor

from vae_core.array_types import Float32s, Float64s, Pixels
from vae_core.errors import LatentError
from vae_core.images.pixels import to_uint8
from vae_core.latent.latent_model import LatentModel, check_z

KINDS = ("linear", "spherical", "geodesic")
MAX_POINTS, MAX_STEPS = 12, 240
FINE = 8  # times as many points as asked for when steps are to be equal
PASS = 1 << 20  # numbers decoded at a time
FOLLOWED = 3 << 20  # numbers of all pictures of a geodesic's points, which are decoded together, with gradients
FEWEST = 8  # points of a geodesic, however large the pictures are
StopCheck = Callable[[], None]
Decode = Callable[[Tensor], Tensor]  # (K, D) -> (K, ...) mean pictures, differentiable

KNOTS = 16  # points of the first, coarse search for a long geodesic
GEODESIC_STEPS = 60  # of L-BFGS; the straight line is a good start, and a decoder's metric is smooth


@dataclass(frozen=True)
class Path:
    """z (K, D) float32, pictures uint8 (K, H, W, C), and how far each is from the one before, (K - 1,), pixels in [0, 1].

    The pictures may be smaller than the model's; the changes are always those of full size.
    """

    z: Float32s
    pictures: Pixels
    changes: Float64s


def path_through(
    model: LatentModel,
    points: ArrayLike,
    *,
    kind: str = "linear",
    count: int = 11,
    even: bool = False,
    side: int = 0,
    stop_check: StopCheck = lambda: None,
) -> Path:
    """A path of `count` points through all the given ones (M, D).

    Args:
        kind: linear, spherical, or geodesic (shortest under the decoder's metric).
        even: choose the points on the path so that the picture changes by the same amount at every step.
        side: pictures are averaged down to at most so many pixels on the longer side; 0: full size.
        stop_check: called between steps of the work; what it raises ends the work.

    Raises:
        LatentError: unknown kind, too few or too many points, or a point that does not fit the model.
    """
    stops = check_z(points, model.latent_dim)
    _check(kind, len(stops), count)
    z = _joined(model, stops, kind, count, stop_check)
    if even:
        fine = refined(z, (count - 1) * FINE + 1)
        z = equal_steps(fine, np.concatenate([step for _, step in _decoded(model, fine, stop_check)]), count)
    latents = z.astype(np.float32)
    pictures, changes = zip(*((_shrunk(means, side), step) for means, step in _decoded(model, latents, stop_check)), strict=True)
    return Path(latents, np.concatenate(pictures), np.concatenate(changes))


def _decoded(model: LatentModel, z: ArrayLike, stop_check: StopCheck) -> Iterator[tuple[Float32s, Float64s]]:
    """Mean pictures (k, C, H, W) of a few points after another, and how far each is from the one before; the first has none."""
    points = np.asarray(z)
    size = max(1, PASS // math.prod(model.image_shape))
    last = None
    for start in range(0, len(points), size):
        stop_check()
        means = model.decode_float(points[start : start + size])
        yield means, step_lengths(means if last is None else np.concatenate([last, means]))
        last = means[-1:]


def _shrunk(means: Float32s, side: int) -> Pixels:
    """Means (k, C, H, W) as pictures uint8 (k, h, w, C)."""
    shrink = side / max(means.shape[2:]) if side else 1.0
    if shrink < 1:
        height, width = (max(1, round(length * shrink)) for length in means.shape[2:])
        means = F.adaptive_avg_pool2d(torch.from_numpy(means), (height, width)).numpy()
    return to_uint8(means)


def _check(kind: str, stops: int, count: int) -> None:
    if kind not in KINDS:
        raise LatentError(f"unknown kind of path {kind!r}; choose from {', '.join(KINDS)}.")
    if not 2 <= stops <= MAX_POINTS:
        raise LatentError(f"A path goes through 2 to {MAX_POINTS} points; got {stops}.")
    if not stops <= count <= MAX_STEPS:
        raise LatentError(f"A path through {stops} points has {stops} to {MAX_STEPS} steps; got {count}.")


def _joined(model: LatentModel, stops: Float32s, kind: str, count: int, stop_check: StopCheck) -> Float64s:
    """Segments of about equal numbers of points, joined without repeating the stops, (count, D)."""
    marks = np.round(np.linspace(0, count - 1, len(stops))).astype(int)
    parts = [
        _segment(model, start, end, kind, after - before + 1, stop_check)
        for start, end, before, after in zip(stops[:-1], stops[1:], marks[:-1], marks[1:], strict=True)
    ]
    return np.concatenate([parts[0], *(part[1:] for part in parts[1:])])


def _segment(model: LatentModel, start: ArrayLike, end: ArrayLike, kind: str, count: int, stop_check: StopCheck) -> Float64s:
    if kind == "geodesic":
        followed = min(count, max(FEWEST, FOLLOWED // math.prod(model.image_shape)))
        return refined(geodesic(start, end, followed, _differentiable(model, stop_check)), count)
    return (spherical if kind == "spherical" else linear)(start, end, count)


def _differentiable(model: LatentModel, stop_check: StopCheck) -> Decode:
    def decode(z: Tensor) -> Tensor:
        stop_check()
        with torch.inference_mode(False), torch.enable_grad():
            return model.mean_of(z)

    return decode


def linear(a: ArrayLike, b: ArrayLike, count: int) -> Float64s:
    """Equal steps on the straight line, (count, D)."""
    start, end, t = _ends(a, b, count)
    return start + t * (end - start)


def spherical(a: ArrayLike, b: ArrayLike, count: int) -> Float64s:
    """Constant angular speed from a to b with the norm going evenly from one's to the other's, (count, D). White 2016.

    A straight line between two draws of a high-dimensional Gaussian passes where the Gaussian has almost no mass; this does not.
    Where the angle is not defined (an end at the origin, parallel or opposite ends) the straight line is returned.
    """
    start, end, t = _ends(a, b, count)
    norms = np.linalg.norm(start), np.linalg.norm(end)
    if min(norms) < 1e-9:
        return linear(a, b, count)
    u, v = start / norms[0], end / norms[1]
    angle = np.arccos(np.clip(u @ v, -1.0, 1.0))
    if np.sin(angle) < 1e-6:
        return linear(a, b, count)
    direction = (np.sin((1 - t) * angle) * u + np.sin(t * angle) * v) / np.sin(angle)
    return direction * ((1 - t) * norms[0] + t * norms[1])


def geodesic(a: ArrayLike, b: ArrayLike, count: int, decode: Decode, *, steps: int = GEODESIC_STEPS) -> Float64s:
    """The shortest path under the metric that the decoder pulls back from pictures, discretised, (count, D).

    Minimises the energy sum_i |D(z_i+1) - D(z_i)|^2 over the inner points, from the straight line (Shao, Kumar & Fletcher
    2018, equation 3). A minimiser of the energy is a shortest path walked at constant picture speed. A long path is found
    with few points first and refined: that takes half the time and ends lower than many points from the straight line.

    Args:
        decode: mean pictures of latents, differentiable.
    """
    line = linear(a, b, count)
    straight = _energy(line, decode)
    if not np.isfinite(straight):
        return line
    if count > 2 * KNOTS:
        path = _relaxed(refined(_relaxed(linear(a, b, KNOTS), decode, steps), count), decode, steps // 4)
    else:
        path = _relaxed(line, decode, steps)
    return path if np.isfinite(path).all() and _energy(path, decode) <= straight else line


def _relaxed(path: Float64s, decode: Decode, steps: int) -> Float64s:
    """The path with its inner points moved to less energy."""
    line = torch.from_numpy(path).float()
    count = len(line)
    if count <= 2:
        return path
    inner = line[1:-1].clone().requires_grad_()
    optimizer = torch.optim.LBFGS([inner], lr=1.0, max_iter=steps, history_size=10, line_search_fn="strong_wolfe")

    def energy() -> Tensor:
        optimizer.zero_grad()
        pictures = decode(torch.cat([line[:1], inner, line[-1:]])).flatten(1)
        total = count * (pictures[1:] - pictures[:-1]).square().sum()
        total.backward()
        return total

    optimizer.step(energy)
    return torch.cat([line[:1], inner.detach(), line[-1:]]).double().numpy()


def _energy(path: Float64s, decode: Decode) -> float:
    pictures = decode(torch.from_numpy(path).float()).detach().flatten(1)
    return float((pictures[1:] - pictures[:-1]).square().sum())


def refined(path: ArrayLike, count: int) -> Float64s:
    """`count` points at equal shares of the given ones' numbers on the same broken line, (count, D)."""
    points = np.asarray(path, dtype=np.float64)
    at = np.linspace(0, len(points) - 1, count)
    return np.stack([np.interp(at, np.arange(len(points)), column) for column in points.T], axis=1)


def step_lengths(pictures: ArrayLike) -> Float64s:
    """How much each picture (K, ...) differs from the one before, (K - 1,)."""
    rows = np.asarray(pictures, dtype=np.float64)
    return np.linalg.norm(np.diff(rows.reshape(len(rows), -1), axis=0), axis=1)


def equal_steps(path: ArrayLike, lengths: ArrayLike, count: int) -> Float64s:
    """Points on the same broken line at equal shares of the given step lengths, (count, D): the picture changes evenly.

    Args:
        path: (K, D).
        lengths: (K - 1,) as from `step_lengths`.
    """
    points, steps = np.asarray(path, dtype=np.float64), np.asarray(lengths, dtype=np.float64)
    travelled = np.concatenate([[0.0], np.cumsum(steps)])
    if travelled[-1] <= 0:  # the picture never changes: even steps in z are as good as any
        travelled = np.linspace(0, 1, len(points))
    wanted = np.linspace(0, travelled[-1], count)
    return np.stack([np.interp(wanted, travelled, column) for column in points.T], axis=1)


def _ends(a: ArrayLike, b: ArrayLike, count: int) -> tuple[Float64s, Float64s, Float64s]:
    start, end = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if start.shape != end.shape or start.ndim != 1:
        raise LatentError(f"A path needs two points of the same latent space; got shapes {start.shape} and {end.shape}.")
    if count < 2:
        raise LatentError(f"A path needs at least its two ends; got {count} points.")
    return start, end, np.linspace(0, 1, count)[:, None]
