"""Where training starts and in which colours it steps: without this a convolutional model of colour images learns no colour.

A decoder of bright things on black that starts grey first learns to be black, with weights that move all channels alike. These
outweigh what its first weights did for hue, the encoder learns to ignore hue, and neither a smaller beta nor more latents
nor more steps bring it back. So training starts at the data's mean colour, with first weights that respond to hue more strongly
than to brightness. Either alone does not help, both together do (benchmarks/colour_initialization.py and its results).

The layers that touch pixels are also stepped in brightness and two colour differences instead of red, green and blue: Adam scales
a weight's step by that weight's own gradients, in which brightness outweighs hue. The shipped colour model was trained with these
steps and the mean start; where the first weights respond to hue more strongly, the benchmark shows no gain from them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LAST_GAIN = 3.0  # a colour decoder's last weights start so many times larger: hue is a small part of logits from -8 to 8
VALUE_GAIN = 0.3  # the same where the decoder says values and how sure it is of each: being far off costs thousands of nats
CHROMA = 2.0  # how many times larger than for brightness the first weights of colour differences are, and their steps
DARKEST = 0.01  # a channel that is black throughout starts at this mean: its logit is finite

# Brightness, red against blue, green against both: orthonormal rows.
_OPPONENT = F.normalize(torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, -1.0], [1.0, -2.0, 1.0]]), dim=1)
_SCALE = torch.tensor([[1.0], [CHROMA], [CHROMA]])


@torch.no_grad()
def start_at_mean_colour(last: nn.Linear | nn.ConvTranspose2d, means: Tensor, *, logits: bool, per_value: int = 1) -> None:
    """Makes a decoder start from pictures of the data's mean colour.

    Args:
        last: the decoder's last layer, changed in place; its bias is (K,) or (K * H * W,), for K = per_value * C channels.
        means: of each channel over training images, in [0, 1], (C,).
        logits: whether the decoder's output is the logits of those means.
        per_value: how many numbers the decoder gives for each value of an image; the means come first.
    """
    level = torch.logit(means, eps=DARKEST) if logits else means
    assert last.bias is not None
    of_means = last.bias[: len(last.bias) // per_value]
    of_means.copy_(level.repeat_interleave(len(of_means) // len(means)))


@torch.no_grad()
def subtract_mean_colour(first: nn.Conv2d, means: Tensor) -> None:
    """Makes an encoder start from images less the data's mean colour, (C,): what an image alone has is small beside that."""
    assert first.bias is not None
    first.bias.copy_(-first.weight.sum(dim=(2, 3)) @ means)


@torch.no_grad()
def strengthen_hue(first: Tensor, last: Tensor, last_gain: float = LAST_GAIN) -> None:
    """Makes freshly drawn weights of the first and the last convolution respond more to hue; the last ones also larger.

    Of a last convolution that also says how sure it is of each value, only what says the values is changed.
    """
    for weight, gain in ((first, 1.0), (last, last_gain)):
        colours = _colours(weight)
        colours.copy_(gain * _mix(_OPPONENT.T @ (_SCALE * _OPPONENT), colours))


@contextlib.contextmanager
def opponent_colours(parameters: Sequence[Tensor]) -> Iterator[None]:
    """Within it, parameters and gradients are in brightness and colour differences instead of red, green and blue.

    Made for one step of an optimiser. A weight has its colours first on axis 1, a bias on its only axis.
    """
    with torch.no_grad():
        for parameter in parameters:
            assert parameter.grad is not None
            weights, gradients = _colours(parameter), _colours(parameter.grad)
            weights.copy_(_mix(_OPPONENT / _SCALE, weights))
            gradients.copy_(_mix(_OPPONENT * _SCALE, gradients))
    yield
    with torch.no_grad():
        for parameter in parameters:
            weights = _colours(parameter)
            weights.copy_(_mix((_OPPONENT * _SCALE).T, weights))


def _colours(parameter: Tensor) -> Tensor:
    """The part of it that belongs to red, green and blue, as a view: the first three on the axis of `_mix`."""
    return parameter.narrow(min(1, parameter.ndim - 1), 0, 3)


def _mix(matrix: Tensor, weight: Tensor) -> Tensor:
    axis = min(1, weight.ndim - 1)
    return torch.tensordot(weight, matrix.to(weight), dims=([axis], [1])).movedim(-1, axis)
