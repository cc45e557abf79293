"""Arrays of pictures as a source: .npy, .npz; dSprites, Keras' and MedMNIST's layouts among them. Nothing pickled is opened.

An array is mapped into memory. One that is packed in its .npz is unpacked to a nameless file first, so that it needs no memory.
"""

from __future__ import annotations

import math
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from vae_core.array_types import Pixels
from vae_core.data.own_datasets import DSPRITES, own_root
from vae_core.errors import DataError
from vae_core.images.decode_upload import MAX_PIXELS
from vae_core.import_images.classes_from_names import set_classes
from vae_core.import_images.source import PARTS, Source
from vae_core.system.open_untrusted_file import open_regular

PICTURE_KEYS = ("imgs", "images", "pictures", "x", "data", "arr_0")
LABEL_KEYS = ("labels", "label", "y", "targets", "classes")
PART_KEYS = {"train": ("train", "training"), "validation": ("val", "valid", "validation"), "test": ("test",)}
DSPRITES_SHAPES = ("square", "ellipse", "heart")
MOST_FACTORS = 64
LOOKED_AT = 10_000_000  # numbers, from all over an array, that tell the range of all


@dataclass(frozen=True)
class Found:
    """An array with its labels, as a file holds them."""

    pictures: NDArray[Any]  # (N, H, W) or (N, H, W, C)
    labels: NDArray[Any] | None
    part: str = ""


class Arrays(Source):
    """Pictures of one or several arrays."""

    def __init__(self, name: str, found: Sequence[Found], files: Sequence[BinaryIO]) -> None:
        super().__init__()
        self._arrays, self._files = [one.pictures for one in found], files
        counts = [len(array) for array in self._arrays]
        self._starts = np.cumsum([0, *counts])
        self.names = _Numbers(name, sum(counts))
        low, high = _value_range(self._arrays)
        self._low, self._scale = low, 255 / (high - low)
        words = [[""] * len(one.pictures) if one.labels is None else _words(one.labels) for one in found]
        set_classes(self, [word for part in words for word in part])
        if any(one.part for one in found):
            self.parts = np.repeat([PARTS.index(one.part) for one in found], counts).astype(np.int8)

    def read(self, index: int) -> Pixels:
        """One picture, 0 to 255."""
        place = int(np.searchsorted(self._starts, index, "right")) - 1
        picture = self._arrays[place][index - self._starts[place]]
        if picture.dtype == np.uint8 and self._scale == 1:
            return np.asarray(picture)
        values = np.nan_to_num((picture.astype(np.float32) - self._low) * self._scale)
        return np.rint(np.clip(values, 0, 255)).astype(np.uint8)

    def close(self) -> None:
        """Closes the files behind the arrays."""
        self._arrays = []
        for file in self._files:
            file.close()


class _Numbers(Sequence[str]):
    """The names of an array's pictures, without a million strings."""

    def __init__(self, name: str, count: int) -> None:
        self._name, self._count = name, count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: Any) -> Any:
        return f"{self._name}[{range(self._count)[index]}]"


def _words(labels: NDArray[Any]) -> list[str]:
    return [str(value) for value in labels.tolist()]


def _value_range(arrays: Sequence[NDArray[Any]]) -> tuple[float, float]:
    """What becomes black and white, judged by pictures from all over the arrays."""
    steps = [max(1, array.size // LOOKED_AT) for array in arrays]
    parts = [np.asarray(array[::step], np.float32) for array, step in zip(arrays, steps, strict=True)]
    finite = [part[np.isfinite(part)] for part in parts]
    low = min((float(part.min()) for part in finite if part.size), default=0.0)
    high = max((float(part.max()) for part in finite if part.size), default=1.0)
    for usual in ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0), (0.0, 65535.0)):
        if usual[0] <= low and high <= usual[1]:
            return usual
    return (low, high) if high > low else (low, low + 1)


def open_npy(path: Path) -> Arrays:
    """A .npy file with pictures.

    Raises:
        DataError: it is broken or holds something else.
    """
    file = open_regular(path)
    try:
        return Arrays(path.name, [Found(_pictures(_mapped(file, path.name), path.name), None)], [file])
    except BaseException:
        file.close()
        raise


def open_npz(path: Path) -> Arrays:
    """An .npz file with pictures, and perhaps labels, factors, or parts for training, validation and test.

    Raises:
        DataError: it is broken or holds no pictures, or there is no room to unpack them.
    """
    files: list[BinaryIO] = []
    try:
        with zipfile.ZipFile(path) as archive:
            members = {name.removesuffix(".npy").lower(): name for name in archive.namelist() if name.endswith(".npy")}

            def array(key: str) -> NDArray[Any]:
                files.append(_unpacked(archive, members[key]))
                return _mapped(files[-1], f"{path.name}: {key}")

            return _opened(path.name, members.keys(), array, files)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, RuntimeError, NotImplementedError, EOFError, zlib.error) as error:
        for file in files:
            file.close()
        raise DataError(f"{path.name} is damaged ({str(error)[:100]}). Save it again with numpy.savez.") from None
    except BaseException:
        for file in files:
            file.close()
        raise


def _opened(name: str, keys: Any, array: Any, files: Sequence[BinaryIO]) -> Arrays:
    found = [
        Found(_pictures(array(pictures), f"{name}: {pictures}"), _labels(array(labels), labels) if labels else None, part)
        for part, pictures, labels in _chosen(keys)
    ]
    if not found:
        there = ", ".join(sorted(keys)[:10]) or "nothing"
        raise DataError(f"{name} holds {there}; the array of pictures has to be called {', '.join(PICTURE_KEYS)} or x_train.")
    for one in found:
        if one.labels is not None and len(one.labels) != len(one.pictures):
            raise DataError(f"{name} holds {len(one.pictures):,} pictures and {len(one.labels):,} labels: not as many.")
    source = Arrays(name, found, files)
    if len(found) == 1 and not found[0].part:
        _take_factors(source, keys, array)
    return source


def _chosen(keys: Any) -> list[tuple[str, str, str]]:
    """(part, key of the pictures, key of the labels or "")."""
    split = []
    for part, words in PART_KEYS.items():
        pictures, labels = (_both_ways(given, words) for given in (PICTURE_KEYS, LABEL_KEYS))
        split += [(part, key, next((key for key in labels if key in keys), "")) for key in pictures if key in keys][:1]
    if split and split[0][0] == "train":
        return split
    single = next((key for key in PICTURE_KEYS if key in keys), next(iter(keys)) if len(keys) == 1 else "")
    return [("", single, next((key for key in LABEL_KEYS if key in keys), ""))] if single else []


def _both_ways(given: Sequence[str], parts: Sequence[str]) -> list[str]:
    """x_train, and train_x."""
    return [joined for key in given for part in parts for joined in (f"{key}_{part}", f"{part}_{key}")]


def _take_factors(source: Arrays, keys: Any, array: Any) -> None:
    """Known factors, and of dSprites the shapes as classes."""
    if key := next((key for key in ("latents_values", "factors") if key in keys), ""):
        factors = np.asarray(array(key))
        fits = factors.ndim == 2 and len(factors) == source.count and factors.shape[1] <= MOST_FACTORS
        if not fits or factors.dtype.kind not in "iuf":
            raise DataError(f"{key} has shape {factors.shape}; expected a row of at most {MOST_FACTORS} numbers a picture.")
        if not np.isfinite(factors).all():
            raise DataError(f"{key} holds values that are no finite numbers. Leave {key} out, or give every picture a number.")
        dsprites = key == "latents_values" and factors.shape[1] == len(DSPRITES)
        source.factors, source.drop_duplicates = factors.astype(np.float64), False
        source.factor_names = DSPRITES if dsprites else tuple(f"factor {i + 1}" for i in range(factors.shape[1]))
        if dsprites and not source.classes and set(np.unique(factors[:, 1])) <= {1.0, 2.0, 3.0}:
            set_classes(source, [DSPRITES_SHAPES[int(shape) - 1] for shape in factors[:, 1]], DSPRITES_SHAPES)


def _labels(labels: NDArray[Any], key: str) -> NDArray[Any]:
    labels = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if labels.ndim != 1 or labels.dtype.kind not in "iubUSf":
        raise DataError(f"{key} has shape {labels.shape} and type {labels.dtype}; expected one number or word for each picture.")
    return np.char.decode(labels, "utf-8", "replace") if labels.dtype.kind == "S" else np.asarray(labels)


def _pictures(array: NDArray[Any], name: str) -> NDArray[Any]:
    """As (N, H, W) or (N, H, W, C)."""
    side = math.isqrt(array.shape[1]) if array.ndim == 2 else 0
    if array.ndim == 2 and side * side == array.shape[1]:
        array = array.reshape(-1, side, side)
    if array.ndim == 4 and array.shape[3] not in (1, 3, 4) and array.shape[1] in (1, 3, 4):
        array = array.transpose(0, 2, 3, 1)
    fits = array.ndim == 3 or (array.ndim == 4 and array.shape[3] in (1, 3, 4))
    if not fits or not array.size or math.prod(array.shape[1:3]) > MAX_PIXELS or array.dtype.kind not in "buif":
        raise DataError(
            f"{name} has shape {array.shape} and type {array.dtype}; pictures are N x height x width, or that with 1, 3 or 4 "
            "channels."
        )
    return array


def _mapped(file: BinaryIO, name: str) -> NDArray[Any]:
    try:
        file.seek(0)
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(file)
        if dtype.hasobject or not math.prod(shape):
            raise ValueError(f"it holds {'objects' if dtype.hasobject else 'nothing'}")
        return np.memmap(file, dtype, "r", file.tell(), shape, "F" if fortran else "C")
    except (ValueError, OSError, EOFError, OverflowError) as error:
        raise DataError(f"{name} cannot be read as an array ({str(error)[:200]}). Save it again with numpy.save.") from None


def _unpacked(archive: zipfile.ZipFile, member: str) -> BinaryIO:
    """A member of the archive as a nameless file beside the datasets, which is gone when it is closed."""
    own_root().mkdir(parents=True, exist_ok=True)
    needed, free = archive.getinfo(member).file_size, shutil.disk_usage(own_root()).free
    if needed > free:
        raise DataError(f"{member} unpacks to {needed / 1e9:,.1f} GB, the disk has {free / 1e9:,.1f} GB left. Free some space.")
    file: BinaryIO = tempfile.TemporaryFile(dir=own_root(), prefix=".unpacked-")  # noqa: SIM115 - the source closes it
    with archive.open(member) as packed:
        shutil.copyfileobj(packed, file, 2**20)  # zipfile ends at the size that was checked
    return file
