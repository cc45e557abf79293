"""Pictures as files: GIF, MP4, one PNG with all of them, NPZ. Pictures are uint8 (K, H, W, C); a file is bytes."""

from __future__ import annotations

import io
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Bytes = NDArray[np.uint8]

SHOWN = 280  # px: small pictures are enlarged to about this, in whole steps, without smoothing
GAP = 2  # px between the pictures of a sheet


def gif(pictures: Bytes, *, seconds: float = 2.0) -> bytes:
    """A film to and fro that repeats for ever; `seconds` one way."""
    frames = [Image.fromarray(picture) for picture in _rgb(_enlarged(pictures, SHOWN))]
    there_and_back = frames + frames[-2:0:-1]
    file = io.BytesIO()
    duration = max(20, round(1000 * seconds / len(frames)))  # viewers slow down what is quicker than 20 ms
    there_and_back[0].save(file, "GIF", save_all=True, append_images=there_and_back[1:], duration=duration, loop=0)
    return file.getvalue()


def mp4(pictures: Bytes, *, seconds: float = 2.0) -> bytes:
    """A film, H.264, from the first picture to the last."""
    import av  # brings its own ffmpeg; only this needs it

    frames = _rgb(_enlarged(pictures, SHOWN))
    frames = frames[:, : frames.shape[1] // 2 * 2, : frames.shape[2] // 2 * 2]  # H.264 halves the colour resolution
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=max(1, round(len(frames) / seconds)))
        stream.height, stream.width, stream.pix_fmt = frames.shape[1], frames.shape[2], "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        container.mux(stream.encode())
    return file.getvalue()


def sheet(pictures: Bytes, *, columns: int | None = None, side: int = 0) -> bytes:
    """All pictures in rows on one PNG, about square unless `columns` is given; `side` enlarges each to about so many pixels."""
    return png(tiled(_enlarged(pictures, side), columns or math.ceil(math.sqrt(len(pictures)))))


def tiled(pictures: Bytes, columns: int) -> Bytes:
    """Pictures in rows with a thin gap between them, uint8 (H', W', C)."""
    count, height, width, channels = pictures.shape
    rows = math.ceil(count / columns)
    page = np.zeros((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, channels), np.uint8)
    for i, picture in enumerate(pictures):
        top, left = i // columns * (height + GAP), i % columns * (width + GAP)
        page[top : top + height, left : left + width] = picture
    return page


def png(picture: Bytes) -> bytes:
    """One picture uint8 (H, W, C) as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture).save(file, "PNG")
    return file.getvalue()


def npz(z: NDArray[np.float32], pictures: Bytes) -> bytes:
    """`z` (K, D) and `pictures` (K, H, W, C) for NumPy."""
    file = io.BytesIO()
    np.savez_compressed(file, z=z, pictures=pictures)
    return file.getvalue()


def _enlarged(pictures: Bytes, side: int) -> Bytes:
    times = max(1, round(side / max(pictures.shape[1:3])))
    return pictures.repeat(times, axis=1).repeat(times, axis=2)


def _rgb(pictures: Bytes) -> Bytes:
    return pictures.repeat(3, axis=3) if pictures.shape[3] == 1 else pictures
