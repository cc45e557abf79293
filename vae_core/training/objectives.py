"""Training objectives: pure functions from per-image terms to a per-image loss, in nats. They never log and never average.

To add one: a function of (log_px_z, kl_per_dim) and keywords that returns a loss for each image.
"""

from __future__ import annotations

import torch
from torch import Tensor


def elbo(log_px_z: Tensor, kl_per_dim: Tensor) -> Tensor:
    """The evidence lower bound with beta = 1, nats per image, (B,). Kingma & Welling 2014, equation 3."""
    return log_px_z - kl_per_dim.sum(dim=1)


def beta_elbo_loss(log_px_z: Tensor, kl_per_dim: Tensor, *, beta: float = 1.0, free_bits: float = 0.0) -> Tensor:
    """-(log p(x|z) - beta KL), nats per image, (B,). Higgins et al. 2017, equation 4; free bits as below.

    Args:
        log_px_z: (B,) reconstruction term.
        kl_per_dim: (B, D).
        beta: weight of the KL.
        free_bits: nats per dimension that cost nothing.
    """
    return beta * floored_kl(kl_per_dim, free_bits).sum(dim=1) - log_px_z


def floored_kl(kl_per_dim: Tensor, free_bits: float) -> Tensor:
    """KL with free bits, (B, D), whose mean over the batch is max(free_bits, mean KL) in each dimension.

    Kingma et al. 2016, equation 15 (each latent its own group): the floor acts on the batch mean, so one image may use
    less than the floor while the dimension as a whole is kept alive.
    """
    if free_bits == 0:
        return kl_per_dim
    below = kl_per_dim.detach().mean(dim=0, keepdim=True) < free_bits
    return torch.where(below, torch.full_like(kl_per_dim, free_bits), kl_per_dim)
