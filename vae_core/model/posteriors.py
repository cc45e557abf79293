"""q(z|x): what the encoder's output says about the latents of an image. KL and log-densities in nats.

Randomness is always an argument: the caller draws eps ~ N(0, I). To add a posterior: a class with the members of `Posterior`,
a line in POSTERIORS and its name in `ModelConfig.posterior`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self

import torch
from torch import Tensor

from vae_core.model.smooth_clamp import soft_bound

HALF_LOG_TWO_PI = 0.9189385332046727  # log(2 pi) / 2
MOST_OFF_DIAGONAL = 50.0  # of a factor L: about e^4, the largest std


class Posterior(Protocol):
    """q(z|x) of B images over D latents, in float32."""

    @staticmethod
    def outputs(latent_dim: int) -> int:
        """How many numbers the encoder's last layer has for D latents."""

    @classmethod
    def from_output(cls, output: Tensor, latent_dim: int) -> Self:
        """The posterior of an encoder's output (B, outputs(D)) in any precision."""

    @property
    def mu(self) -> Tensor:
        """The mean, (B, D)."""

    @property
    def marginal_std(self) -> Tensor:
        """The standard deviation of each latent by itself, (B, D)."""

    def covariance(self) -> Tensor | None:
        """(B, D, D); None where the latents of an image are independent, so that `marginal_std` says all."""

    def sample(self, eps: Tensor) -> Tensor:
        """z from eps ~ N(0, I): one for each image, (B, D), or K, (K, B, D)."""

    def log_prob(self, z: Tensor) -> Tensor:
        """log q(z|x), nats: (B,) for z (B, D), (K, B) for z (K, B, D)."""

    def kl(self) -> Tensor:
        """KL to the prior N(0, I) of each image, (B,)."""

    def kl_per_dim(self) -> Tensor | None:
        """The KL of each latent, (B, D), which add up to `kl`; None where the KL is no such sum."""


@dataclass(frozen=True)
class Diagonal:
    """Independent latents: N(mu, diag(std^2)). Kingma & Welling 2014, section 3 and appendix C.2."""

    mu: Tensor
    marginal_std: Tensor

    @staticmethod
    def outputs(latent_dim: int) -> int:
        """D means, D log-variances."""
        return 2 * latent_dim

    @classmethod
    def from_output(cls, output: Tensor, latent_dim: int) -> Self:
        mu, log_var = output.float().chunk(2, dim=1)
        return cls(mu, _std(log_var))

    def covariance(self) -> None:
        return None

    def sample(self, eps: Tensor) -> Tensor:
        """mu + std * eps. Kingma & Welling 2014, section 2.4."""
        return self.mu + self.marginal_std * eps

    def log_prob(self, z: Tensor) -> Tensor:
        standard = (z - self.mu) / self.marginal_std
        return (-0.5 * standard.square() - self.marginal_std.log() - HALF_LOG_TWO_PI).sum(dim=-1)

    def kl(self) -> Tensor:
        return self.kl_per_dim().sum(dim=1)

    def kl_per_dim(self) -> Tensor:
        return _kl_to_standard_normal(self.mu, self.marginal_std)


@dataclass(frozen=True)
class FullCovariance:
    """Correlated latents: N(mu, L L^T). Kingma & Welling 2019, section 2.5.1."""

    mu: Tensor
    factor: Tensor  # L, (B, D, D), lower triangular with a positive diagonal

    @staticmethod
    def outputs(latent_dim: int) -> int:
        """D means, D logarithms of the squared diagonal of L, and what lies below it, row by row."""
        return 2 * latent_dim + latent_dim * (latent_dim - 1) // 2

    @classmethod
    def from_output(cls, output: Tensor, latent_dim: int) -> Self:
        mu, log_squares, below = output.float().split([latent_dim, latent_dim, output.shape[1] - 2 * latent_dim], dim=1)
        rows, columns = torch.tril_indices(latent_dim, latent_dim, offset=-1, device=output.device)
        factor = torch.diag_embed(_std(log_squares))
        factor[:, rows, columns] = soft_bound(below, -MOST_OFF_DIAGONAL, MOST_OFF_DIAGONAL)
        return cls(mu, factor)

    @property
    def marginal_std(self) -> Tensor:
        return self.factor.square().sum(dim=2).sqrt()

    def covariance(self) -> Tensor:
        return self.factor @ self.factor.mT

    def sample(self, eps: Tensor) -> Tensor:
        """mu + L eps."""
        with torch.autocast(eps.device.type, enabled=False):  # it would multiply in bfloat16
            return self.mu + (self.factor @ eps.float()[..., None])[..., 0]

    def log_prob(self, z: Tensor) -> Tensor:
        """By a triangular solve: eps = L^-1 (z - mu), log |L| = sum of the logarithms of its diagonal."""
        eps = torch.linalg.solve_triangular(self.factor, (z - self.mu)[..., None], upper=False)[..., 0]
        return prior_log_prob(eps) - self._log_determinant()

    def kl(self) -> Tensor:
        """(tr L L^T + mu^T mu - D) / 2 - log |L|. Rasmussen & Williams 2006, equation A.23, with N(0, I) as the second."""
        trace = self.factor.square().sum(dim=(1, 2))
        return 0.5 * (trace + self.mu.square().sum(dim=1) - self.mu.shape[1]) - self._log_determinant()

    def kl_per_dim(self) -> None:
        return None

    def _log_determinant(self) -> Tensor:
        return self.factor.diagonal(dim1=1, dim2=2).log().sum(dim=1)


@dataclass(frozen=True)
class Point:
    """The code of an autoencoder: one point without spread. There is no prior, so no KL either; its marginals have none."""

    mu: Tensor

    @staticmethod
    def outputs(latent_dim: int) -> int:
        """D numbers."""
        return latent_dim

    @classmethod
    def from_output(cls, output: Tensor, latent_dim: int) -> Self:
        return cls(output.float())

    @property
    def marginal_std(self) -> Tensor:
        return torch.zeros_like(self.mu)

    def covariance(self) -> None:
        return None

    def sample(self, eps: Tensor) -> Tensor:
        """mu, as often as it is asked for."""
        return self.mu.expand_as(eps)

    def log_prob(self, z: Tensor) -> Tensor:
        raise NotImplementedError("a point has no density")

    def kl(self) -> Tensor:
        return self.mu.new_zeros(len(self.mu))

    def kl_per_dim(self) -> Tensor:
        return torch.zeros_like(self.mu)


POSTERIORS: dict[str, type[Posterior]] = {"diagonal": Diagonal, "full": FullCovariance}
# What an encoder's output may mean: an autoencoder's is no distribution, and no configuration asks for it.
MEANINGS: dict[str, type[Posterior]] = {**POSTERIORS, "point": Point}


def marginal_kl(q: Posterior) -> Tensor:
    """KL(N(mu_d, std_d^2) || N(0, 1)) of each latent's marginal, (B, D).

    It is `kl_per_dim` where the latents are independent. Where they are not, these numbers do not add up to the KL.
    """
    return q.kl_per_dim() if isinstance(q, Point) else _kl_to_standard_normal(q.mu, q.marginal_std)


def pair_correlations(q: Posterior) -> Tensor | None:
    """Of each pair of latents under q(z|x), from -1 to 1, (B, D (D - 1) / 2): what lies below the diagonal, row by row.

    None where the latents are independent.
    """
    covariance = q.covariance()
    if covariance is None:
        return None
    rows, columns = torch.tril_indices(covariance.shape[1], covariance.shape[1], offset=-1, device=covariance.device)
    return (covariance[:, rows, columns] / (q.marginal_std[:, rows] * q.marginal_std[:, columns])).clamp(-1, 1)


def prior_log_prob(z: Tensor) -> Tensor:
    """log N(z; 0, I) summed over the last axis."""
    return (-0.5 * z.square() - HALF_LOG_TWO_PI).sum(dim=-1)


def _kl_to_standard_normal(mu: Tensor, std: Tensor) -> Tensor:
    """Kingma & Welling 2014, appendix B, for each number by itself."""
    return 0.5 * (mu.square() + std.square() - 1.0) - std.log()


def _std(log_var: Tensor) -> Tensor:
    """From e^-8 to e^4: far outside what a trained posterior uses, inside what float32 squares and divides safely."""
    return torch.exp(0.5 * soft_bound(log_var, -16.0, 8.0))
