"""Where a latent lies among the encoded test images: how far from the nearest, of which kinds they are, at which densities."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from vae_core.array_types import Float32s
from vae_core.model.posteriors import HALF_LOG_TWO_PI, prior_log_prob

NEIGHBOURS = 5  # the distance is the mean over so many nearest encoded images
KINDS_AMONG = 15  # nearest encoded images whose labels are compared
SAME = 6e-4  # in every dimension: z is the code of that image, as the page rounds it
FEW = 16  # points among which codes are looked for; more are a path or a grid


@dataclass(frozen=True)
class Neighbourhood:
    """For each of B latents: mean distance to the nearest codes, in units of z, and the share of the commonest label, (B,)."""

    distance: Float32s
    agreement: Float32s


class Coverage:
    """The encoded images of one model, ready to be asked about any z. Never changes after it was made."""

    def __init__(
        self, means: ArrayLike, stds: ArrayLike, labels: ArrayLike | None = None, *, active: ArrayLike | None = None
    ) -> None:
        """
        Args:
            means, stds: of the marginals of N held-out images' posteriors, (N, D).
            labels: their kinds, whole numbers (N,); without them all are of one kind.
            active: which dimensions count for distances, (D,) bool; an unused one moves z without moving the picture.
        """
        self._means = torch.as_tensor(np.asarray(means, dtype=np.float32))
        self._stds = torch.as_tensor(np.asarray(stds, dtype=np.float32))
        known = np.zeros(len(self._means)) if labels is None else np.asarray(labels)
        self._labels = torch.from_numpy(known.astype(np.int64))
        keep = np.ones(self._means.shape[1], dtype=bool) if active is None else np.asarray(active, dtype=bool)
        self._active = torch.from_numpy(keep if keep.any() else np.ones_like(keep))
        self._landmarks = self._means[:, self._active].contiguous()
        # (z - m)^2 / s^2 multiplied out, so that all pairs are matrix products and not a (B, N, D) array
        self._precision = self._stds.square().reciprocal()
        self._weighted = self._means * self._precision
        squares = (self._means * self._weighted).sum(dim=1)
        normalisers = self._stds.log().sum(dim=1) + self._stds.shape[1] * HALF_LOG_TWO_PI
        self._constant = 0.5 * squares + normalisers

    def __len__(self) -> int:
        return len(self._means)

    @property
    def active(self) -> NDArray[np.bool_]:
        """The dimensions that count, (D,)."""
        return self._active.numpy()

    @property
    def means(self) -> Float32s:
        """The encoded images, (N, D)."""
        return self._means.numpy()

    @property
    def labels(self) -> NDArray[np.int64]:
        """Their kinds, (N,)."""
        return self._labels.numpy()

    def own(self, z: ArrayLike) -> NDArray[np.int64]:
        """The numbers of the encoded images whose codes latents (B, D) are, -1 for none, (B,); not looked for beyond `FEW`."""
        points = _points(z)
        if len(points) > FEW:
            return np.full(len(points), -1)
        offset = (points[:, None, :] - self._means[None]).abs().amax(dim=2)
        nearest = offset.min(dim=1)
        return torch.where(nearest.values < SAME, nearest.indices, -1).numpy()

    def neighbourhood(self, z: ArrayLike, own: ArrayLike | None = None) -> Neighbourhood:
        """The nearest encoded images of latents (B, D): how far, and of which kinds.

        Args:
            own: as from `own`: an image does not count as its own neighbour.
        """
        distances = torch.cdist(_points(z)[:, self._active], self._landmarks)
        if own is not None:
            _leave_out(distances, own, torch.inf)
        values, indices = distances.topk(min(KINDS_AMONG, distances.shape[1]), dim=1, largest=False)
        nearest = values[:, :NEIGHBOURS]
        labels = self._labels[indices]
        commonest = (labels[:, :, None] == labels[:, None, :]).float().mean(dim=2).max(dim=1).values
        return Neighbourhood(nearest[:, torch.isfinite(nearest).all(dim=0)].mean(dim=1).numpy(), commonest.numpy())

    def log_prior(self, z: ArrayLike) -> Float32s:
        """log p(z), nats, (B,)."""
        return prior_log_prob(_points(z)).numpy()

    def log_aggregate(self, z: ArrayLike, own: ArrayLike | None = None, *, rows: int = 256) -> Float32s:
        """log q(z) = log (1/N) sum_i q(z|x_i), nats, (B,), without its `own`. Hoffman & Johnson 2016, section 2.

        Each q(z|x_i) is taken as the product of its marginals: exact where the latents of an image are independent, and an
        approximation that leaves their correlations out where they are not.
        """
        points = _points(z)
        left_out = torch.full((len(points),), -1) if own is None else torch.as_tensor(own)
        parts = zip(points.split(rows), left_out.split(rows), strict=True)
        return torch.cat([self._log_aggregate(part, out) for part, out in parts]).numpy()

    def _log_aggregate(self, z: Tensor, own: Tensor) -> Tensor:
        log_each = z @ self._weighted.T - 0.5 * z.square() @ self._precision.T - self._constant
        _leave_out(log_each, own, -torch.inf)
        return torch.logsumexp(log_each, dim=1) - math.log(len(self._means))


def _leave_out(table: Tensor, own: ArrayLike, value: float) -> None:
    """Sets each row's own column, where it has one."""
    columns = torch.as_tensor(own)
    rows = torch.nonzero(columns >= 0)[:, 0]
    table[rows, columns[rows]] = value


def _points(z: ArrayLike) -> Tensor:
    return torch.from_numpy(np.array(z, dtype=np.float32))
