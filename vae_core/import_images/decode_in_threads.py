"""Many pictures of a source, decoded by several threads and handed out in order. Pillow decodes without Python's global lock."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vae_core.array_types import Pixels
from vae_core.import_images.import_options import ImportOptions
from vae_core.import_images.source import Source
from vae_core.import_images.to_pixels import fitted, upright, why_unreadable

AT_ONCE = 32  # pictures a thread decodes before it hands them over


@dataclass(frozen=True)
class Decoded:
    """One picture of the source, or why there is none."""

    index: int
    pixels: Pixels | None = None  # (H, W, C)
    key: bytes = b""  # equal for pictures of equal size that look the same to the network
    size: tuple[int, int] = (0, 0)  # width and height in the file
    reason: str = ""


def decoded(source: Source, options: ImportOptions, order: NDArray[np.int64]) -> Generator[Decoded, None, None]:
    """The pictures `order` of the source, in that order."""
    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    parts = (order[start : start + AT_ONCE].tolist() for start in range(0, len(order), AT_ONCE))
    waiting: deque[Future[list[Decoded]]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="decode")
    try:
        for part in itertools.islice(parts, 2 * workers):
            waiting.append(pool.submit(_part, source, options, part))
        while waiting:
            yield from waiting.popleft().result()
            for part in itertools.islice(parts, 1):
                waiting.append(pool.submit(_part, source, options, part))
    finally:
        pool.shutdown(cancel_futures=True)


def _part(source: Source, options: ImportOptions, indices: list[int]) -> list[Decoded]:
    return [_one(source, options, index) for index in indices]


def _one(source: Source, options: ImportOptions, index: int) -> Decoded:
    try:
        image, size = upright(source.read(index), options.size)
        pixels = fitted(image, options)
    except Exception as error:
        return Decoded(index, reason=why_unreadable(error))
    key = hashlib.blake2b(pixels.data, digest_size=16, salt=b"%x %x" % size).digest()
    return Decoded(index, pixels, key, size)
