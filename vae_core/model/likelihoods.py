"""p(x|z): what the decoder's output says about an image. Log-probabilities in nats per image.

A *head* is the small module between the decoder's last layer and the distribution; it holds what is learned beside the
network (the Gaussian's sigma). To add a likelihood: a distribution with log_prob and mean, a head, a line in HEADS.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_core.config.schema import ModelConfig
from vae_core.model.posteriors import HALF_LOG_TWO_PI
from vae_core.model.smooth_clamp import soft_bound


class Likelihood(Protocol):
    """A distribution over images (B, C, H, W) in [0, 1]."""

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x|z), nats per image, (B,)."""

    @property
    def mean(self) -> Tensor:
        """The expected image, (B, C, H, W)."""


@dataclass(frozen=True)
class Bernoulli:
    """Independent Bernoulli pixels on logits. Grey x in [0, 1] is read as the pixel's mean, not as a density."""

    logits: Tensor

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x|z), nats per image, (B,). Kingma & Welling 2014, appendix C.1."""
        return -F.binary_cross_entropy_with_logits(self.logits, x, reduction="none").flatten(1).sum(dim=1)

    @property
    def mean(self) -> Tensor:
        return self.logits.sigmoid()


@dataclass(frozen=True)
class Gaussian:
    """Independent Gaussian pixels around a mean, with one sigma for all of them."""

    mean: Tensor
    log_sigma: Tensor  # ()

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x|z), nats per image, (B,). Kingma & Welling 2014, appendix C.2, with one shared sigma."""
        error = (x - self.mean).flatten(1).square().sum(dim=1)
        pixels = x[0].numel()
        return -0.5 * error * torch.exp(-2 * self.log_sigma) - pixels * (self.log_sigma + HALF_LOG_TWO_PI)


@dataclass(frozen=True)
class SquaredError:
    """No density: pixels in [0, 1], compared by their squared error. What autoencoders have in the place of a likelihood."""

    logits: Tensor

    def log_prob(self, x: Tensor) -> Tensor:
        """Minus the squared error, summed over the pixels of each image, (B,)."""
        return -(x - self.mean).flatten(1).square().sum(dim=1)

    @property
    def mean(self) -> Tensor:
        return self.logits.sigmoid()


class SquaredErrorHead(nn.Module):
    """The decoder's output is the logits of the pixels' brightness."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()

    def forward(self, output: Tensor) -> SquaredError:
        return SquaredError(output)


class BernoulliHead(nn.Module):
    """The decoder's output is the logits."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()

    def forward(self, output: Tensor) -> Bernoulli:
        return Bernoulli(output)


class GaussianHead(nn.Module):
    """The decoder's output is the mean; sigma is fixed by the config or one learned number."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        start = torch.tensor(math.log(config.sigma if config.sigma is not None else 0.3))
        if config.sigma is None:
            self.log_sigma = nn.Parameter(start)
        else:
            self.register_buffer("log_sigma", start, persistent=False)

    def forward(self, output: Tensor) -> Gaussian:
        # Below e^-5.5, one grey level of 255, the density of 8-bit images is dominated by their rounding.
        return Gaussian(output, soft_bound(self.log_sigma, -5.0, 3.0, give=0.5))


HEADS: dict[str, Callable[[ModelConfig], nn.Module]] = {
    "bernoulli": BernoulliHead,
    "gaussian": GaussianHead,
    "squared-error": SquaredErrorHead,
}
