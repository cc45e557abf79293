"""The images of a dataset as they lie on this computer, and single test images: no torch, so that pages can show them at once.

MNIST and the sets in its format lie in torchvision's layout (`VAE_DATA/MNIST/raw/...`), all others as one array (`own_datasets`);
both are read by memory map. `shapes` is drawn on the spot. Tensors and splits are in `loading`, downloads in `downloads`.
"""

from __future__ import annotations

import math
import struct
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vae_core.data import own_datasets, procedural_shapes
from vae_core.data.catalog import DataFacts, DatasetInfo, data_root, dataset_info, find_dataset
from vae_core.errors import DataError

_IDX_UINT8 = 0x08
_IDX_FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


def available(name: str, root: Path | None = None) -> bool:
    """Whether the dataset can be read right now, without a network; one that was deleted cannot."""
    info = find_dataset(name, root)
    if info is None or info.folder is None:
        return info is not None
    if info.array:
        return own_datasets.is_whole(info, root)
    return all(path.is_file() for pair in _IDX_FILES for path in _paths(info, pair, root))


def at_hand(name: str, like: DataFacts) -> bool:
    """Whether the images of a model are on this computer: a known dataset of this name with images of its shape, and no other
    one that a person has imported under the same name since."""
    info = find_dataset(name)
    same = info is not None and (info.image_shape, info.images_digest) == (like.image_shape, like.images_digest)
    return same and available(name)


def test_count(name: str, root: Path | None = None) -> int:
    """Number of test images.

    Raises:
        DataError: the files are missing or broken.
    """
    info = dataset_info(name, root)
    if info.folder is None:
        return procedural_shapes.TEST_COUNT
    return info.test_images if info.array else len(idx_split(name, "test", root)[0])


def test_image(name: str, index: int, root: Path | None = None) -> tuple[NDArray[np.uint8], int]:
    """Test image `index` as (H, W, C) uint8, and its label. Reads one image, not the file.

    Raises:
        DataError: no such index, or the files are missing or broken.
    """
    count = test_count(name, root)
    if not 0 <= index < count:
        raise DataError(f"{dataset_info(name).title} has no test image {index}; choose from 0 to {count - 1}.")
    info = dataset_info(name, root)
    if info.array:
        own_images, own_labels = own_datasets.arrays(info, root)
        row = info.training_images + index
        return np.ascontiguousarray(own_images[row].transpose(1, 2, 0)), int(own_labels[row])
    if info.folder is None:
        factors = _shapes_test_factors()[index : index + 1]
        return np.ascontiguousarray(procedural_shapes.render(factors)[0].transpose(1, 2, 0)), int(factors[0, 0])
    images, labels = idx_split(name, "test", root)
    return np.array(images[index])[..., None], int(labels[index])


# Names in the shape of a test function; pytest must not collect them where they are imported.
test_count.__test__ = False  # type: ignore[attr-defined]
test_image.__test__ = False  # type: ignore[attr-defined]


@cache
def _shapes_test_factors() -> NDArray[np.float64]:
    table = procedural_shapes.factors(procedural_shapes.TEST_COUNT, procedural_shapes.TEST_SEED)
    table.setflags(write=False)
    return table


def idx_split(name: str, part: str, root: Path | None = None) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images (N, H, W) and labels (N,) of part "train" or "test", memory-mapped.

    Raises:
        DataError: the files are missing or broken.
    """
    info = dataset_info(name)
    image_path, label_path = _paths(info, part, root)
    images, labels = read_idx(image_path), read_idx(label_path)
    fits = images.ndim == 3 and images.shape[1:] == (info.height, info.width) and labels.shape == images.shape[:1]
    if not fits or not len(labels) or int(labels.max()) >= len(info.classes):
        raise DataError(
            f"{image_path.name} {images.shape} and {label_path.name} {labels.shape} are not {info.title}: expected N images of "
            f"{info.height}x{info.width} and N labels below {len(info.classes)}. Delete {image_path.parent} to load it again."
        )
    return images, labels


def _paths(info: DatasetInfo, part: str, root: Path | None) -> tuple[Path, Path]:
    assert info.folder is not None, info.name
    raw = (data_root() if root is None else root) / info.folder / "raw"
    images, labels = _IDX_FILES[part]
    return raw / images, raw / labels


def read_idx(path: Path) -> NDArray[np.uint8]:
    """A uint8 IDX file, memory-mapped and read-only. Format: yann.lecun.com/exdb/mnist.

    Raises:
        DataError: the file is missing, of another type, or not as long as its header says.
    """
    try:
        with path.open("rb") as file:
            zero, kind, rank = struct.unpack(">HBB", file.read(4))
            shape = struct.unpack(f">{rank}I", file.read(4 * rank))
    except FileNotFoundError:
        raise DataError(f"{path} is missing. Load the dataset first, or choose shapes, which needs no files.") from None
    except (OSError, struct.error) as error:
        raise DataError(f"{path} cannot be read ({error}). Delete it to load the dataset again, or choose shapes.") from None
    offset, length = 4 + 4 * rank, path.stat().st_size
    if zero or kind != _IDX_UINT8 or not rank or length != offset + math.prod(shape) or not math.prod(shape):
        raise DataError(
            f"{path} is broken: its header promises {math.prod(shape)} bytes of type 8 in shape {shape}, the file has "
            f"{length - offset} of type {kind}. Delete it to load the dataset again, or choose shapes."
        )
    return np.memmap(path, dtype=np.uint8, mode="r", offset=offset, shape=shape)
