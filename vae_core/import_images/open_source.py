"""Whatever a person gives, as a `Source`: a folder, a zip, an array, or several picture files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vae_core.import_images.source import Source


def open_source(paths: Path | Sequence[Path]) -> Source:
    """A folder, a zip, an .npz or .npy, or several picture files. Nothing is decoded yet.

    Raises:
        DataError: it is missing, of another kind, holds no picture, or is a zip that means harm.
    """
    raise NotImplementedError
