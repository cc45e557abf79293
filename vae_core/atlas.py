"""What the map of one model shows: encoded images, principal directions, and where any z lies among them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae_core.diagnostics import ACTIVE_VARIANCE
from vae_core.errors import CheckpointError
from vae_core.latents import LatentModel, check_z
from vae_core.planes import principal_axes
from vae_core.whereabouts import Surroundings, Whereabouts

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Points:
    """Encoded held-out images: means (N, D) float32 and labels (N,) uint8."""

    means: Floats
    labels: NDArray[np.uint8]


class Atlas:
    """Everything is computed on first use and never changes."""

    def __init__(self, model: LatentModel) -> None:
        """
        Raises:
            CheckpointError: the model file carries no encoded images.
        """
        if model.test_means is None or model.test_stds is None or model.test_labels is None or len(model.test_means) < 2:
            raise CheckpointError(f"The model {model.header.name!r} carries no encoded images, so there is no map of them.")
        self._model = model
        self._stds = model.test_stds
        self.points = Points(model.test_means, model.test_labels.astype(np.uint8))

    @cached_property
    def centre(self) -> Floats:
        """Mean of the encoded images, (D,)."""
        return self.points.means.mean(axis=0)

    @cached_property
    def axes(self) -> Floats:
        """Principal directions of the encoded images, strongest first, (D, D)."""
        means = self.points.means
        return np.ones((1, 1), np.float32) if means.shape[1] == 1 else principal_axes(means).astype(np.float32)

    @cached_property
    def surroundings(self) -> Surroundings:
        """Distances and densities, measured over the dimensions in use."""
        active = np.array(self._model.header.statistics.mean_variance) > ACTIVE_VARIANCE
        return Surroundings(self.points.means, self._stds, active=active)

    def whereabouts(self, z: ArrayLike) -> Whereabouts:
        """Where latents (B, D) lie.

        Raises:
            LatentError: z does not fit the model.
        """
        return self.surroundings.at(check_z(z, self._model.latent_dim))

    def cycle_error(self, z: ArrayLike) -> Floats:
        """|mu(E(D(z))) - z| over the dimensions in use, (B,): how well the encoder recognises what the decoder drew.

        Raises:
            LatentError: z does not fit the model.
        """
        points = check_z(z, self._model.latent_dim)
        active = self.surroundings.active
        found = self._model.posterior_means(self._model.decode_float(points))
        return np.linalg.norm((found - points)[:, active], axis=1)
