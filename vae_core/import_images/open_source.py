"""Whatever a person gives, as a `Source`: a folder, a zip, an array, or several picture files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vae_core.errors import DataError
from vae_core.import_images.arrays import open_npy, open_npz
from vae_core.import_images.files_and_folders import open_files, open_folder
from vae_core.import_images.source import Source
from vae_core.import_images.zip_files import Zip, is_zip

_ONE_AT_A_TIME = "One zip or array at a time can be imported; zip them together, or give picture files."


def open_source(paths: Path | Sequence[Path]) -> Source:
    """A folder, a zip, an .npz or .npy, or several picture files. Nothing is decoded yet.

    Raises:
        DataError: it is missing, of another kind, holds no picture, or is a zip that means harm.
    """
    given = [Path(paths)] if isinstance(paths, (str, Path)) else [Path(path) for path in paths]
    if not given:
        raise DataError("There is nothing to import: give a folder, a zip, an .npz or .npy, or picture files.")
    try:
        if len(given) > 1:
            if any(path.suffix.lower() in (".zip", ".npz", ".npy") or path.is_dir() for path in given):
                raise DataError(_ONE_AT_A_TIME)
            return open_files(given)
        return _open_one(given[0])
    except OSError as error:
        raise DataError(f"{given[0]} cannot be read: {(error.strerror or str(error)).lower()}.") from None


def _open_one(path: Path) -> Source:
    if path.is_dir():
        return open_folder(path)
    if path.suffix.lower() == ".npy":
        return open_npy(path)
    if path.suffix.lower() == ".npz":
        return open_npz(path)
    return Zip(path) if is_zip(path) else open_files([path])
