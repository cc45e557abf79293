"""Encoders and decoders for any height and width, 1 or 3 channels.

Shapes: images (B, C, H, W); the encoder returns as many numbers per image as its posterior needs (posteriors.py); the
decoder maps (B, D) to (B, K, H, W), where K are the channels that its likelihood needs (likelihoods.py): C or 2 C.
To add an architecture: two functions of the config and a line in ARCHITECTURES.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable
from typing import NamedTuple, TypeVar, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from vae_core.config.schema import ModelConfig
from vae_core.model.likelihoods import decoder_channels
from vae_core.model.posteriors import MEANINGS
from vae_core.model.subpixel_convolution import SubPixelConvolution

Layer = TypeVar("Layer", nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
BLOCKS_PER_LEVEL = 2  # of a residual network


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
    channels, height, width = decoder_channels(config), config.height, config.width
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
        filters = [*conv_filters(config)[:0:-1], decoder_channels(config)]
        self.sizes = conv_sizes(config.height, config.width)[::-1]
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
        """(B, D) -> (B, K, H, W)."""
        h = self.dense(z).contiguous(memory_format=torch.channels_last)
        for i, step in enumerate(self.steps):
            h = _crop(step(h), self.sizes[i + 1])
            if i < len(self.norms):
                h = F.relu_(self.norms[i](h))
        return h


def _crop(h: Tensor, size: tuple[int, int]) -> Tensor:
    """Dense again: batch norm takes twice as long, forward and backward, over a view with gaps."""
    return h[:, :, : size[0], : size[1]].contiguous(memory_format=torch.channels_last)


class ResidualBlock(nn.Module):
    """x + f(x), where f normalises, rectifies and convolves twice. He et al. 2016 (pre-activation); Wu & He 2018 (GroupNorm).

    The second convolution starts at 0, so that a deep network starts as a shallow one (Goyal et al. 2017, section 5.1).
    """

    def __init__(self, filters: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            group_norm(filters), nn.ReLU(inplace=True), nn.Conv2d(filters, filters, 3, padding=1, bias=False),
            group_norm(filters), nn.ReLU(inplace=True), nn.Conv2d(filters, filters, 3, padding=1),
        )  # fmt: skip
        for parameter in self.body[-1].parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


def group_norm(filters: int) -> nn.GroupNorm:
    """Groups of 32 filters where they can be divided so: on a CPU smaller groups take eight times as long in bfloat16."""
    return nn.GroupNorm(filters // 32 if filters % 32 == 0 else 1, filters)


def _blocks(filters: int) -> list[nn.Module]:
    return [ResidualBlock(filters) for _ in range(BLOCKS_PER_LEVEL)]


def _halving(inputs: int, outputs: int) -> nn.Conv2d:
    return _keeping_variance(nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), 9 * inputs)


def _doubling(inputs: int, outputs: int) -> nn.ConvTranspose2d:
    return _keeping_variance(nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1), 4 * inputs)


def _rectified(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(_keeping_variance(nn.Linear(inputs, outputs), inputs / 2), nn.ReLU(inplace=True))


def _keeping_variance(layer: Layer, inputs: float) -> Layer:
    """Its output starts with the variance of its input, of which each number takes so many (half as many where half are lost to
    a ReLU). Torch's own weights are smaller; batch norms bring out again what these leave of an image beside the biases, and
    group norms, which look at one image alone, do not."""
    nn.init.normal_(layer.weight, std=inputs**-0.5)
    nn.init.zeros_(cast(Tensor, layer.bias))
    return layer


class ResidualEncoder(nn.Module):
    """Halving convolutions with residual blocks after each, two dense layers. The first one halves the image: blocks at its full
    size would take most of the time."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        filters, sizes = conv_filters(config), conv_sizes(config.height, config.width)
        levels = ((_halving(a, b), *_blocks(b)) for a, b in itertools.pairwise(filters))
        self.convolutions = nn.Sequential(*itertools.chain.from_iterable(levels))
        (height, width), last = sizes[-1], filters[-1]
        self.dense = nn.Sequential(
            group_norm(last), nn.ReLU(inplace=True), nn.Flatten(), _rectified(last * height * width, config.features),
            nn.Linear(config.features, posterior_outputs(config)),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, numbers of the posterior)."""
        return self.dense(self.convolutions(x.contiguous(memory_format=torch.channels_last)))


class ResidualDecoder(nn.Module):
    """Two dense layers, then residual blocks and a doubling transposed convolution at each level, cropped as in ConvDecoder."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        filters = [*conv_filters(config)[:0:-1], decoder_channels(config)]
        self.sizes = conv_sizes(config.height, config.width)[::-1]
        (height, width), first = self.sizes[0], filters[0]
        self.dense = nn.Sequential(
            _rectified(config.latent_dim, config.features),
            _keeping_variance(nn.Linear(config.features, first * height * width), config.features / 2),
            nn.Unflatten(1, (first, height, width)),
        )  # fmt: skip
        self.levels = nn.ModuleList(nn.Sequential(*_blocks(width)) for width in filters[:-1])
        self.norm = group_norm(filters[-2])
        *inner, last = itertools.pairwise(filters)
        self.steps = nn.ModuleList([*(_doubling(a, b) for a, b in inner), nn.ConvTranspose2d(*last, 4, stride=2, padding=1)])

    def forward(self, z: Tensor) -> Tensor:
        """(B, D) -> (B, K, H, W)."""
        h = self.dense(z).contiguous(memory_format=torch.channels_last)
        for i, (level, step) in enumerate(zip(self.levels, self.steps, strict=True)):
            h = level(h)
            h = F.relu_(self.norm(h)) if i == len(self.steps) - 1 else h
            h = _crop(step(h), self.sizes[i + 1])
        return h


ARCHITECTURES: dict[str, Architecture] = {
    "mlp": Architecture(mlp_encoder, mlp_decoder),
    "conv": Architecture(ConvEncoder, ConvDecoder),
    "residual": Architecture(ResidualEncoder, ResidualDecoder),
}


def last_layer(decoder: nn.Module) -> nn.Linear | nn.ConvTranspose2d:
    """The layer whose bias has a number for each channel, (K,), or for each pixel of each channel, (K * H * W,)."""
    return [layer for layer in decoder.modules() if isinstance(layer, (nn.Linear, nn.ConvTranspose2d))][-1]


def colour_weights(encoder: nn.Module, decoder: nn.Module) -> list[Tensor]:
    """The parameters whose axis 1, of a bias its only one, begins with red, green and blue; the first convolution's come first.

    None where images are grey or each pixel has weights of its own.
    """
    last = last_layer(decoder)
    first = next((layer for layer in encoder.modules() if isinstance(layer, nn.Conv2d)), None)
    if first is None or first.in_channels != 3 or last.bias is None:
        return []
    return [first.weight, last.weight, last.bias]


def to_be_centred(encoder: nn.Module) -> nn.Conv2d | None:
    """The first convolution of an encoder whose norms keep what all images have in common; None where batch norms remove that."""
    if not isinstance(encoder, ResidualEncoder):
        return None
    return next(layer for layer in encoder.modules() if isinstance(layer, nn.Conv2d))


def folded(decoder: nn.Module) -> nn.Module:
    """A decoder for eval mode only that gives the same pictures with less work: batch norms folded, last layer rewritten."""
    if not isinstance(decoder, ConvDecoder | ResidualDecoder):
        return decoder
    fast = copy.deepcopy(decoder).eval()
    if isinstance(fast, ConvDecoder):  # what a group norm does depends on the picture
        for i, norm in enumerate(fast.norms):
            fast.steps[i] = fuse_conv_bn_eval(fast.steps[i], norm, transpose=True)  # type: ignore[type-var, arg-type]
            fast.norms[i] = nn.Identity()
    fast.steps[-1] = SubPixelConvolution(fast.steps[-1])  # type: ignore[arg-type]
    return fast.to(memory_format=torch.channels_last)
