"""Datasets by name as uint8 tensors with a fixed split and a digest; batches by index; downloads.

torchvision is imported only to download (it costs a second). Everything about one dataset sits in memory once, as uint8, a
person's own as a memory map: the training loop picks a batch with one index operation and converts it where the model lies.
"""

from __future__ import annotations

import hashlib
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from vae_core.data import own_datasets, procedural_shapes
from vae_core.data.catalog import DatasetInfo, data_root, dataset_info
from vae_core.data.stored_images import available, idx_split
from vae_core.errors import DataError

Progress = Callable[[str, int, int], None]  # what is being loaded, bytes so far, bytes in all (0: unknown)

_SPLIT_SEED = 13_126_114  # chooses the validation images, once and for all
_SILENT_SECONDS = 20.0  # a download that sends nothing for so long has failed
_download_lock = threading.Lock()


@dataclass(frozen=True)
class Split:
    """Images uint8 (N, C, H, W) and labels int64 (N,)."""

    images: torch.Tensor
    labels: torch.Tensor

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Dataset:
    """A dataset cut into three parts; two of equal digest hold the same pixels in the same parts."""

    info: DatasetInfo
    train: Split
    validation: Split
    test: Split
    digest: str  # sha256, hex


def load(
    name: str, validation: int, limit: int | None = None, *, root: Path | None = None, progress: Progress | None = None
) -> Dataset:
    """The dataset called `name`, with so many images kept aside for validation; downloads it when its files are not there.

    The validation images are drawn from the training images with a fixed seed; the training images follow in a fixed shuffled
    order, so `limit` takes a fair sample. The test set keeps the order of its file.

    Raises:
        DataError: the files are missing and cannot be downloaded, are broken, or there are too few images for the split.
    """
    info = dataset_info(name, root)
    if info.own:
        return _slices(info, validation, limit, root)
    if info.folder is None:
        train, test = _draw_shapes()
    else:
        if not available(info.name, root):
            download(info, data_root() if root is None else root, progress)
        train, test = (_idx_pair(info.name, part, root) for part in ("train", "test"))
    return _cut(info, train, test, validation, limit)


_Pair = tuple[NDArray[np.uint8], NDArray[np.int64]]  # images (N, C, H, W), labels (N,)


def _slices(info: DatasetInfo, validation: int, limit: int | None, root: Path | None) -> Dataset:
    """The parts of an own dataset: slices of its memory map, which copy nothing."""
    images, labels = (torch.from_numpy(array) for array in own_datasets.arrays(info, root))
    start, end = info.held_out(validation), info.training_images
    parts = [slice(start, end if limit is None else min(start + limit, end)), slice(0, start), slice(end, None)]
    digest = hashlib.sha256(f"{info.images_digest} {[(part.start, part.stop) for part in parts]}".encode()).hexdigest()
    training, held, testing = (Split(images[part], labels[part]) for part in parts)
    return Dataset(info, training, held, testing, digest)


def _draw_shapes() -> tuple[_Pair, _Pair]:
    train, train_table = procedural_shapes.make(procedural_shapes.TRAIN_COUNT, procedural_shapes.TRAIN_SEED)
    test, test_table = procedural_shapes.make(procedural_shapes.TEST_COUNT, procedural_shapes.TEST_SEED)
    return (train, train_table[:, 0].astype(np.int64)), (test, test_table[:, 0].astype(np.int64))


def _idx_pair(name: str, part: str, root: Path | None) -> _Pair:
    images, labels = idx_split(name, part, root)
    return np.asarray(images)[:, None], np.asarray(labels).astype(np.int64)


def _cut(info: DatasetInfo, train: _Pair, test: _Pair, validation: int, limit: int | None) -> Dataset:
    count = len(train[0])
    if validation >= count:
        raise DataError(
            f"{info.title} has {count} training images, too few to hold out {validation} for validation; "
            f"hold out at most {count - 1}."
        )
    order = np.random.default_rng(_SPLIT_SEED).permutation(count)
    held_out, kept = order[: validation], order[validation :][: limit]
    parts = [(train[0][kept], train[1][kept]), (train[0][held_out], train[1][held_out]), (test[0].copy(), test[1])]
    training, held, testing = (Split(torch.from_numpy(images), torch.from_numpy(labels)) for images, labels in parts)
    return Dataset(info, training, held, testing, _digest(info.name, parts))


def _digest(name: str, parts: list[_Pair]) -> str:
    """sha256 over the name and each part's shape, pixels and labels, in order."""
    hasher = hashlib.sha256(name.encode())
    for images, labels in parts:
        hasher.update(repr(images.shape).encode())
        hasher.update(np.ascontiguousarray(images).data)
        hasher.update(labels.astype("<i8").data)
    return hasher.hexdigest()


def batches(n: int, batch_size: int, generator: torch.Generator | None = None) -> Iterator[torch.Tensor]:
    """Index tensors (<= batch_size,) that cover 0..n-1 once: shuffled by the generator, or in order without one."""
    order = torch.arange(n) if generator is None else torch.randperm(n, generator=generator, device=generator.device)
    yield from order.split(batch_size)


def to_float(images: torch.Tensor) -> torch.Tensor:
    """uint8 to x in [0, 1], float32, same shape and device."""
    return images.to(torch.float32).div_(255)


def download(info: DatasetInfo, root: Path, progress: Progress | None = None) -> None:
    """Fetch a dataset through torchvision into `root`. It appears there whole or not at all.

    Raises:
        DataError: no network, a bad checksum, or no room.
    """
    from torchvision.datasets import MNIST, FashionMNIST  # a second of imports that nothing else needs

    source = {"mnist": MNIST, "fashion-mnist": FashionMNIST}[info.name]
    assert info.folder is not None, info.name
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root, prefix=".loading-") as staging, _reporting(info, progress):
            source(staging, download=True)
            _move(Path(staging) / info.folder / "raw", root / info.folder / "raw")
    except (OSError, RuntimeError) as error:  # torchvision: RuntimeError after its last mirror; URLError is an OSError
        reason = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
        raise DataError(
            f"{info.title} is not in {root} and could not be downloaded ({reason}). Connect to a network and try again, put its "
            f"files there in torchvision's layout, or choose shapes, which needs no download."
        ) from error


def _move(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for path in source.glob("*-ubyte"):  # not the archives they came in
        path.replace(target / path.name)


class _reporting:  # noqa: N801 - used as a verb: `with _reporting(...)`
    """While it lasts, torchvision's progress bars feed `progress` and a silent connection times out.

    torchvision offers no callback and no timeout; its bar is one name in one module, so that name is lent out, under a lock.
    """

    def __init__(self, info: DatasetInfo, progress: Progress | None) -> None:
        self._title, self._progress = info.title, progress

    def __enter__(self) -> None:
        from torchvision.datasets import utils

        _download_lock.acquire()
        self._utils, self._bar, self._timeout = utils, getattr(utils, "tqdm", None), socket.getdefaulttimeout()
        socket.setdefaulttimeout(_SILENT_SECONDS)
        utils.tqdm = self._make_bar

    def __exit__(self, *_: object) -> None:
        self._utils.tqdm = self._bar
        socket.setdefaulttimeout(self._timeout)
        _download_lock.release()

    def _make_bar(self, *_: object, total: int | None = None, **__: object) -> _Bar:
        return _Bar(self._title, total or 0, self._progress)


class _Bar:
    """The four methods of tqdm that torchvision uses."""

    def __init__(self, title: str, total: int, progress: Progress | None) -> None:
        self._title, self._total, self._done, self._progress = title, total, 0, progress

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def update(self, count: int) -> None:
        """`count` more bytes have arrived."""
        self._done += count
        if self._progress is not None:
            self._progress(self._title, self._done, self._total)
