"""A VAE whose every quantity has a closed form: x = W z + b + noise, z ~ N(0, I), with the exact posterior as its encoder."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from vae_core.config.schema import ModelConfig
from vae_core.model.vae import VAE, build

SIZE, LATENTS, SIGMA = 8, 3, 0.5


class LinearDecoder(nn.Module):
    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(weight), nn.Parameter(bias)

    def forward(self, z: Tensor) -> Tensor:
        return (z @ self.weight.T + self.bias).view(-1, 1, SIZE, SIZE)


class ExactEncoder(nn.Module):
    """mu and log-variance of p(z|x) when the columns of W are orthogonal; `widen` makes q too wide on purpose."""

    def __init__(self, decoder: LinearDecoder, widen: float = 1.0) -> None:
        super().__init__()
        self.decoder, self.widen = [decoder], widen  # in a list: its parameters belong to the decoder

    def forward(self, x: Tensor) -> Tensor:
        decoder = self.decoder[0]
        precision = 1 + decoder.weight.square().sum(0) / SIGMA**2
        mu = (x.flatten(1) - decoder.bias) @ decoder.weight / SIGMA**2 / precision
        log_var = (math.log(self.widen**2) - precision.log()).expand_as(mu)
        return torch.cat([mu, log_var], dim=1)


def linear_gaussian(widen: float = 1.0) -> VAE:
    generator = torch.Generator().manual_seed(0)
    orthogonal, _ = torch.linalg.qr(torch.randn(SIZE * SIZE, LATENTS, generator=generator))
    config = ModelConfig(
        architecture="mlp", height=SIZE, width=SIZE, latent_dim=LATENTS, hidden=(4,), likelihood="gaussian", sigma=SIGMA
    )
    model = build(config)
    model.decoder = LinearDecoder(orthogonal * torch.tensor([1.5, 0.8, 0.3]), 0.5 * torch.ones(SIZE * SIZE))
    model.encoder = ExactEncoder(model.decoder, widen)
    return model.eval()


def exact_log_px(model: VAE, x: Tensor) -> Tensor:
    """log N(x; b, W W^T + sigma^2 I), nats, (N,)."""
    weight, bias = model.decoder.weight.detach(), model.decoder.bias.detach()
    covariance = weight @ weight.T + SIGMA**2 * torch.eye(SIZE * SIZE)
    return torch.distributions.MultivariateNormal(bias, covariance).log_prob(x.flatten(1))
