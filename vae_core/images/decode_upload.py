"""Uploaded bytes -> one Pillow image, or a sentence. The only place that meets hostile bytes.

Bounded are the bytes of the file, each side and the number of pixels, all before a pixel is decoded, and how many files are
decoded at once.
"""

from __future__ import annotations

import io
import math
import threading
from contextlib import nullcontext
from dataclasses import dataclass, field

from PIL import Image

from vae_core.errors import ImageError

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
MAX_BYTES = 32 * 2**20
MAX_PIXELS = 50_000_000  # a 50-megapixel photograph; as RGB it takes 150 MB for a moment
MAX_SIDE = 20_000  # readers work line by line, and a line costs however short it is
WORK = 1024  # pixels, longest side that the steps work on; a larger picture is box-averaged down first
WORK_PIXELS = 2_000_000  # for very long pictures, whose short side would get too small by the rule above
AT_ONCE = 2  # pictures decoded at a time; the largest take about half a gigabyte for a moment
LARGE = 4_000_000  # pixels; many smaller ones may be decoded at once when they are imported

_ORIENTATION = 0x0112  # EXIF tag
UPRIGHT = {  # EXIF orientation -> what makes it upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,  # Pillow turns counter-clockwise
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_OTHER_FILES = {  # first bytes -> what a person may have uploaded instead
    b"%PDF": "It looks like a PDF document. ",
    b"PK\3\4": "It looks like a ZIP archive or an Office document. ",
    b"<svg": "It looks like an SVG drawing. ",
    b"<?xml": "It looks like an SVG drawing or another XML file. ",
    b"<": "It looks like a web page. ",
}


_decoding = threading.BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True)
class Picture:
    """A decoded upload, no larger than the steps need; it may be kept and used again and again."""

    image: Image.Image = field(repr=False)
    orientation: int  # EXIF, still to be applied; 1: none
    words: str  # what the file was
    size: tuple[int, int]  # width and height in the file


def open_picture(data: bytes, short_side: int | None = None) -> Picture:
    """The first picture of a file.

    Args:
        short_side: pixels that are enough there; a larger picture is averaged down by a whole number, a JPEG while it is
            decoded, which saves most of the time. None: as much as the steps for an upload need.

    Raises:
        ImageError: too large, empty, truncated, or not an image.
    """
    if not data:
        raise ImageError("The file is empty (0 bytes). Choose an image file.")
    if len(data) > MAX_BYTES:
        raise ImageError(f"The file has {len(data) / 2**20:.0f} MB; at most {MAX_BYTES // 2**20} MB are read. Save it smaller.")
    # Pillow's readers meet hostile bytes here and raise whatever their parsers ran into (OSError, SyntaxError, ValueError,
    # struct.error, EOFError, KeyError, ...), so everything is caught, here only.
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ImageError(_too_many_pixels("far too many")) from None
    except Exception as error:
        raise ImageError(_not_an_image(data)) from error
    if image.width * image.height > MAX_PIXELS:
        raise ImageError(_too_many_pixels(f"{image.width} x {image.height}"))
    if max(image.size) > MAX_SIDE:
        size = f"{image.width} x {image.height} pixels"
        raise ImageError(f"The image has {size}; at most {MAX_SIDE:,} on each side are read. Cut it or scale it down first.")
    small = short_side is not None and image.width * image.height <= LARGE
    with nullcontext() if small else _decoding:
        return _load(image, short_side)


def _load(image: Image.Image, short_side: int | None) -> Picture:
    words, size, enough = f"{image.format}, {image.width} × {image.height}", image.size, short_side or WORK
    try:
        orientation = _orientation(image)
        image.draft(image.mode, (enough, enough))  # JPEG only: decodes at 1/2, 1/4 or 1/8 where that is still enough
        image.load()
        pixels = _plain(image)
    except Exception as error:
        raise ImageError(f"The {image.format} file is damaged or cut short; save or export it again.") from error
    if image.format == "TIFF" and orientation in UPRIGHT:  # Pillow has turned it while loading; undone, so that one rule holds
        pixels = pixels.transpose(UPRIGHT[{6: 8, 8: 6}.get(orientation, orientation)])
    small = reduced(pixels) if short_side is None else _reduced_to(pixels, short_side)
    return Picture(small, orientation, words, size)


def _plain(image: Image.Image) -> Image.Image:
    """As L, RGB, RGBA, or what has more than 8 bits (I, F): palettes, masks and print colours are dissolved."""
    if image.mode in ("L", "RGB", "RGBA") and "transparency" not in image.info:
        return image
    if image.mode.startswith(("I", "F")):
        return image.convert("I") if image.mode.startswith("I;") else image
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image.convert("L" if image.mode == "1" else "RGB")


def _too_many_pixels(size: str) -> str:
    return f"The image has {size} pixels; at most {MAX_PIXELS // 10**6} million are read. Scale it down first."


def _not_an_image(data: bytes) -> str:
    if data[4:8] == b"ftyp":
        guess = "It looks like a HEIC or AVIF photograph or a film; export it as JPEG. "
    else:
        guess = next((words for magic, words in _OTHER_FILES.items() if data.lstrip()[: len(magic)].lower() == magic.lower()), "")
    return f"The file is not an image that can be read. {guess}PNG, JPEG, WebP, GIF, BMP and TIFF files work."


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # a damaged EXIF block must not cost the picture
        return 1


def _reduced_to(image: Image.Image, short_side: int) -> Image.Image:
    factor = min(image.size) // short_side
    return image.reduce(factor) if factor > 1 and not image.mode.startswith(("I", "F")) else image


def reduced(image: Image.Image) -> Image.Image:
    """Box-averaged by a whole number so that the longest side is near WORK, unless the short side would get too small."""
    factor = min(max(image.size) // WORK, min(image.size) // 256)
    factor = max(factor, math.isqrt(image.width * image.height // WORK_PIXELS))
    return image.reduce(factor) if factor > 1 else image
