"""A person's own datasets as they lie in `VAE_DATA/own/NAME`: images, labels, renaming, deleting. No torch.

A folder holds images.npy (uint8, N x C x H x W), labels.npy (int32, N), dataset.json (`catalog.OwnRecord`) and, where they are
known, factors.npy (float64, N x F). Rows stand in the order validation, where folders gave one | training | test; each part was
shuffled when it was imported, so that a split is a slice of the memory map and nothing is copied. `import_images` writes them.
"""

from __future__ import annotations

import mmap
import os
import shutil
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vae_core.data.catalog import DATASETS, RECORD, DatasetInfo, OwnRecord, data_root, find_dataset, own_records
from vae_core.errors import DataError

IMAGES, LABELS, FACTORS = "images.npy", "labels.npy", "factors.npy"
BUILT_IN_FACTORS = {"dsprites": ("shape", "scale", "orientation", "posX", "posY")}  # columns; the colour is always white
DSPRITES = ("colour", "shape", "scale", "orientation", "x", "y")  # what imported arrays of its layout have
HEADER = 128  # bytes before the first pixel of images.npy
MAX_NAME = 60  # characters


@dataclass(frozen=True)
class OwnDataset:
    """One of a person's datasets: as the catalog has it, and how it was imported."""

    info: DatasetInfo
    record: OwnRecord
    bytes: int  # on the disk


def own_root() -> Path:
    """The folder of all own datasets, which may not exist yet."""
    return data_root() / "own"


def list_own() -> list[OwnDataset]:
    """Own datasets by name."""
    return [OwnDataset(record.info(name), record, size_on_disk(name)) for name, record in own_records().items()]


def size_on_disk(name: str) -> int:
    """Bytes of its files; 0 when there is none of this name."""
    folder = own_root() / name
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file()) if folder.is_dir() else 0


def check_own_name(name: str) -> str:
    """The name without outer spaces.

    Raises:
        DataError: it is empty, too long, does not start with a letter or digit, holds a character that paths give a meaning, or
            belongs to a built-in dataset.
    """
    name = " ".join(name.split()) if name.isprintable() else name
    if not name:
        raise DataError("The dataset needs a name, such as butterflies.")
    if len(name) > MAX_NAME:
        raise DataError(f"The name has {len(name)} characters; at most {MAX_NAME} are allowed. Choose a shorter one.")
    bad = sorted({letter for letter in name if letter in '/\\:*?"<>|' or not letter.isprintable()})
    if bad or not name[0].isalnum():
        wrong = f"holds {' '.join(map(repr, bad))}" if bad else f"starts with {name[0]!r}"
        raise DataError(f"The name {wrong}; begin with a letter or digit and use letters, digits, spaces and - _ . + ( ) only.")
    if name.casefold() in DATASETS:
        raise DataError(f"{name!r} is the name of a built-in dataset. Choose another name.")
    return name


def check_free(name: str) -> None:
    """No own dataset has this name, in whatever capitals, and nothing else lies there.

    Raises:
        DataError: one has.
    """
    if (own_root() / name).exists() or any(name.casefold() == other.casefold() for other in own_records()):
        raise DataError(f"There is already a dataset called {name!r}. Choose another name, or delete that one first.")


def rename_own(old: str, new: str) -> None:
    """Gives a dataset another name. Models and runs that know the old one still find it.

    Raises:
        DataError: there is no such dataset, or the new name cannot be used or is taken.
    """
    record, new = _existing(old), check_own_name(new)
    if new == old:
        return
    if new.casefold() != old.casefold():
        check_free(new)
    folder = own_root() / old
    names = tuple(dict.fromkeys(name for name in (*record.formerly, old) if name != new))
    beside = folder / f".{RECORD}.{os.getpid()}"
    try:
        beside.write_text(record.model_copy(update={"formerly": names}).model_dump_json(indent=1))
        beside.replace(folder / RECORD)
        folder.rename(own_root() / new)
    except OSError as error:
        raise DataError(f"{old} cannot be renamed: {(error.strerror or str(error)).lower()}.") from None


def delete_own(name: str) -> None:
    """Removes a dataset; it leaves the list in one step. Models that were trained on it stay and can be explored.

    Raises:
        DataError: there is no such dataset, or it cannot be removed.
    """
    _existing(name)
    gone = own_root() / f".deleted-{os.getpid()}-{time.time_ns()}"
    try:
        (own_root() / name).rename(gone)
    except OSError as error:
        raise DataError(f"{name} cannot be deleted: {(error.strerror or str(error)).lower()}.") from None
    shutil.rmtree(gone, ignore_errors=True)
    _mapped.cache_clear()  # the disk has its room back only when nobody maps the file any more


def _existing(name: str) -> OwnRecord:
    records = own_records()
    if name not in records:
        known = ", ".join(records) or "none yet"
        raise DataError(f"There is no dataset of your own called {name!r}; there are: {known}.")
    return records[name]


def is_whole(info: DatasetInfo, root: Path | None = None) -> bool:
    """Whether its files are there and as long as they have to be."""
    count = info.training_images + info.test_images
    folder = _folder(info, root)
    try:
        return (folder / IMAGES).stat().st_size == HEADER + count * _bytes_of_one(info) and (folder / LABELS).is_file()
    except OSError:
        return False


def arrays(info: DatasetInfo, root: Path | None = None) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images (N, C, H, W), memory-mapped, and labels (N,), in stored order. Nobody may write into the images.

    Raises:
        DataError: the files are missing or broken.
    """
    path = _folder(info, root) / IMAGES
    if not is_whole(info, root):
        again = "import" if info.own else "load"
        raise DataError(f"The images of {info.name} in {path.parent} are missing or cut short. Delete it and {again} it again.")
    try:
        found = path.stat()
        return _mapped(path, found.st_ino, found.st_mtime_ns, info.training_images + info.test_images, info.image_shape)
    except (OSError, ValueError) as error:
        raise DataError(f"The images of {info.name} cannot be read ({error}). Delete the dataset and import it again.") from None


@lru_cache(maxsize=8)
def _mapped(
    path: Path, _inode: int, _mtime: int, count: int, shape: tuple[int, int, int]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The map is private and counts as writable, so that torch takes it without a warning; it needs no memory of its own."""
    flags = mmap.MAP_PRIVATE | getattr(mmap, "MAP_NORESERVE", 0)
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, flags=flags, prot=mmap.PROT_READ | mmap.PROT_WRITE)
    images = np.frombuffer(mapped, np.uint8, offset=HEADER).reshape(count, *shape)
    labels = np.load(path.with_name(LABELS), allow_pickle=False).astype(np.int64)
    if labels.shape != (count,):
        raise ValueError(f"{count} images and labels of shape {labels.shape}")
    return images, labels


def test_factors(name: str, root: Path | None = None) -> tuple[tuple[str, ...], NDArray[np.float64]] | None:
    """Known factors of a dataset's test images: their names and (test images, F); None where none were kept."""
    info = find_dataset(name, root)
    if info is None or not info.array:
        return None
    names = own_records(root)[info.name].factors if info.own else BUILT_IN_FACTORS.get(info.name, ())
    path = _folder(info, root) / FACTORS
    if not names or not path.is_file():
        return None
    table = np.load(path, mmap_mode="r", allow_pickle=False)
    fits = table.shape == (info.training_images + info.test_images, len(names))
    return (names, np.array(table[info.training_images :], dtype=np.float64)) if fits else None


test_factors.__test__ = False  # type: ignore[attr-defined]  # pytest must not collect it where it is imported


def _folder(info: DatasetInfo, root: Path | None) -> Path:
    assert info.folder is not None, info.name
    return (data_root() if root is None else root) / info.folder


def _bytes_of_one(info: DatasetInfo) -> int:
    return info.channels * info.height * info.width
