"""A doubling transposed convolution, written as an ordinary one whose channels are then laid out in space (Shi et al. 2016).

The same numbers out. Convolution libraries are slow at transposed convolutions with few output channels (a picture has one or
three): this takes half the time for the last layer of our decoder, which is a third of all its work.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class SubPixelConvolution(nn.Module):
    """What `nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1)` computes; for eval mode only."""

    def __init__(self, transposed: nn.ConvTranspose2d) -> None:
        super().__init__()
        outputs = transposed.out_channels
        self.convolution = nn.Conv2d(transposed.in_channels, 4 * outputs, 3, padding=1).requires_grad_(False)
        self.convolution.weight.copy_(_rearranged(transposed.weight.detach()))
        bias = transposed.bias if transposed.bias is not None else torch.zeros(outputs)
        self.convolution.bias.copy_(bias.detach().repeat_interleave(4))  # type: ignore[union-attr]

    def forward(self, x: Tensor) -> Tensor:
        """(B, I, H, W) -> (B, O, 2H, 2W)."""
        return F.pixel_shuffle(self.convolution(x), 2)


def _rearranged(weight: Tensor) -> Tensor:
    """(I, O, 4, 4) -> (4 O, I, 3, 3): output pixel 2y + a takes input y + d through tap a + 1 - 2 d, for d in -1, 0, 1."""
    inputs, outputs = weight.shape[:2]
    taps = torch.zeros(outputs, 2, 2, inputs, 3, 3, device=weight.device)
    pairs = [(a, d, a + 1 - 2 * d) for a in (0, 1) for d in (-1, 0, 1) if 0 <= a + 1 - 2 * d < 4]
    for a, dy, ky in pairs:
        for b, dx, kx in pairs:
            taps[:, a, b, :, dy + 1, dx + 1] = weight[:, :, ky, kx].t()
    return taps.reshape(4 * outputs, inputs, 3, 3)
