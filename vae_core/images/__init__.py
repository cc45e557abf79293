"""The only pixel border: uploaded bytes -> x in [0, 1] with the list of steps taken; x -> uint8 -> PNG. No torch.

A step is what a person can see and change: turned, laid on a background, grey, inverted, levelled, placed, resized. Every choice
left at "auto" is decided from the picture, and the decision is handed back. What cannot be used is an ImageError with a sentence,
whatever Pillow made of it. Limits are checked on the header, before a pixel is decoded.
Not covered: colour profiles are ignored, and of an animation or a stack only the first picture is read.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vae_core.images.decode import FORMATS, MAX_BYTES, MAX_PIXELS, MAX_SIDE, Picture, open_picture
from vae_core.images.look import Pixels, array
from vae_core.images.options import Ink, UploadOptions, choices
from vae_core.images.steps import Step, Work

__all__ = [
    "FORMATS",
    "MAX_BYTES",
    "MAX_PIXELS",
    "MAX_SIDE",
    "Ink",
    "Picture",
    "Pixels",
    "Step",
    "Upload",
    "UploadOptions",
    "choices",
    "from_uint8",
    "open_picture",
    "read_upload",
    "to_png",
    "to_uint8",
]


@dataclass(frozen=True)
class Upload:
    """An upload as the network sees it: x (C, H, W) in [0, 1], the steps there, and the options with every auto decided."""

    x: NDArray[np.float32] = field(repr=False)
    steps: tuple[Step, ...]
    proposal: UploadOptions


def read_upload(
    data: bytes | Picture,
    *,
    height: int,
    width: int,
    channels: int,
    ink: Ink | None = None,
    options: UploadOptions | None = None,
) -> Upload:
    """An image file as a network for (channels, height, width) sees it. `ink` says what its dataset looks like.

    Who asks more than once, for another network or with other options, opens the picture once and passes that.

    Raises:
        ImageError: too large, empty, truncated, or not an image.
    """
    wanted = options or UploadOptions()
    work = Work(open_picture(data) if isinstance(data, bytes) else data, wanted)
    work.turn()
    work.scale_depth()
    work.flatten()
    work.recolour(channels)
    work.invert(ink)
    work.level(ink)
    work.place(height, width, ink)
    pixels = array(work.image)
    return Upload(np.ascontiguousarray(pixels.transpose(2, 0, 1), np.float32) / np.float32(255), tuple(work.steps), work.chosen)


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
