"""The pictures a run has left last, as its panel shows them; what is no such file is as if there were none."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np

from vae_core.images import Pixels
from vae_core.system.open_untrusted_file import read_regular

MAX_BYTES = 16 << 20  # twenty pictures of 256 x 256 in colour take 8 MB
NAMES = ("inputs", "reconstructions", "samples")


def read(path: Path) -> dict[str, Pixels] | None:
    """Pictures (K, H, W, C) by name; None before the first. The file is replaced whole, so it is never half there."""
    try:
        data = io.BytesIO(read_regular(path, MAX_BYTES))
        if sum(part.file_size for part in zipfile.ZipFile(data).infolist()) > MAX_BYTES:
            return None
        with np.load(data, allow_pickle=False) as arrays:
            pictures = {name: arrays[name] for name in NAMES}
    except (OSError, ValueError, KeyError, EOFError, MemoryError, NotImplementedError, zipfile.BadZipFile):
        return None
    return pictures if all(map(_are_pictures, pictures.values())) else None


def _are_pictures(array: np.ndarray) -> bool:
    return array.dtype == np.uint8 and array.ndim == 4 and array.shape[3] in (1, 3) and min(array.shape) > 0
