"""Paths between latents: straight, spherical, and shortest under the decoder's metric; how fast the picture changes on them.

A path is (K, D) with both ends included. Lengths of pictures are Euclidean norms over pixels in [0, 1].
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from vae_core.errors import LatentError

Floats = NDArray[np.float64]
Decode = Callable[[Tensor], Tensor]  # (K, D) -> (K, ...) mean pictures, differentiable

KNOTS = 16  # points of the first, coarse search for a long geodesic
GEODESIC_STEPS = 60  # of L-BFGS; the straight line is a good start, and a decoder's metric is smooth


def linear(a: ArrayLike, b: ArrayLike, count: int) -> Floats:
    """Equal steps on the straight line, (count, D)."""
    start, end, t = _ends(a, b, count)
    return start + t * (end - start)


def spherical(a: ArrayLike, b: ArrayLike, count: int) -> Floats:
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


def geodesic(a: ArrayLike, b: ArrayLike, count: int, decode: Decode, *, steps: int = GEODESIC_STEPS) -> Floats:
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


def _relaxed(path: Floats, decode: Decode, steps: int) -> Floats:
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


def _energy(path: Floats, decode: Decode) -> float:
    pictures = decode(torch.from_numpy(path).float()).detach().flatten(1)
    return float((pictures[1:] - pictures[:-1]).square().sum())


def refined(path: ArrayLike, count: int) -> Floats:
    """`count` points at equal shares of the given ones' numbers on the same broken line, (count, D)."""
    points = np.asarray(path, dtype=np.float64)
    at = np.linspace(0, len(points) - 1, count)
    return np.stack([np.interp(at, np.arange(len(points)), column) for column in points.T], axis=1)


def step_lengths(pictures: ArrayLike) -> Floats:
    """How much each picture (K, ...) differs from the one before, (K - 1,)."""
    rows = np.asarray(pictures, dtype=np.float64)
    return np.linalg.norm(np.diff(rows.reshape(len(rows), -1), axis=0), axis=1)


def equal_steps(path: ArrayLike, lengths: ArrayLike, count: int) -> Floats:
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


def _ends(a: ArrayLike, b: ArrayLike, count: int) -> tuple[Floats, Floats, Floats]:
    start, end = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if start.shape != end.shape or start.ndim != 1:
        raise LatentError(f"A path needs two points of the same latent space; got shapes {start.shape} and {end.shape}.")
    if count < 2:
        raise LatentError(f"A path needs at least its two ends; got {count} points.")
    return start, end, np.linspace(0, 1, count)[:, None]
