"""Between x in [0, 1] and uint8 pixels, and pixels as PNG."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vae_core.images.lightness import Pixels


def to_uint8(x: NDArray[np.floating]) -> Pixels:
    """x (..., C, H, W) in [0, 1] as pixels (..., H, W, C); values outside are clipped."""
    return np.ascontiguousarray(np.moveaxis(np.rint(np.clip(x, 0, 1) * 255).astype(np.uint8), -3, -1))


def from_uint8(pixels: Pixels) -> NDArray[np.float32]:
    """Pixels (..., H, W, C) as x (..., C, H, W) in [0, 1]."""
    return np.ascontiguousarray(np.moveaxis(pixels, -1, -3), np.float32) / np.float32(255)


def to_png(pixels: Pixels) -> bytes:
    """Pixels (H, W) or (H, W, 1 or 3) as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels).save(file, "PNG")
    return file.getvalue()
