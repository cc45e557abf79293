"""Encoders and decoders for any height and width, 1 or 3 channels.

Shapes: images (B, C, H, W); the encoder returns as many numbers per image as its posterior needs (posteriors.py); the
decoder maps (B, D) to (B, C, H, W).
To add an architecture: two functions of the config and a line in ARCHITECTURES.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from vae_core.config.schema import ModelConfig
from vae_core.model.posteriors import MEANINGS
from vae_core.model.subpixel_convolution import SubPixelConvolution


class Architecture(NamedTuple):
    """How to make the two halves of a VAE from a config."""

    encoder: Callable[[ModelConfig], nn.Module]
    decoder: Callable[[ModelConfig], nn.Module]


def posterior_outputs(config: ModelConfig) -> int:
    """The size of an encoder's last layer."""
    return MEANINGS[config.posterior].outputs(config.latent_dim)


def mlp_encoder(config: ModelConfig) -> nn.Module:
    """Flatten, then hidden layers, then the posterior's numbers."""
    channels, height, width = config.image_shape
    widths = [channels * height * width, *config.hidden]
    return nn.Sequential(nn.Flatten(), *_dense_layers(widths), nn.Linear(widths[-1], posterior_outputs(config)))


def mlp_decoder(config: ModelConfig) -> nn.Module:
    """The encoder's hidden layers in reverse."""
    channels, height, width = config.image_shape
    widths = [config.latent_dim, *reversed(config.hidden)]
    last = nn.Linear(widths[-1], channels * height * width)
    return nn.Sequential(*_dense_layers(widths), last, nn.Unflatten(1, (channels, height, width)))


def _dense_layers(widths: list[int]) -> list[nn.Module]:
    return [layer for a, b in itertools.pairwise(widths) for layer in (nn.Linear(a, b), nn.ReLU(inplace=True))]


def conv_sizes(height: int, width: int) -> list[tuple[int, int]]:
    """Image sizes from the input down to at most 4 pixels on the shorter side, each half of the one before, rounded up."""
    sizes = [(height, width)]
    while min(sizes[-1]) > 4:
        h, w = sizes[-1]
        sizes.append(((h + 1) // 2, (w + 1) // 2))
    return sizes


def conv_filters(config: ModelConfig) -> list[int]:
    """Channels at each of `conv_sizes`: the image's own, then `filters`, then twice as many."""
    depth = len(conv_sizes(config.height, config.width)) - 1
    return [config.channels, config.filters, *[2 * config.filters] * (depth - 1)][: depth + 1]


class ConvEncoder(nn.Module):
    """Halving convolutions, one dense layer, then the posterior's numbers."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        filters, sizes = conv_filters(config), conv_sizes(config.height, config.width)
        blocks = [layer for a, b in itertools.pairwise(filters) for layer in _down(a, b)]
        self.convolutions = nn.Sequential(*blocks)
        (height, width), last = sizes[-1], filters[-1]
        self.dense = nn.Sequential(
            nn.Flatten(), nn.Linear(last * height * width, config.features), nn.ReLU(inplace=True),
            nn.Linear(config.features, posterior_outputs(config)),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, numbers of the posterior)."""
        # channels_last makes oneDNN and cuDNN skip a reordering at each layer.
        return self.dense(self.convolutions(x.contiguous(memory_format=torch.channels_last)))


def _down(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]


class ConvDecoder(nn.Module):
    """Two dense layers, then doubling transposed convolutions, each cropped to the encoder's size at that depth."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        filters, self.sizes = conv_filters(config)[::-1], conv_sizes(config.height, config.width)[::-1]
        (height, width), first = self.sizes[0], filters[0]
        self.dense = nn.Sequential(
            nn.Linear(config.latent_dim, config.features), nn.ReLU(inplace=True),
            nn.Linear(config.features, first * height * width), nn.ReLU(inplace=True),
            nn.Unflatten(1, (first, height, width)),
        )  # fmt: skip
        steps = list(itertools.pairwise(filters))
        self.steps = nn.ModuleList(nn.ConvTranspose2d(a, b, 4, stride=2, padding=1) for a, b in steps)
        self.norms = nn.ModuleList(nn.BatchNorm2d(b) for _, b in steps[:-1])

    def forward(self, z: Tensor) -> Tensor:
        """(B, D) -> (B, C, H, W)."""
        h = self.dense(z).contiguous(memory_format=torch.channels_last)
        for i, step in enumerate(self.steps):
            h = _crop(step(h), self.sizes[i + 1])
            if i < len(self.norms):
                h = F.relu_(self.norms[i](h))
        return h


def _crop(h: Tensor, size: tuple[int, int]) -> Tensor:
    """Dense again: batch norm takes twice as long, forward and backward, over a view with gaps."""
    return h[:, :, : size[0], : size[1]].contiguous(memory_format=torch.channels_last)


ARCHITECTURES: dict[str, Architecture] = {
    "mlp": Architecture(mlp_encoder, mlp_decoder),
    "conv": Architecture(ConvEncoder, ConvDecoder),
}


def last_layer(decoder: nn.Module) -> nn.Linear | nn.ConvTranspose2d:
    """The layer whose bias has a number for each channel, (C,), or for each pixel of each channel, (C * H * W,)."""
    return [layer for layer in decoder.modules() if isinstance(layer, (nn.Linear, nn.ConvTranspose2d))][-1]


def colour_weights(encoder: nn.Module, decoder: nn.Module) -> list[Tensor]:
    """The parameters with an axis for red, green and blue; none where images are grey or each pixel has weights of its own."""
    last = last_layer(decoder)
    if not isinstance(encoder, ConvEncoder) or last.bias is None or len(last.bias) != 3:
        return []
    return [cast(Tensor, encoder.convolutions[0].weight), last.weight, last.bias]


def folded(decoder: nn.Module) -> nn.Module:
    """A decoder for eval mode only that gives the same pictures with less work: batch norms folded, last layer rewritten."""
    if not isinstance(decoder, ConvDecoder):
        return decoder
    fast = copy.deepcopy(decoder).eval()
    for i, norm in enumerate(fast.norms):
        fast.steps[i] = fuse_conv_bn_eval(fast.steps[i], norm, transpose=True)  # type: ignore[type-var, arg-type]
        fast.norms[i] = nn.Identity()
    fast.steps[-1] = SubPixelConvolution(fast.steps[-1])  # type: ignore[arg-type]
    return fast.to(memory_format=torch.channels_last)
