"""One picture of a source -> the pixels a network sees, in two steps: what is decoded once, and what the options make of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from vae_core.array_types import Pixels
from vae_core.errors import ImageError
from vae_core.images import detect_ink
from vae_core.images.decode_upload import UPRIGHT, open_picture
from vae_core.images.rotate_crop_resize import largest_box, resampling
from vae_core.import_images.import_options import ImportOptions

GREYS = {"white": 255, "grey": 128, "black": 0}


def upright(raw: bytes | NDArray[Any], size: int) -> tuple[Image.Image, tuple[int, int]]:
    """A picture as L, RGB or RGBA, turned as EXIF says, no larger than needed for `size`; and its width and height in the file.

    Half as fine again as needed: what Pillow's own thumbnails are made from, at a fraction of the time of a whole photograph.

    Raises:
        ImageError: it cannot be read.
    """
    if isinstance(raw, np.ndarray):
        image = Image.fromarray(np.ascontiguousarray(raw[..., 0] if raw.ndim == 3 and raw.shape[2] == 1 else raw))
        return image, image.size
    picture = open_picture(raw, 2 * size)
    image = picture.image.transpose(UPRIGHT[picture.orientation]) if picture.orientation in UPRIGHT else picture.image
    return _eight_bits(image) if image.mode.startswith(("I", "F")) else image, picture.size


def fitted(image: Image.Image, options: ImportOptions) -> Pixels:
    """What the options make of an upright picture: pixels (H, W, C)."""
    if image.has_transparency_data:
        paper = Image.new("RGBA", image.size, (GREYS[options.background],) * 3 + (255,))
        image = Image.alpha_composite(paper, image.convert("RGBA")).convert("RGB")
    mode = "RGB" if options.colour else "L"
    image = image if image.mode == mode else image.convert(mode)
    image = _bordered(image, options.size) if options.crop == "border" else _filling(image, options)
    pixels = detect_ink.array(ImageOps.invert(image) if options.invert else image)
    return np.ascontiguousarray(pixels)


def _eight_bits(image: Image.Image) -> Image.Image:
    values = np.nan_to_num(np.asarray(image, np.float32), posinf=0.0, neginf=0.0)
    low, high = detect_ink.value_range(values, sixteen=image.mode.startswith("I"))
    return Image.fromarray(np.rint(np.clip((values - low) / (high - low), 0, 1) * 255).astype(np.uint8))


def _filling(image: Image.Image, options: ImportOptions) -> Image.Image:
    size = options.size
    box = largest_box(image.size, size, size) if options.crop == "centre" else (0, 0, *image.size)
    if image.size == (size, size):
        return image
    return image.resize((size, size), resampling(image, size, size), box)


def _bordered(image: Image.Image, size: int) -> Image.Image:
    """All of it, on the median colour of its edge."""
    scale = size / max(image.size)
    width, height = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    edge = np.median(detect_ink.frame(detect_ink.array(image)), axis=0)
    canvas = Image.new(image.mode, (size, size), tuple(int(value) for value in edge))
    small = image.resize((width, height), resampling(image, size, size))
    canvas.paste(small, ((size - width) // 2, (size - height) // 2))
    return canvas


def why_unreadable(error: Exception) -> str:
    """The reason for a report. What is not expected here still must not end an import of a million pictures."""
    return str(error) if isinstance(error, ImageError) else f"It cannot be read ({type(error).__name__})."
