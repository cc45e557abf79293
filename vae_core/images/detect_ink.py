"""What a picture looks like: its lightness, its border, its ink. Reads Pillow images, changes none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from vae_core.array_types import Pixels

PREVIEW = 96  # pixels, longest side of a small picture
CONTRAST = 16  # of 256 levels: less than this is one flat tone


def array(image: Image.Image) -> Pixels:
    """Its pixels (H, W, C)."""
    pixels = np.array(image)
    return pixels[..., None] if pixels.ndim == 2 else pixels


def preview(image: Image.Image) -> Pixels:
    """The picture at PREVIEW pixels, small ones as squares; transparency as checkers, more than 8 bits by their own range."""
    if image.mode.startswith(("I", "F")):
        values = np.nan_to_num(np.asarray(image, np.float32), posinf=0.0, neginf=0.0)
        low, high = float(values.min()), float(values.max())
        image = Image.fromarray(((values - low) / max(high - low, 1e-9) * 255).astype(np.uint8))
    elif image.mode == "RGBA":
        image = Image.alpha_composite(_checkers(image.size), image).convert("RGB")
    scale = PREVIEW / max(image.size)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return array(image.resize(size, Image.Resampling.BOX if scale < 1 else Image.Resampling.NEAREST))


def _checkers(size: tuple[int, int]) -> Image.Image:
    """The usual sign for transparency, about ten squares across."""
    side = max(1, max(size) // 10)
    down, across = np.ogrid[: size[1], : size[0]]
    light = ((down // side + across // side) % 2).astype(np.uint8) * 40 + 190
    return Image.fromarray(light).convert("RGBA")


def value_range(values: NDArray[np.float32], *, sixteen: bool) -> tuple[float, float]:
    """What becomes black and white: the whole 16-bit range, [0, 1] of a float picture, else what the picture holds."""
    low, high = float(values.min()), float(values.max())
    full = 65535.0 if sixteen else 1.0
    if low >= 0 and high <= full:
        return 0.0, full
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def lightness_of_opaque(image: Image.Image) -> float:
    """Mean lightness in [0, 1] of what is not transparent; 0 where everything is."""
    grey = np.asarray(image.convert("RGB").convert("L"), np.float64) / 255
    alpha = np.asarray(image.getchannel("A"), np.float64)
    return float((grey * alpha).sum() / alpha.sum()) if alpha.any() else 0.0


def has_colour(image: Image.Image) -> bool:
    """Whether any pixel's channels differ visibly."""
    pixels = array(image)
    return bool((pixels.max(axis=2) - pixels.min(axis=2)).max() > 2)


def _thumb(image: Image.Image) -> NDArray[np.float64]:
    """Lightness (h, w) in 0..255 of the picture averaged down to at most 64 pixels a side: what noise cannot sway."""
    grey = image.convert("L")
    return np.asarray(grey.resize((min(64, grey.width), min(64, grey.height)), Image.Resampling.BOX), np.float64)


def frame(pixels: NDArray) -> NDArray:
    """The outermost pixels, (n, ...)."""
    return np.concatenate([pixels[0], pixels[-1], pixels[1:-1, 0], pixels[1:-1, -1]])


def dark_on_light(image: Image.Image) -> bool:
    """Whether the border is lighter than the middle of the picture's range; one flat tone counts as what it is."""
    thumb = _thumb(image)
    low, high = (thumb.min(), thumb.max()) if np.ptp(thumb) >= CONTRAST else (0.0, 255.0)
    return bool(np.median(frame(thumb)) > (low + high) / 2)


def levels(image: Image.Image) -> tuple[float, float]:
    """Lightness of the background with its unevenness, and of the brightest ink; on a light background, the whole range."""
    thumb = _thumb(image)
    if dark_on_light(image):
        return float(thumb.min()), float(thumb.max())
    border, high = frame(thumb), float(thumb.max())
    paper = float(np.median(border))
    return min(float(np.percentile(border, 95)), paper + 0.4 * (high - paper)), high


def ink_box(image: Image.Image) -> tuple[int, int, int, int] | None:
    """The box (left, top, right, bottom) around what is clearly lighter than the border; None where nothing is."""
    grey = image.convert("L")
    if min(grey.size) >= 128:
        grey = grey.filter(ImageFilter.MedianFilter(3))  # single specks of a photograph are not ink
    pixels = np.asarray(grey, np.float64)
    paper, high = float(np.median(frame(pixels))), float(pixels.max())
    if high - paper < CONTRAST:
        return None
    mask = pixels > paper + 0.1 * (high - paper)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
