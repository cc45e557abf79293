"""An uploaded file -> x in [0, 1] as a network wants it, with the list of steps taken. No torch.

A step is what a person can see and change: turned, laid on a background, grey, inverted, levelled, placed, resized. Every choice
left at "auto" is decided from the picture, and the decision is handed back. What cannot be used is an ImageError with a sentence,
whatever Pillow made of it. Limits are checked on the header, before a pixel is decoded.
Not covered: colour profiles are ignored, and of an animation or a stack only the first picture is read.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vae_core.data.catalog import Ink
from vae_core.images.lightness import array
from vae_core.images.open_upload import Picture, open_picture
from vae_core.images.preprocessing_steps import Step, Work
from vae_core.images.upload_options import UploadOptions


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
