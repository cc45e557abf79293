"""Flat maps of a latent space: a plane with an exact inverse, so that every point of it is a latent vector and decodes.

NumPy only. Coordinates are (N, 2); latents are (N, D). One unit on the map is one unit of z along the plane.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae_core.errors import LatentError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Plane:
    """The points origin + a * axes[0] + b * axes[1], with orthonormal axes."""

    origin: Floats  # (D,)
    axes: Floats  # (2, D)

    def latents(self, coordinates: ArrayLike) -> Floats:
        """The latent vectors at map coordinates, (N, D)."""
        return self.origin + np.asarray(coordinates, dtype=np.float64) @ self.axes

    def coordinates(self, z: ArrayLike) -> Floats:
        """Where latents fall on the map when projected at a right angle, (N, 2)."""
        return (np.asarray(z, dtype=np.float64) - self.origin) @ self.axes.T

    def off_plane(self, z: ArrayLike) -> Floats:
        """How far latents lie from the plane, (N,)."""
        points = np.asarray(z, dtype=np.float64)
        return np.linalg.norm(points - self.latents(self.coordinates(points)), axis=-1)

    def through(self, z: ArrayLike) -> Plane:
        """The parallel plane that holds z (D,): the map of what the sliders reach from there. Its coordinates stay the same."""
        point = np.asarray(z, dtype=np.float64)
        return Plane(self.origin + point - self.latents(self.coordinates(point[None]))[0], self.axes)


def pair_plane(latent_dim: int, first: int, second: int) -> Plane:
    """The plane of two dimensions, through the origin.

    Raises:
        LatentError: a dimension does not exist, or both are the same.
    """
    if first == second or not (0 <= first < latent_dim and 0 <= second < latent_dim):
        raise LatentError(f"A plane needs two different dimensions from 0 to {latent_dim - 1}; got {first} and {second}.")
    return Plane(np.zeros(latent_dim), np.eye(latent_dim)[[first, second]])


def principal_plane(means: ArrayLike) -> Plane:
    """The first two principal components of posterior means (N, D), through their centre; signs fixed, so that maps agree.

    Raises:
        LatentError: fewer than two dimensions or points.
    """
    points = np.asarray(means, dtype=np.float64)
    if points.ndim != 2 or min(points.shape) < 2:
        raise LatentError(f"Principal components need at least two points in two dimensions; got shape {points.shape}.")
    centre = points.mean(axis=0)
    return Plane(centre, principal_axes(points)[:2])


def principal_axes(means: ArrayLike) -> Floats:
    """All principal directions of points (N, D), strongest first, (D, D); each with its largest entry positive."""
    points = np.asarray(means, dtype=np.float64)
    _, vectors = np.linalg.eigh(np.cov(points, rowvar=False))
    axes = vectors.T[::-1]
    signs = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])
    return axes * signs[:, None]


def three_point_plane(a: ArrayLike, b: ArrayLike, c: ArrayLike) -> Plane:
    """The plane through three latents (D,), with a at the origin and b on the first axis.

    Raises:
        LatentError: the points lie on one line.
    """
    start, first, second = (np.asarray(point, dtype=np.float64) for point in (a, b, c))
    along, across = first - start, second - start
    length = np.linalg.norm(along)
    u = along / length if length > 0 else along
    across = across - (across @ u) * u
    if length < 1e-6 or np.linalg.norm(across) < 1e-6 * max(1.0, float(length)):
        raise LatentError("Three points on one line do not span a plane; choose three that form a triangle.")
    return Plane(start, np.stack([u, across / np.linalg.norm(across)]))
