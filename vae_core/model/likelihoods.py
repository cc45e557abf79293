"""p(x|z): what the decoder's output says about an image. Log-probabilities in nats per image.

A *head* is the small module between the decoder's last layer and the distribution; it holds what is learned beside the
network (the Gaussian's sigma), and its `per_value` says how many numbers the decoder gives for each value of the image: the
first of them is its mean, or the logit of it. To add a likelihood: a distribution with log_prob, mean and sample, a head, a line
in HEADS and its name in `ModelConfig.likelihood`.

Which nats compare: those of two densities (both Gaussians), and of two models with the same likelihood. A density of values in
[0, 1] and a probability of one of 256 levels differ by ln 255 for each value of the image, 5.54 nats, where the density is wide
against a level; a Bernoulli reads grey as a probability, and its nats compare with neither.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_core.config.schema import ModelConfig
from vae_core.model.posteriors import HALF_LOG_TWO_PI
from vae_core.model.smooth_clamp import soft_bound

TOP_LEVEL = 255  # of an 8-bit image


class Likelihood(Protocol):
    """A distribution over images (B, C, H, W) in [0, 1]."""

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x|z), nats per image, (B,)."""

    @property
    def mean(self) -> Tensor:
        """The expected image, (B, C, H, W)."""

    def sample(self, noise: torch.Generator) -> Tensor:
        """An image drawn from it, (B, C, H, W). A Gaussian also draws values below 0 and above 1."""


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

    def sample(self, noise: torch.Generator) -> Tensor:
        return torch.bernoulli(self.mean, generator=noise)


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

    def sample(self, noise: torch.Generator) -> Tensor:
        return self.mean + self.log_sigma.exp() * _normal_like(self.mean, noise)


@dataclass(frozen=True)
class PixelwiseGaussian:
    """Independent Gaussian pixels, each value with a mean and a sigma of its own."""

    mean: Tensor
    log_sigma: Tensor  # (B, C, H, W)

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x|z), nats per image, (B,). Kingma & Welling 2014, appendix C.2."""
        standard = (x - self.mean) * torch.exp(-self.log_sigma)
        return -(0.5 * standard.square() + self.log_sigma + HALF_LOG_TWO_PI).flatten(1).sum(dim=1)

    def sample(self, noise: torch.Generator) -> Tensor:
        return self.mean + self.log_sigma.exp() * _normal_like(self.mean, noise)


@dataclass(frozen=True)
class DiscretisedLogistic:
    """Independent values of 256 levels: the probability that a logistic variable lies within half a level of each, and beyond
    the outer ones for these. Salimans et al. 2017, equation 2 with one component and channels that do not condition each other.
    """

    location: Tensor  # (B, C, H, W), in [0, 1] where it lies on the scale
    log_scale: Tensor  # (B, C, H, W)

    def log_prob(self, x: Tensor) -> Tensor:
        """log of the probability of the image's levels, nats per image, (B,): never above 0. x is rounded to its level.

        sigmoid(b) - sigmoid(a) is sigmoid(b) sigmoid(-a) (1 - exp(a - b)), whose logarithm loses no digits.
        """
        x = (x * TOP_LEVEL).round() / TOP_LEVEL
        precision = torch.exp(-self.log_scale)
        upper = (x - self.location + 0.5 / TOP_LEVEL) * precision
        lower = (x - self.location - 0.5 / TOP_LEVEL) * precision
        black, white = x <= 0, x >= 1
        below = F.logsigmoid(upper).masked_fill(white, 0.0)
        above = F.logsigmoid(-lower).masked_fill(black, 0.0)
        between = torch.log(-torch.expm1(-precision / TOP_LEVEL)).masked_fill(black | white, 0.0)
        return (below + above + between).flatten(1).sum(dim=1)

    @property
    def mean(self) -> Tensor:
        """The mean of the logistic variable where it lies in [0, 1] and of the nearer end where not: of the 256 levels it is the
        mean to within half a level, which summing over all of them would take a hundred times as long to find."""
        scale = self.log_scale.exp()
        return scale * (F.softplus(self.location / scale) - F.softplus((self.location - 1) / scale))

    def sample(self, noise: torch.Generator) -> Tensor:
        uniform = torch.rand(self.location.shape, generator=noise, device=self.location.device)
        value = self.location + self.log_scale.exp() * torch.logit(uniform, eps=1e-6)
        return (value.clamp(0, 1) * TOP_LEVEL).round() / TOP_LEVEL


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

    def sample(self, noise: torch.Generator) -> Tensor:
        """The mean: there is no distribution to draw from."""
        return self.mean


class Head(nn.Module):
    """From the decoder's output to a distribution over images."""

    per_value: ClassVar[int] = 1  # numbers of the decoder for each value of the image, channels after channels

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()


class SquaredErrorHead(Head):
    """The decoder's output is the logits of the pixels' brightness."""

    def forward(self, output: Tensor) -> SquaredError:
        return SquaredError(output)


class BernoulliHead(Head):
    """The decoder's output is the logits."""

    def forward(self, output: Tensor) -> Bernoulli:
        return Bernoulli(output)


class GaussianHead(Head):
    """The decoder's output is the mean; sigma is fixed by the config or one learned number."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        start = torch.tensor(math.log(config.sigma if config.sigma is not None else 0.3))
        if config.sigma is None:
            self.log_sigma = nn.Parameter(start)
        else:
            self.register_buffer("log_sigma", start, persistent=False)

    def forward(self, output: Tensor) -> Gaussian:
        # Below e^-5.5, one grey level of 255, the density of 8-bit images is dominated by their rounding.
        return Gaussian(output, soft_bound(self.log_sigma, -5.0, 3.0, give=0.5))


class PixelwiseGaussianHead(Head):
    """The decoder's output is the means, then as many log sigmas; these start around 0.3."""

    per_value = 2

    def forward(self, output: Tensor) -> PixelwiseGaussian:
        mean, spread = output.chunk(2, dim=1)
        # As in GaussianHead; where images are always black only this keeps the density finite.
        return PixelwiseGaussian(mean, soft_bound(spread + math.log(0.3), -5.0, 3.0, give=0.5))


class DiscretisedLogisticHead(Head):
    """The decoder's output is the locations, then as many log scales; these start around 0.15, a standard deviation of 0.3."""

    per_value = 2

    def forward(self, output: Tensor) -> DiscretisedLogistic:
        location, spread = output.chunk(2, dim=1)
        # Below e^-7, a quarter of a level, all probability is within one level.
        return DiscretisedLogistic(location, soft_bound(spread + math.log(0.15), -7.0, 3.0, give=0.5))


HEADS: dict[str, type[Head]] = {
    "bernoulli": BernoulliHead,
    "gaussian": GaussianHead,
    "gaussian-per-pixel": PixelwiseGaussianHead,
    "discretised-logistic": DiscretisedLogisticHead,
    "squared-error": SquaredErrorHead,
}


def decoder_channels(config: ModelConfig) -> int:
    """How many channels a decoder's output has, (B, this, H, W)."""
    return config.channels * HEADS[config.likelihood].per_value


def _normal_like(mean: Tensor, noise: torch.Generator) -> Tensor:
    return torch.randn(mean.shape, generator=noise, device=mean.device)
