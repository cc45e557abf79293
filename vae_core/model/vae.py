"""The VAE: an encoder, a decoder and the likelihood between decoder and image. Knows no objective and draws nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import torch
from torch import Tensor, nn

from vae_core.config.schema import ModelConfig
from vae_core.model.architectures import ARCHITECTURES
from vae_core.model.likelihoods import HEADS, Head, Likelihood
from vae_core.model.posteriors import MEANINGS, Posterior, prior_log_prob


class VAE(nn.Module):
    """Kingma & Welling 2014, section 3."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        architecture = ARCHITECTURES[config.architecture]
        self.config = config
        self.encoder = architecture.encoder(config)
        self.decoder = architecture.decoder(config)
        self.head: Head = HEADS[config.likelihood](config)

    def encode(self, x: Tensor) -> Posterior:
        """q(z|x) for images x (B, C, H, W) in [0, 1]."""
        return self.posterior(self.encoder(x))

    def posterior(self, output: Tensor) -> Posterior:
        """q(z|x) from what an encoder of this model's shape put out, (B, numbers of this kind of posterior)."""
        return MEANINGS[self.config.posterior].from_output(output, self.config.latent_dim)

    def decode(self, z: Tensor) -> Likelihood:
        """p(x|z) for latents z (B, D)."""
        return cast(Likelihood, self.head(self.decoder(z).float()))

    def log_prior(self, z: Tensor) -> Tensor:
        """log p(z) of latents (..., D), nats."""
        return prior_log_prob(z)


class DecoderOnly(nn.Module):
    """The half of a VAE that draws: from latents to images, and no way back."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.decoder = ARCHITECTURES[config.architecture].decoder(config)
        self.head: Head = HEADS[config.likelihood](config)

    def decode(self, z: Tensor) -> Likelihood:
        """p(x|z) for latents z (B, D)."""
        return cast(Likelihood, self.head(self.decoder(z).float()))


def build(config: ModelConfig, *, seed: int = 0) -> VAE:
    """A VAE with freshly drawn weights; the seed fixes them and leaves torch's global generator as it was."""
    return drawn(VAE, config, seed)


Network = TypeVar("Network", bound=nn.Module)


def drawn(network: Callable[[ModelConfig], Network], config: ModelConfig, seed: int) -> Network:
    """The same for any kind of network."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return network(config).to(memory_format=torch.channels_last)
