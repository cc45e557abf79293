"""Tensors of images as pixels."""

import torch
from torch import Tensor

from vae_core.array_types import Pixels


def to_pixels(x: Tensor) -> Pixels:
    """x (N, C, H, W) in [0, 1] as pixels (N, H, W, C); values outside are clipped."""
    return x.clamp(0, 1).mul(255).round_().to(torch.uint8).permute(0, 2, 3, 1).contiguous().cpu().numpy()
