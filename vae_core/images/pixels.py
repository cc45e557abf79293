"""Between x in [0, 1] and uint8 pixels, and pixels as PNG or JPEG."""

from __future__ import annotations

import io
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vae_core.array_types import Pixels


def to_uint8(x: NDArray[np.floating]) -> Pixels:
    """x (..., C, H, W) in [0, 1] as pixels (..., H, W, C); values outside are clipped."""
    return np.ascontiguousarray(np.moveaxis(np.rint(np.clip(x, 0, 1) * 255).astype(np.uint8), -3, -1))


def from_uint8(pixels: Pixels) -> NDArray[np.float32]:
    """Pixels (..., H, W, C) as x (..., C, H, W) in [0, 1]."""
    return np.ascontiguousarray(np.moveaxis(pixels, -1, -3), np.float32) / np.float32(255)


def to_png(pixels: Pixels) -> bytes:
    """Pixels (H, W) or (H, W, 1 or 3) as a PNG file."""
    return _as_file(pixels, "PNG")


JPEG_QUALITY = 85  # of 100: colours of a 64x64 picture are off by 2 of 255 on average, in an eighth of its bytes


def to_jpeg(pixels: Pixels) -> bytes:
    """The same as a JPEG file, which is only nearly the same picture."""
    return _as_file(pixels, "JPEG", quality=JPEG_QUALITY)


def _as_file(pixels: Pixels, kind: str, **options: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels).save(file, kind, **options)
    return file.getvalue()


GAP = 2  # px between the pictures of a sheet


def tiled(pictures: Pixels, columns: int, *, ground: int = 0, margin: int = 0) -> Pixels:
    """Pictures (N, H, W, C) in rows of `columns` with thin gaps, as one picture; gaps and margin have the level `ground`."""
    count, height, width, channels = pictures.shape
    rows = math.ceil(count / columns)
    page = np.full((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, channels), ground, np.uint8)
    for i, picture in enumerate(pictures):
        top, left = i // columns * (height + GAP), i % columns * (width + GAP)
        page[top : top + height, left : left + width] = picture
    return np.pad(page, ((margin, margin), (margin, margin), (0, 0)), constant_values=ground)
