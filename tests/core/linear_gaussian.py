"""A VAE whose every quantity has a closed form: x = W z + b + noise, z ~ N(0, I), with the exact posterior as its encoder.

Where the columns of W are orthogonal the latents are independent under the posterior; `correlated` makes them oblique.
"""

from __future__ import annotations

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
    """mu and factor of p(z|x) as the encoder of a posterior says them; `widen` makes q too wide on purpose."""

    def __init__(self, decoder: LinearDecoder, widen: float, correlated: bool) -> None:
        super().__init__()
        self.correlated = correlated
        self.decoder, self.widen = [decoder], widen  # in a list: its parameters belong to the decoder

    def forward(self, x: Tensor) -> Tensor:
        decoder = self.decoder[0]
        covariance = torch.linalg.inv(torch.eye(LATENTS) + decoder.weight.T @ decoder.weight / SIGMA**2)
        mu = (x.flatten(1) - decoder.bias) @ decoder.weight / SIGMA**2 @ covariance
        factor = self.widen * torch.linalg.cholesky(covariance)
        rows, columns = torch.tril_indices(LATENTS, LATENTS, offset=-1)
        says = [2 * factor.diagonal().log(), factor[rows, columns]][: 2 if self.correlated else 1]
        return torch.cat([mu, *(numbers.expand(len(mu), -1) for numbers in says)], dim=1)


def linear_gaussian(widen: float = 1.0, *, correlated: bool = False) -> VAE:
    generator = torch.Generator().manual_seed(0)
    orthogonal, _ = torch.linalg.qr(torch.randn(SIZE * SIZE, LATENTS, generator=generator))
    config = ModelConfig(
        architecture="mlp", height=SIZE, width=SIZE, latent_dim=LATENTS, hidden=(4,), likelihood="gaussian", sigma=SIGMA,
        posterior="full" if correlated else "diagonal",
    )  # fmt: skip
    directions = orthogonal * torch.tensor([1.5, 0.8, 0.3])
    if correlated:
        directions = directions @ torch.tensor([[1.0, 0.9, -0.5], [0.0, 1.0, 0.7], [0.0, 0.0, 1.0]])
    model = build(config)
    model.decoder = LinearDecoder(directions, 0.5 * torch.ones(SIZE * SIZE))
    model.encoder = ExactEncoder(model.decoder, widen, correlated)
    return model.eval()


def exact_log_px(model: VAE, x: Tensor) -> Tensor:
    """log N(x; b, W W^T + sigma^2 I), nats, (N,)."""
    weight, bias = model.decoder.weight.detach(), model.decoder.bias.detach()
    covariance = weight @ weight.T + SIGMA**2 * torch.eye(SIZE * SIZE)
    return torch.distributions.MultivariateNormal(bias, covariance).log_prob(x.flatten(1))
