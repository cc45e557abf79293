"""Pictures as files: GIF, MP4, one PNG with all of them, NPZ. Pictures are uint8 (K, H, W, C); a file is bytes."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vae_core.array_types import Pixels
from vae_core.images.pixels import tiled, to_png

SHOWN = 280  # px: small pictures are enlarged to about this, in whole steps, without smoothing
MOST_PIXELS = 48_000_000  # of all pictures of one file, enlarged; with more pictures each is enlarged less
SECONDS = 3.0  # a film lasts one way, GIF and MP4 alike


def ticks(count: int, seconds: float = SECONDS) -> int:
    """How long each of `count` pictures is shown, in hundredths of a second, the unit of a GIF.

    Never below 2: viewers show a GIF that asks for less five times as slowly. Many pictures so take longer.
    """
    return max(2, round(100 * seconds / count))


def gif(pictures: Pixels, *, seconds: float = SECONDS) -> bytes:
    """A film to and fro that repeats for ever; `seconds` one way."""
    frames = (Image.fromarray(picture) for picture in _frames(pictures, there_and_back=True))
    file = io.BytesIO()
    duration = 10 * ticks(len(pictures), seconds)
    next(frames).save(file, "GIF", save_all=True, append_images=frames, duration=duration, loop=0)
    return file.getvalue()


def mp4(pictures: Pixels, *, seconds: float = SECONDS) -> bytes:
    """A film, H.264, from the first picture to the last, as long as a GIF takes one way."""
    import av  # brings its own ffmpeg; only this needs it

    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=Fraction(100, ticks(len(pictures), seconds)))
        # H.264 halves the colour resolution, so sides are even
        stream.height, stream.width = (side * _times(pictures, SHOWN) // 2 * 2 for side in pictures.shape[1:3])
        stream.pix_fmt = "yuv420p"
        for frame in _frames(pictures):
            even = np.ascontiguousarray(frame[: stream.height, : stream.width])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(even, format="rgb24")))
        container.mux(stream.encode())
    return file.getvalue()


def sheet(pictures: Pixels, *, columns: int | None = None, side: int = 0) -> bytes:
    """All pictures in rows on one PNG, about square unless `columns` is given; `side` enlarges each to about so many pixels."""
    times = _times(pictures, side)
    wanted = min(columns or math.ceil(math.sqrt(len(pictures))), len(pictures))
    return to_png(tiled(pictures.repeat(times, axis=1).repeat(times, axis=2), wanted))


def npz(z: NDArray[np.float32], pictures: Pixels) -> bytes:
    """`z` (K, D) and `pictures` (K, H, W, C) for NumPy."""
    file = io.BytesIO()
    np.savez_compressed(file, z=z, pictures=pictures)
    return file.getvalue()


def _times(pictures: Pixels, side: int) -> int:
    """How often each pixel is repeated, so that a picture has about `side` pixels and all together not too many."""
    count, height, width = pictures.shape[:3]
    return max(1, min(round(side / max(height, width)), math.isqrt(MOST_PIXELS // (count * height * width))))


def _frames(pictures: Pixels, *, there_and_back: bool = False) -> Iterator[Pixels]:
    """Each picture enlarged, (H, W, 3), one at a time."""
    times = _times(pictures, SHOWN)
    order = [*range(len(pictures)), *(range(len(pictures) - 2, 0, -1) if there_and_back else ())]
    for index in order:
        frame = pictures[index].repeat(times, axis=0).repeat(times, axis=1)
        yield frame.repeat(3, axis=2) if frame.shape[2] == 1 else frame
