"""Published files of the built-in datasets, in the form in which they are read.

The sets in MNIST's own format stay as they are. All others become one array, as own datasets are kept (`own_datasets.py`):
training images in a fixed random order, then the test images, so that every split is a slice of a memory map. Nothing is
unpickled, and CelebA, dSprites and SVHN go from file to file in pieces: they need no more memory than some hundred images.
"""

from __future__ import annotations

import gzip
import io
import shutil
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vae_core.data.catalog import DatasetInfo
from vae_core.data.own_datasets import FACTORS, IMAGES, LABELS
from vae_core.errors import DataError

Report = Callable[[int, int], None]  # bytes written so far, bytes in all
Batch = tuple[NDArray[np.uint8], NDArray[np.int64]]  # images (n, C, H, W), labels (n,)

_ORDER_SEED = 5_771_204  # of the training images, once and for all
_MANY = 512  # images at once
_CELEBA_CROP = 148  # pixels of 178 x 218, around the middle, as most published models have them


def needed_bytes(info: DatasetInfo) -> int:
    """How large the converted files are."""
    return (info.training_images + info.test_images) * info.channels * info.height * info.width


def _idx(files: dict[str, Path], target: Path, info: DatasetInfo, report: Report) -> list[str]:
    """MNIST and the sets in its format: the four files, unpacked."""
    for number, (name, path) in enumerate(files.items(), start=1):
        with gzip.open(path) as packed, (target / name.removesuffix(".gz")).open("wb") as out:
            _copy(packed, out, name)
        report(number, len(files))
    return [name.removesuffix(".gz") for name in files]


def _copy(packed: gzip.GzipFile, out: IO[bytes], name: str) -> None:
    try:
        shutil.copyfileobj(packed, out)
    except (EOFError, zlib.error) as error:
        raise OSError(f"{name} is broken: {error}") from None


def _emnist(files: dict[str, Path], target: Path, info: DatasetInfo, report: Report) -> list[str]:
    """The balanced split: 47 classes, capital and small letters as one where they look alike. The file has rows for columns."""
    with zipfile.ZipFile(files["gzip.zip"]) as archive:
        return _write((_emnist_part(archive, part) for part in ("train", "test")), target, info, report)


def _emnist_part(archive: zipfile.ZipFile, part: str) -> Batch:
    names = (f"gzip/emnist-balanced-{part}-{kind}-ubyte.gz" for kind in ("images-idx3", "labels-idx1"))
    images, labels = (_read_idx(gzip.decompress(archive.read(name))) for name in names)
    return np.ascontiguousarray(images.transpose(0, 2, 1))[:, None], labels.astype(np.int64)


def _read_idx(content: bytes) -> NDArray[np.uint8]:
    _, kind, rank = struct.unpack(">HBB", content[:4])
    shape = struct.unpack(f">{rank}I", content[4 : 4 + 4 * rank])
    assert kind == 8, kind  # unsigned bytes; the archive's digest was checked
    return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(shape)


def _cifar10(files: dict[str, Path], target: Path, info: DatasetInfo, report: Report) -> list[str]:
    """Rows of a label and 3 x 32 x 32 values, in five files and one for the test."""
    row = np.dtype([("label", "u1"), ("image", "u1", (3, 32, 32))])

    def batches() -> Iterator[Batch]:
        with tarfile.open(files["cifar-10-binary.tar.gz"], "r:gz") as archive:
            members = {Path(member.name).name: member for member in archive.getmembers() if member.isfile()}
            for name in (*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"):
                file = archive.extractfile(members[name])
                assert file is not None
                rows = np.frombuffer(file.read(), dtype=row)
                yield rows["image"], rows["label"].astype(np.int64)

    return _write(batches(), target, info, report)


def _svhn(files: dict[str, Path], target: Path, info: DatasetInfo, report: Report) -> list[str]:
    """MATLAB arrays X (32, 32, 3, N), first index fastest, and y (N, 1) with 10 for the digit 0."""

    def batches() -> Iterator[Batch]:
        for path in files.values():
            labels = np.frombuffer(b"".join(_matlab_array(path, "y")), np.uint8).astype(np.int64) % 10
            at, left = 0, b""
            for piece in _matlab_array(path, "X"):
                left += piece
                count = len(left) // 3072
                images = np.frombuffer(left, np.uint8, count=count * 3072).reshape(count, 3, 32, 32).transpose(0, 1, 3, 2)
                yield np.ascontiguousarray(images), labels[at : at + count]
                at, left = at + count, left[count * 3072 :]

    return _write(batches(), target, info, report)


def _matlab_array(path: Path, name: str) -> Iterator[bytes]:
    """The bytes of an array of 8-bit integers in a MAT-file of version 5, in pieces (MathWorks, MAT-File Format, chapter 1)."""
    with path.open("rb") as file:
        file.seek(128)  # the header
        while len(tag := file.read(8)) == 8:
            kind, size = struct.unpack("<II", tag)
            begins = file.tell()
            inner: IO[bytes] = io.BufferedReader(_Inflated(file, size), 1 << 20) if kind == 15 else file  # miCOMPRESSED
            if kind == 15:
                inner.read(8)  # the tag of the array
            _, _, found = _element(inner), _element(inner), _element(inner)  # flags, shape, name
            if found == name.encode():
                kind, length = struct.unpack("<II", inner.read(8))
                if kind != 2 and kind >> 16 == 0:  # miUINT8
                    raise OSError(f"{path.name} holds {name} as type {kind} of MATLAB, not as bytes")
                yield from _pieces(inner, length)
                return
            file.seek(begins + size)
    raise OSError(f"{path.name} holds no array called {name}")


def _element(file: IO[bytes]) -> bytes:
    """A data element; one of at most four bytes stands in its own tag."""
    tag = file.read(8)
    kind, size = struct.unpack("<II", tag)
    if kind >> 16:
        return tag[4 : 4 + (kind >> 16)]
    content = file.read(size)
    file.read(-size % 8)
    return content


def _pieces(file: IO[bytes], length: int) -> Iterator[bytes]:
    while length and (piece := file.read(min(length, _MANY * 3072))):
        length -= len(piece)
        yield piece


class _Inflated(io.RawIOBase):
    """A zlib stream of so many bytes within a file, inflated as it is read."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file, self._left, self._inflate, self._waiting = file, size, zlib.decompressobj(), b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        content = b""
        while not content and (self._waiting or self._left):
            if not self._waiting:
                self._waiting = self._file.read(min(self._left, 1 << 16))
                self._left = self._left - len(self._waiting) if self._waiting else 0
            content = self._inflate.decompress(self._waiting, len(buffer))
            self._waiting = self._inflate.unconsumed_tail
        buffer[: len(content)] = content
        return len(content)


def _celeba(files: dict[str, Path], target: Path, info: DatasetInfo, report: Report) -> list[str]:
    """Photographs 000001.jpg to 202599.jpg, the authors' test part last; the middle 148 x 148 pixels of each, made smaller."""

    def batches() -> Iterator[Batch]:
        with zipfile.ZipFile(files["img_align_celeba.zip"]) as archive:
            names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
            for start in range(0, len(names), _MANY):
                pictures = [_face(archive.read(name), info) for name in names[start : start + _MANY]]
                yield np.stack(pictures), np.zeros(len(pictures), np.int64)

    return _write(batches(), target, info, report)


def _face(content: bytes, info: DatasetInfo) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(content)) as picture:
        left, top = (picture.width - _CELEBA_CROP) // 2, (picture.height - _CELEBA_CROP) // 2
        box = (left, top, left + _CELEBA_CROP, top + _CELEBA_CROP)
        small = picture.convert("RGB").resize((info.width, info.height), Image.Resampling.LANCZOS, box=box)
    return np.asarray(small).transpose(2, 0, 1)


def _dsprites(files: dict[str, Path], target: Path, info: DatasetInfo, report: Report) -> list[str]:
    """All combinations of five factors in order; which of them are test images is drawn with the fixed seed."""
    count = info.training_images + info.test_images
    with zipfile.ZipFile(next(iter(files.values()))) as archive:
        values = np.frombuffer(b"".join(_npy(archive, "latents_values")), np.float64).reshape(count, -1)[:, 1:]
        labels = values[:, 0].astype(np.int64) - 1  # 1 square, 2 ellipse, 3 heart
        row = info.height * info.width

        def batches() -> Iterator[Batch]:
            at = 0
            for piece in _npy(archive, "imgs", _MANY * row):
                images = np.frombuffer(piece, np.uint8).reshape(-1, 1, info.height, info.width) * np.uint8(255)
                yield images, labels[at : at + len(images)]
                at += len(images)

        places = np.random.default_rng(_ORDER_SEED).permutation(count)
        names = _write(batches(), target, info, report, places)
        factors = np.empty_like(values)
        factors[places] = values
        np.save(target / FACTORS, factors)
    return [FACTORS, *names]


def _npy(archive: zipfile.ZipFile, name: str, piece: int = 1 << 22) -> Iterator[bytes]:
    """The numbers of one array of an .npz in pieces of so many bytes. One that holds Python objects is never read."""
    with archive.open(f"{name}.npy") as file:
        version = np.lib.format.read_magic(file)
        assert version == (1, 0), version
        _, fortran, kind = np.lib.format.read_array_header_1_0(file)
        if fortran or kind.hasobject:
            raise OSError(f"{name} of the archive is not stored row by row")
        while content := file.read(piece):
            yield content


def _write(
    batches: Iterable[Batch], target: Path, info: DatasetInfo, report: Report, places: NDArray[Any] | None = None
) -> list[str]:
    """Images and labels as one array each, written as they come; the images' file counts, so it is named last.

    `places` says where each image goes; without it the training images are shuffled and the test images keep their order.
    """
    count, wrong = info.training_images + info.test_images, ""
    if places is None:
        shuffled = np.random.default_rng(_ORDER_SEED).permutation(info.training_images)
        places = np.concatenate([shuffled, np.arange(info.training_images, count)])
    images = np.lib.format.open_memmap(target / IMAGES, mode="w+", dtype=np.uint8, shape=(count, *info.image_shape))
    labels, at = np.zeros(count, np.int32), 0
    for pictures, kinds in batches:
        if at + len(pictures) > count or pictures.shape[1:] != info.image_shape:
            wrong = f"images {pictures.shape[1:]}, at least {at + len(pictures):,}"
            break
        here = places[at : at + len(pictures)]
        images[here], labels[here] = pictures, kinds
        at += len(pictures)
        report(at * images[0].nbytes, images.nbytes)
    if wrong or at != count:
        raise DataError(f"The files of {info.title} hold {wrong or f'{at:,} images'}; expected {count:,} of {info.image_shape}.")
    images.flush()
    np.save(target / LABELS, labels)
    return [LABELS, IMAGES]


Converter = Callable[[dict[str, Path], Path, DatasetInfo, Report], list[str]]
CONVERTERS: dict[str, Converter] = {
    "mnist": _idx,
    "fashion-mnist": _idx,
    "kmnist": _idx,
    "emnist": _emnist,
    "cifar10": _cifar10,
    "svhn": _svhn,
    "celeba": _celeba,
    "dsprites": _dsprites,
}
