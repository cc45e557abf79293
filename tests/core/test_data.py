"""Datasets: the reader, the split, the digest, and every sentence when something is wrong. Downloads have tests of their own."""

import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from vae_core.config.schema import DataConfig
from vae_core.data import loading, stored_images
from vae_core.errors import DataError


def idx_bytes(array):
    """A uint8 array in the IDX format."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def idx_files(train=700, test=40, classes=10):
    """The four files of a small grey set."""
    rng = np.random.default_rng(0)
    files = {}
    for prefix, count in (("train", train), ("t10k", test)):
        files[f"{prefix}-images-idx3-ubyte"] = idx_bytes(rng.integers(0, 256, (count, 28, 28), dtype=np.uint8))
        files[f"{prefix}-labels-idx1-ubyte"] = idx_bytes(rng.integers(0, classes, count, dtype=np.uint8))
    return files


def write_set(root, folder="MNIST", **kwargs):
    raw = root / folder / "raw"
    raw.mkdir(parents=True)
    for name, content in idx_files(**kwargs).items():
        (raw / name).write_bytes(content)
    return raw


@pytest.fixture
def root(tmp_path):
    write_set(tmp_path)
    return tmp_path


def small(**kwargs):
    return DataConfig(**{"name": "mnist", "validation": 100} | kwargs).parts


def test_a_grey_set_arrives_as_uint8_tensors_in_three_parts(root):
    loaded = loading.load(*small(), root=root)
    assert loaded.train.images.shape == (600, 1, 28, 28) and loaded.train.images.dtype == torch.uint8
    assert loaded.validation.images.shape == (100, 1, 28, 28)
    assert loaded.test.images.shape == (40, 1, 28, 28) and loaded.test.labels.dtype == torch.int64
    assert len(loaded.test) == 40


def test_the_split_loses_and_repeats_no_image(root):
    loaded = loading.load(*small(), root=root)
    original, _ = stored_images.idx_split("mnist", "train", root)
    parts = torch.cat([loaded.train.images, loaded.validation.images]).numpy()[:, 0]
    assert sorted(image.tobytes() for image in parts) == sorted(np.asarray(image).tobytes() for image in original)


def test_labels_stay_with_their_images(root):
    loaded = loading.load(*small(), root=root)
    images, labels = stored_images.idx_split("mnist", "train", root)
    label_of = {np.asarray(image).tobytes(): int(label) for image, label in zip(images, labels, strict=True)}
    for part in (loaded.train, loaded.validation):
        assert [label_of[image.numpy().tobytes()] for image in part.images] == part.labels.tolist()


def test_the_same_files_give_the_same_digest_and_one_changed_pixel_another(root):
    before = loading.load(*small(), root=root).digest
    assert loading.load(*small(), root=root).digest == before and len(before) == 64
    path = root / "MNIST" / "raw" / "t10k-images-idx3-ubyte"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert loading.load(*small(), root=root).digest != before


def test_another_split_has_another_digest(root):
    assert len({loading.load(*config, root=root).digest for config in (small(), small(validation=200), small(limit=500))}) == 3


def test_limit_takes_the_first_training_images_and_leaves_the_rest_alone(root):
    whole, limited = loading.load(*small(), root=root), loading.load(*small(limit=500), root=root)
    assert torch.equal(limited.train.images, whole.train.images[:500])
    assert torch.equal(limited.validation.images, whole.validation.images)
    assert torch.equal(limited.test.images, whole.test.images)


def test_a_test_image_is_the_one_of_the_test_split(root):
    loaded = loading.load(*small(), root=root)
    image, label = stored_images.test_image("mnist", 17, root)
    assert image.shape == (28, 28, 1) and image.dtype == np.uint8 and image.flags.writeable
    assert np.array_equal(image[..., 0], loaded.test.images[17, 0].numpy()) and label == loaded.test.labels[17]
    assert stored_images.test_count("mnist", root) == 40


def test_shapes_need_no_files_and_test_images_match_the_split(tmp_path):
    loaded = loading.load("shapes", 5000, 500, root=tmp_path)
    assert loaded.train.images.shape == (500, 3, 64, 64) and len(loaded.test) == stored_images.test_count("shapes") == 5000
    image, label = stored_images.test_image("shapes", 4711)
    assert np.array_equal(image, loaded.test.images[4711].permute(1, 2, 0).numpy()) and label == loaded.test.labels[4711]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("index", [-1, 40])
def test_a_test_image_that_does_not_exist_is_named_with_the_range(root, index):
    with pytest.raises(DataError, match=rf"no test image {index}; choose from 0 to 39"):
        stored_images.test_image("mnist", index, root)


def test_an_unknown_dataset_lists_the_known_ones():
    with pytest.raises(DataError, match=r"'mist'; choose from mnist, fashion-mnist, shapes"):
        stored_images.test_count("mist")
    assert not stored_images.available("mist")


def test_available_says_whether_every_file_is_there(root):
    assert stored_images.available("mnist", root) and stored_images.available("shapes", root)
    assert not stored_images.available("fashion-mnist", root)
    (root / "MNIST" / "raw" / "t10k-labels-idx1-ubyte").unlink()
    assert not stored_images.available("mnist", root)


def test_the_data_root_is_vae_data_or_data(monkeypatch):
    monkeypatch.setenv("VAE_DATA", "elsewhere")
    assert stored_images.data_root() == Path("elsewhere")
    monkeypatch.delenv("VAE_DATA")
    assert stored_images.data_root() == Path("data")


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-1],
        lambda content: content + b"x",
        lambda content: b"",
        lambda content: content[:6],
        lambda content: b"\0\0\x0d\3" + content[4:],
        lambda content: b"<html>not found</html>",
        lambda content: struct.pack(">HBB3I", 0, 8, 3, 2**31, 2**31, 2**31) + content[16:],
        lambda content: idx_bytes(np.zeros((700, 27, 28), np.uint8)),
        lambda content: idx_bytes(np.zeros((3, 28, 28), np.uint8)),
    ],
    ids=["one byte short", "one byte long", "empty", "half a header", "floats", "web page", "huge", "wrong size", "wrong count"],
)
def test_a_broken_file_is_an_error_that_says_what_to_do(root, damage):
    path = root / "MNIST" / "raw" / "train-images-idx3-ubyte"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte.*[Dd]elete"):
        loading.load(*small(), root=root)


def test_a_label_beyond_the_classes_is_an_error(tmp_path):
    write_set(tmp_path, classes=11)
    with pytest.raises(DataError, match="labels below 10"):
        loading.load(*small(), root=tmp_path)


def test_too_few_images_for_the_split_is_an_error(root):
    with pytest.raises(DataError, match=r"700 training images.*hold out at most 699"):
        loading.load(*small(validation=5000), root=root)


def test_batches_cover_every_index_once_and_the_seed_orders_them():
    def order(seed):
        return torch.cat(list(loading.batches(103, 10, torch.Generator().manual_seed(seed))))

    assert order(0).sort().values.tolist() == list(range(103))
    assert torch.equal(order(0), order(0)) and not torch.equal(order(0), order(1))
    assert [len(batch) for batch in loading.batches(103, 50)] == [50, 50, 3]
    assert torch.cat(list(loading.batches(103, 50))).tolist() == list(range(103))


def test_to_float_maps_0_and_255_to_0_and_1():
    x = loading.to_float(torch.tensor([0, 51, 255], dtype=torch.uint8))
    assert x.dtype == torch.float32
    torch.testing.assert_close(x, torch.tensor([0.0, 0.2, 1.0]))


def test_importing_data_does_not_import_torchvision_and_listing_does_not_import_torch():
    script = "import sys, vae_core.{}; sys.exit(any(name in sys.modules for name in {!r}))"
    for module, forbidden in (("data.loading", ["torchvision"]), ("data.catalog", ["torchvision", "torch"])):
        done = subprocess.run([sys.executable, "-c", script.format(module, forbidden)], check=False)
        assert done.returncode == 0, (module, forbidden)


@pytest.mark.skipif(not stored_images.available("mnist"), reason="needs the real MNIST files under VAE_DATA")
def test_the_real_mnist_has_its_sizes_and_first_labels():
    loaded = loading.load("mnist", 5000)
    assert (len(loaded.train), len(loaded.validation), len(loaded.test)) == (55_000, 5_000, 10_000)
    assert loaded.test.labels[:5].tolist() == [7, 2, 1, 0, 4]
