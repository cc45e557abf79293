"""What the map of one model shows: encoded images, principal directions, and where any z lies among them."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae_core.array_types import Float32s, Float64s
from vae_core.errors import CheckpointError
from vae_core.evaluation.diagnostics import ACTIVE_VARIANCE
from vae_core.latent.coverage import Coverage
from vae_core.latent.data_likeness import Likeness
from vae_core.latent.latent_model import LatentModel
from vae_core.system.cached_property import once
from vae_core.system.thread_priority import lower_priority

# one model at a time: it takes a core for a second or two
_measuring = ThreadPoolExecutor(1, thread_name_prefix="likeness", initializer=lower_priority)


@dataclass(frozen=True)
class Points:
    """Encoded held-out images: means (N, D) float32 and labels (N,)."""

    means: Float32s
    labels: NDArray[np.int64]


class EncodedImages:
    """Everything is computed on first use and never changes."""

    def __init__(self, model: LatentModel, *, judges: bool = True) -> None:
        """
        Args:
            judges: whether what looks like the data is measured, which takes seconds.

        Raises:
            CheckpointError: the model file carries no encoded images.
        """
        if model.test_means is None or model.test_stds is None or model.test_labels is None or len(model.test_means) < 2:
            raise CheckpointError(f"The model {model.header.name!r} carries no encoded images, so there is no map of them.")
        self._model, self.judges = model, judges
        self._stds = model.test_stds
        self._lock = threading.Lock()
        self._likeness: Future[Likeness] | None = None
        self.points = Points(model.test_means, model.test_labels)

    @property
    def has_density(self) -> bool:
        """Whether log q(z) means something: not of an autoencoder, which has no posteriors."""
        return self._model.header.has_bound

    @once
    def centre(self) -> Float32s:
        """Mean of the encoded images, (D,)."""
        return self.points.means.mean(axis=0)

    @once
    def axes(self) -> Float32s:
        """Principal directions of the encoded images, strongest first, (D, D)."""
        means = self.points.means
        return np.ones((1, 1), np.float32) if means.shape[1] == 1 else principal_axes(means).astype(np.float32)

    @once
    def coverage(self) -> Coverage:
        """Distances, kinds and densities, measured over the dimensions in use."""
        statistics = self._model.header.statistics
        assert statistics is not None  # what has encoded images has an encoder, and was measured
        active = np.array(statistics.mean_variance) > ACTIVE_VARIANCE
        # Points have no spread and so no density; any will do for the distances, which do not look at it.
        stds = self._stds if self.has_density else np.ones_like(self._stds)
        return Coverage(self.points.means, stds, self.points.labels, active=active)

    def likeness(self, patience: float | None = None) -> Likeness | None:
        """The measure of what looks like the data; it is made in a thread of its own from the first question on.

        Args:
            patience: seconds to wait for it; None: until it is made, 0: not at all.

        Returns:
            None when it is not there yet, or never will be.
        """
        if not self.judges:
            return None
        with self._lock:
            if self._likeness is None:
                self._likeness = _measuring.submit(lambda: Likeness(self._model, self.coverage))
        try:
            return self._likeness.result(patience)
        except TimeoutError:
            return None


def principal_axes(means: ArrayLike) -> Float64s:
    """All principal directions of points (N, D), strongest first, (D, D); each with its largest entry positive."""
    points = np.asarray(means, dtype=np.float64)
    _, vectors = np.linalg.eigh(np.cov(points, rowvar=False))
    axes = vectors.T[::-1]
    signs = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])
    return axes * signs[:, None]
