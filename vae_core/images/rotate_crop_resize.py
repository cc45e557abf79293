"""An uploaded file -> x in [0, 1] as a network wants it, with the list of steps taken. No torch.

A step is what a person can see and change: turned, laid on a background, grey, inverted, levelled, placed, resized. Every choice
left at "auto" is decided from the picture, and the decision is handed back. What cannot be used is an ImageError with a sentence,
whatever Pillow made of it. Limits are checked on the header, before a pixel is decoded.
Not covered: colour profiles are ignored, and of an animation or a stack only the first picture is read.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops

from vae_core.data.catalog import Ink
from vae_core.images import detect_ink
from vae_core.images.decode_upload import UPRIGHT, Picture, open_picture
from vae_core.images.detect_ink import Pixels
from vae_core.images.upload_options import UploadOptions

_CLOCKWISE = {"90": UPRIGHT[6], "180": UPRIGHT[3], "270": UPRIGHT[8]}


@dataclass(frozen=True)
class Step:
    """One thing done to the picture: a word or two, how exactly, and the result as a small picture (h, w, 1 or 3)."""

    name: str
    detail: str
    preview: Pixels = field(repr=False)


class Work:
    """The picture on its way through the steps."""

    def __init__(self, picture: Picture, options: UploadOptions) -> None:
        self.image, self.orientation, self.chosen = picture.image, picture.orientation, options
        self.steps: list[Step] = []
        self._brighten = False
        self._note("file", picture.words)

    def _note(self, name: str, detail: str) -> None:
        self.steps.append(Step(name, detail, detect_ink.preview(self.image)))

    def _do(self, image: Image.Image, name: str, detail: str) -> None:
        self.image = image
        self._note(name, detail)

    def turn(self) -> None:
        """As EXIF says, or by the angle asked for, from what the file holds."""
        rotate = self.chosen.rotate
        if rotate == "auto" and self.orientation in UPRIGHT:
            self._do(
                self.image.transpose(UPRIGHT[self.orientation]), "turned", f"as its EXIF orientation {self.orientation} says"
            )
        elif rotate in _CLOCKWISE:
            self._do(self.image.transpose(_CLOCKWISE[rotate]), "turned", f"{rotate}° clockwise")

    def scale_depth(self) -> None:
        """16-bit, 32-bit and floating-point pixels to 8 bits; Pillow's own conversion would clip them."""
        if not self.image.mode.startswith(("I", "F")):
            return
        values = np.nan_to_num(np.asarray(self.image, np.float32), posinf=0.0, neginf=0.0)
        low, high = detect_ink.value_range(values, sixteen=self.image.mode.startswith("I"))
        scaled = Image.fromarray(np.rint(np.clip((values - low) / (high - low), 0, 1) * 255).astype(np.uint8))
        self._do(scaled, "8 bits", f"values {low:g} to {high:g} become 0 to 255")

    def flatten(self) -> None:
        """Transparent pixels get a background: black behind light content, white behind dark."""
        if not self.image.has_transparency_data:
            return
        image, colour = self.image.convert("RGBA"), self.chosen.background
        if colour == "auto":
            colour = "black" if detect_ink.lightness_of_opaque(image) >= 0.5 else "white"
            self.chosen = replace(self.chosen, background=colour)
        paper = Image.new("RGBA", image.size, colour)
        self._do(Image.alpha_composite(paper, image).convert("RGB"), f"on {colour}", "what was transparent")

    def recolour(self, channels: int) -> None:
        """To as many channels as the network has; grey stored as colour is not worth a step."""
        if channels == 1 and detect_ink.has_colour(self.image):
            self._do(self.image.convert("L"), "grey", "its colours by their brightness")
        elif channels == 3 and self.image.mode == "L":
            self._do(self.image.convert("RGB"), "colour", "three equal channels")
        self.image = self.image.convert("L" if channels == 1 else "RGB")

    def invert(self, ink: Ink | None) -> None:
        """Light ink on dark, where the network's images are like that."""
        if self.chosen.invert == "auto":
            self.chosen = replace(self.chosen, invert="yes" if ink is not None and detect_ink.dark_on_light(self.image) else "no")
        if self.chosen.invert == "yes":
            self._do(ImageChops.invert(self.image), "inverted", "dark and light changed places")

    def level(self, ink: Ink | None) -> None:
        """Grey paper to black and pale ink to white, by a straight line; a clean picture is left alone."""
        low, high = detect_ink.levels(self.image)
        self._brighten = self.chosen.levels == "yes" or (self.chosen.levels == "auto" and ink is not None)
        if self.chosen.levels == "auto":
            unclean = high - low >= detect_ink.CONTRAST and (low > 8 or high < 230)
            self.chosen = replace(self.chosen, levels="yes" if ink is not None and unclean else "no")
        if self.chosen.levels == "yes" and high > low:
            self._do(_stretched(self.image, low, high), "levelled", f"{low:.0f} becomes black, {high:.0f} white")

    def place(self, height: int, width: int, ink: Ink | None) -> None:
        """Crop or pad to the network's shape, then resize."""
        fit = self.chosen.fit
        if fit == "auto":
            fit = self._fitting(height, width, ink)
            self.chosen = replace(self.chosen, fit=fit)
        if fit == "crop to the ink":
            self._crop_to_ink(height, width, ink or Ink(share=1.0, centre="box"))
        elif fit == "centre crop":
            self._crop(largest_box(self.image.size, height, width), "the largest middle part of the right shape")
        elif fit == "pad":
            self._pad(height, width)
        if self.image.size != (width, height):
            before = f"from {self.image.width} × {self.image.height}"
            self._do(self.image.resize((width, height), resampling(self.image, height, width)), f"{width} × {height}", before)

    def _fitting(self, height: int, width: int, ink: Ink | None) -> Literal["crop to the ink", "centre crop", "stretch"]:
        if self.image.size == (width, height):
            return "stretch"  # which leaves it as it is
        if ink is not None:
            return "crop to the ink"
        return "stretch" if self.image.width * height == self.image.height * width else "centre crop"

    def _crop(self, box: tuple[int, int, int, int], detail: str) -> None:
        if box != (0, 0, *self.image.size):
            self._do(self.image.crop(box), "cropped", detail)

    def _pad(self, height: int, width: int) -> None:
        scale = min(width / self.image.width, height / self.image.height)
        small = _scaled(self.image, scale)
        colour = tuple(int(value) for value in np.median(detect_ink.frame(detect_ink.array(self.image)), axis=0))
        canvas = Image.new(self.image.mode, (width, height), colour if len(colour) > 1 else colour[0])
        canvas.paste(small, ((width - small.width) // 2, (height - small.height) // 2))
        self._do(canvas, f"{width} × {height}", "all of it, padded with the colour of its edge")

    def _crop_to_ink(self, height: int, width: int, ink: Ink) -> None:
        box = detect_ink.ink_box(self.image)
        if box is None:
            self._note("no ink", "nothing stands out, so nothing is cropped")
            return
        self._crop(box, "to the ink")
        small = _scaled(self.image, ink.share * min(height, width) / max(self.image.size))
        if self._brighten:  # thin strokes fade when averaged down
            small = _stretched(small, 0, max(1, int(np.max(np.asarray(small)))))
        canvas = Image.new(self.image.mode, (width, height))
        canvas.paste(small, _corner(small, height, width, ink.centre))
        where = "centred by its mass" if ink.centre == "mass" else "in the middle"
        self._do(canvas, f"{width} × {height}", f"the ink fitted into {max(small.size)} pixels, {where}")


def _stretched(image: Image.Image, low: float, high: float) -> Image.Image:
    """`low` becomes 0 and `high` 255, by a straight line."""
    table = [round(min(max((value - low) / (high - low), 0), 1) * 255) for value in range(256)]
    return image.point(table * len(image.getbands()))


def _scaled(image: Image.Image, scale: float) -> Image.Image:
    width, height = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image.resize((width, height), resampling(image, height, width))


def resampling(image: Image.Image, height: int, width: int) -> Image.Resampling:
    """Pillow's filters average over all source pixels when shrinking; a tiny picture is shown as the squares it has."""
    grows = width >= 4 * image.width and height >= 4 * image.height
    return Image.Resampling.NEAREST if grows else Image.Resampling.BICUBIC


def _corner(small: Image.Image, height: int, width: int, centre: Literal["mass", "box"]) -> tuple[int, int]:
    """Where its upper left corner goes, (x, y), so that its centre is the canvas's and all of it stays inside."""
    middle_x, middle_y = small.width / 2, small.height / 2
    weights = np.asarray(small.convert("L"), np.float64)
    if centre == "mass" and weights.any():
        middle_x = float(weights.sum(0) @ (np.arange(small.width) + 0.5) / weights.sum())
        middle_y = float(weights.sum(1) @ (np.arange(small.height) + 0.5) / weights.sum())
    x, y = round(width / 2 - middle_x), round(height / 2 - middle_y)
    return min(max(x, 0), width - small.width), min(max(y, 0), height - small.height)


def largest_box(size: tuple[int, int], height: int, width: int) -> tuple[int, int, int, int]:
    """The largest middle part of these proportions: left, top, right, bottom."""
    scale = min(size[0] / width, size[1] / height)
    w, h = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = (size[0] - w) // 2, (size[1] - h) // 2
    return left, top, left + w, top + h


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
    pixels = detect_ink.array(work.image)
    return Upload(np.ascontiguousarray(pixels.transpose(2, 0, 1), np.float32) / np.float32(255), tuple(work.steps), work.chosen)
