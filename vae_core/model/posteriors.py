"""The approximate posterior q(z|x), and the one place where z is drawn from it.

Randomness is always an argument: the caller draws eps.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


def reparameterize(mu: Tensor, std: Tensor, eps: Tensor) -> Tensor:
    """z = mu + std * eps, (B, D). Kingma & Welling 2014, section 2.4."""
    return mu + std * eps


def kl_to_standard_normal(mu: Tensor, std: Tensor) -> Tensor:
    """KL(N(mu, std^2) || N(0, 1)) of each latent, in nats, (B, D). Kingma & Welling 2014, appendix B."""
    return 0.5 * (mu.square() + std.square() - 1.0) - std.log()


@dataclass(frozen=True)
class Posterior:
    """A diagonal Gaussian q(z|x): mu and std, each (B, D) in float32."""

    mu: Tensor
    std: Tensor

    def sample(self, eps: Tensor) -> Tensor:
        """One z for each image from eps ~ N(0, I), (B, D)."""
        return reparameterize(self.mu, self.std, eps)

    def kl_per_dim(self) -> Tensor:
        """KL to the prior of each latent, nats, (B, D)."""
        return kl_to_standard_normal(self.mu, self.std)

    def kl(self) -> Tensor:
        """KL to the prior of each image, nats, (B,)."""
        return self.kl_per_dim().sum(dim=1)

    def log_prob(self, z: Tensor) -> Tensor:
        """log q(z|x) of each image, nats: (B,) for z (B, D), (K, B) for z (K, B, D)."""
        return normal_log_prob(z, self.mu, self.std).sum(dim=-1)


def normal_log_prob(z: Tensor, mu: Tensor, std: Tensor) -> Tensor:
    """log N(z; mu, std^2) elementwise, nats."""
    return -0.5 * ((z - mu) / std).square() - std.log() - HALF_LOG_TWO_PI


def prior_log_prob(z: Tensor) -> Tensor:
    """log N(z; 0, I) summed over the last axis, nats."""
    return (-0.5 * z.square() - HALF_LOG_TWO_PI).sum(dim=-1)


HALF_LOG_TWO_PI = 0.9189385332046727  # log(2 pi) / 2
