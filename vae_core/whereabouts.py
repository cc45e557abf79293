"""Where a latent lies: on the data, where the data is thin, or in a hole. Measured against the encoded test images.

The yardstick is the data's own: draws z ~ q(z|x_i) and their distance to the means of the *other* images. A z that is farther
from every encoded image than 99.5 % of such draws is in a region that the decoder was hardly ever asked about.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from vae_core.posterior import HALF_LOG_TWO_PI, prior_log_prob

Floats = NDArray[np.float32]
Verdict = Literal["on the data", "thin", "hole"]

NEIGHBOURS = 5  # the distance is the mean over so many nearest encoded images
YARDSTICK = 2000  # draws behind the percentiles
THIN, HOLE = 95.0, 99.5  # percentiles of the data's own distances


@dataclass(frozen=True)
class Whereabouts:
    """For each of B latents: distance in units of z, its percentile among the data's own, log densities in nats, verdicts."""

    distance: Floats
    percentile: Floats
    log_prior: Floats
    log_aggregate: Floats
    verdict: tuple[Verdict, ...]


class Surroundings:
    """The encoded images of one model, ready to be asked about any z. Never changes after it was made."""

    def __init__(self, means: ArrayLike, stds: ArrayLike, *, active: ArrayLike | None = None, seed: int = 0) -> None:
        """
        Args:
            means, stds: posteriors of N held-out images, (N, D).
            active: which dimensions count for distances, (D,) bool; an unused one moves z without moving the picture.
        """
        self._means = torch.as_tensor(np.asarray(means, dtype=np.float32))
        self._stds = torch.as_tensor(np.asarray(stds, dtype=np.float32))
        keep = np.ones(self._means.shape[1], dtype=bool) if active is None else np.asarray(active, dtype=bool)
        self._active = torch.from_numpy(keep if keep.any() else np.ones_like(keep))
        self._landmarks = self._means[:, self._active].contiguous()
        self._own = self._own_distances(seed)
        # (z - m)^2 / s^2 multiplied out, so that all pairs are matrix products and not a (B, N, D) array
        self._precision = self._stds.square().reciprocal()
        self._weighted = self._means * self._precision
        squares = (self._means * self._weighted).sum(dim=1)
        normalisers = self._stds.log().sum(dim=1) + self._stds.shape[1] * HALF_LOG_TWO_PI
        self._constant = 0.5 * squares + normalisers

    @property
    def active(self) -> NDArray[np.bool_]:
        """The dimensions that count, (D,)."""
        return self._active.numpy()

    def _own_distances(self, seed: int) -> Tensor:
        """Sorted distances of draws from the posteriors to the other images' means, (M,)."""
        generator = torch.Generator().manual_seed(seed)
        chosen = torch.randperm(len(self._means), generator=generator)[:YARDSTICK]
        eps = torch.randn(len(chosen), self._means.shape[1], generator=generator)
        draws = (self._means[chosen] + self._stds[chosen] * eps)[:, self._active]
        distances = torch.cdist(draws, self._landmarks)
        distances[torch.arange(len(chosen)), chosen] = torch.inf
        return _mean_of_nearest(distances).sort().values

    def at(self, z: ArrayLike) -> Whereabouts:
        """Where latents (B, D) lie."""
        points = torch.from_numpy(np.array(z, dtype=np.float32))
        distance = _mean_of_nearest(torch.cdist(points[:, self._active], self._landmarks))
        percentile = 100.0 * torch.searchsorted(self._own, distance) / len(self._own)
        verdicts: tuple[Verdict, ...] = tuple(_verdict(float(value)) for value in percentile)
        columns = (distance, percentile.float(), prior_log_prob(points), self.log_aggregate(points))
        distances, percentiles, log_prior, log_aggregate = (column.numpy() for column in columns)
        return Whereabouts(distances, percentiles, log_prior, log_aggregate, verdicts)

    def log_aggregate(self, z: Tensor, *, rows: int = 256) -> Tensor:
        """log q(z) = log (1/N) sum_i q(z|x_i), nats, (B,). Hoffman & Johnson 2016, section 2."""
        return torch.cat([self._log_aggregate(part) for part in z.split(rows)])

    def _log_aggregate(self, z: Tensor) -> Tensor:
        log_each = z @ self._weighted.T - 0.5 * z.square() @ self._precision.T - self._constant
        return torch.logsumexp(log_each, dim=1) - math.log(len(self._means))

    def nearest(self, z: ArrayLike, count: int) -> tuple[NDArray[np.int64], Floats]:
        """Indices of the nearest encoded images to one z (D,), nearest first, and their distances."""
        point = torch.from_numpy(np.array(z, dtype=np.float32))[None]
        found = torch.cdist(point[:, self._active], self._landmarks)[0].topk(min(count, len(self._landmarks)), largest=False)
        return found.indices.numpy(), found.values.numpy()


def _mean_of_nearest(distances: Tensor) -> Tensor:
    return distances.topk(min(NEIGHBOURS, distances.shape[1]), dim=1, largest=False).values.mean(dim=1)


def _verdict(percentile: float) -> Verdict:
    if percentile > HOLE:
        return "hole"
    return "thin" if percentile > THIN else "on the data"
