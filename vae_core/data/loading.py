"""Datasets by name as uint8 tensors with a fixed split and a digest; batches by index.

Everything about one dataset sits in memory once, as uint8, or is a memory map where it is kept as one array: the training loop
picks a batch with one index operation and converts it where the model lies.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from vae_core.data import own_datasets, procedural_shapes
from vae_core.data.catalog import DatasetInfo, dataset_info
from vae_core.data.download_sources import SOURCES
from vae_core.data.downloads import Progress, download
from vae_core.data.stored_images import available, idx_split
from vae_core.errors import DataError

_SPLIT_SEED = 13_126_114  # chooses the validation images, once and for all


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
    order, so `limit` takes a fair sample. The test set keeps the order of its file. Of a set that is kept as one array, whose
    training images were shuffled once and for all, the parts are slices, so that nothing is copied.

    Raises:
        DataError: the files are missing and cannot be downloaded, are broken, or there are too few images for the split.
    """
    info = dataset_info(name, root)
    if not info.own and not available(info.name, root):
        download(info, root, progress)
    if info.array:
        return _slices(info, validation, limit, root)
    train, test = (_idx_pair(info.name, part, root) for part in ("train", "test")) if info.folder else _draw_shapes()
    return _cut(info, train, test, validation, limit)


_Pair = tuple[NDArray[np.uint8], NDArray[np.int64]]  # images (N, C, H, W), labels (N,)


def _slices(info: DatasetInfo, validation: int, limit: int | None, root: Path | None) -> Dataset:
    """The parts of a dataset that is kept as one array: slices of its memory map, which copy nothing."""
    images, labels = (torch.from_numpy(array) for array in own_datasets.arrays(info, root))
    start, end = info.held_out(validation), info.training_images
    _check_split(info, start, end)
    parts = [slice(start, end if limit is None else min(start + limit, end)), slice(0, start), slice(end, None)]
    of_images = info.images_digest or " ".join(file.md5 for file in SOURCES[info.name].files)
    digest = hashlib.sha256(f"{of_images} {[(part.start, part.stop) for part in parts]}".encode()).hexdigest()
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
    _check_split(info, validation, count)
    order = np.random.default_rng(_SPLIT_SEED).permutation(count)
    held_out, kept = order[:validation], order[validation:][:limit]
    parts = [(train[0][kept], train[1][kept]), (train[0][held_out], train[1][held_out]), (test[0].copy(), test[1])]
    training, held, testing = (Split(torch.from_numpy(images), torch.from_numpy(labels)) for images, labels in parts)
    return Dataset(info, training, held, testing, _digest(info.name, parts))


def _check_split(info: DatasetInfo, validation: int, count: int) -> None:
    if validation >= count:
        raise DataError(
            f"{info.title} has {count} training images, too few to hold out {validation} for validation; "
            f"hold out at most {count - 1}."
        )


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


def placed(images: torch.Tensor, device: torch.device) -> torch.Tensor:
    """The images where batches are picked from: on the device, unless they would take half of its free memory.

    On a CPU they stay where they are, which of an own dataset is its file.
    """
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else math.inf
    return images.to(device) if images.nbytes < free / 2 else images


def rows(images: torch.Tensor, indices: torch.Tensor, device: torch.device) -> torch.Tensor:
    """A batch on the device. Copies rows; [] is 15 times slower on a CPU."""
    return images.index_select(0, indices.to(images.device)).to(device)


def to_float(images: torch.Tensor) -> torch.Tensor:
    """uint8 to x in [0, 1], float32, same shape and device."""
    return images.to(torch.float32).div_(255)
