"""Arrays of pictures as datasets: .npy, .npz, dSprites' and Keras' layouts."""

import json

import numpy as np
import pytest
import torch
from picture_folders import blots

from vae_core.data import loading
from vae_core.data.own_datasets import own_root
from vae_core.errors import DataError
from vae_core.import_images import ImportOptions, import_images, open_source
from vae_core.import_images.to_pixels import fitted, upright

GREY = ImportOptions(size=32, colour=False)


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("VAE_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def imported(path, options=GREY) -> loading.Dataset:
    with open_source(path) as source:
        import_images(source, "own", options)
    return loading.load("own", 5000)


def test_an_npy_of_pictures_is_imported_as_it_is(tmp_path):
    images = np.stack([blots(seed, 64, 64) for seed in range(24)])
    np.save(tmp_path / "a.npy", images)
    dataset = imported(tmp_path / "a.npy", options=ImportOptions(size=64))
    kept = torch.cat([dataset.train.images, dataset.validation.images, dataset.test.images]).permute(0, 2, 3, 1).numpy()
    assert {image.tobytes() for image in kept} == {image.tobytes() for image in images}


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x / np.float32(255),
        lambda x: x / np.float64(127.5) - 1,
        lambda x: x.astype(np.uint16) * 257,
        lambda x: x.transpose(0, 3, 1, 2),
        lambda x: np.asfortranarray(x),
    ],
)
def test_arrays_of_other_types_and_orders_give_the_same_pixels(tmp_path, change):
    images = np.stack([blots(seed, 32, 32) for seed in range(24)])
    images[0, 0, 0], images[0, 0, 1] = 0, 255  # the whole range is in use
    np.save(tmp_path / "a.npy", change(images))
    with open_source(tmp_path / "a.npy") as source:
        found = np.stack([fitted(upright(source.read(i), 32)[0], ImportOptions(size=32)) for i in range(24)])
    assert np.abs(found.astype(int) - images).max() <= 1


def dsprites(path):
    """In dSprites' layout: squares, ellipses and hearts of 0 and 1, some equal, with classes, values and something pickled."""
    values = np.array(
        [[1, shape, 0.5, turn, x, 0.5] for shape in (1, 2, 3) for turn in (0, 3.1, 6.2) for x in np.linspace(0, 1, 8)]
    )
    images = np.zeros((len(values), 64, 64), np.uint8)
    for image, (_, shape, _, _, x, _) in zip(images, values, strict=True):
        image[20 : 30 + 5 * int(shape), int(4 + 40 * x) : int(14 + 40 * x)] = 1
    metadata = np.array({"title": "dSprites"}, dtype=object)
    np.savez_compressed(path, metadata=metadata, imgs=images, latents_values=values, latents_classes=values.astype(np.int64))
    return images, values


def test_dsprites_layout_keeps_its_factors_its_equal_pictures_and_its_shapes(tmp_path, data):
    images, values = dsprites(tmp_path / "sprites.npz")
    dataset = imported(tmp_path / "sprites.npz", options=ImportOptions(size=64, colour=False))
    assert dataset.info.classes == ("square", "ellipse", "heart")
    folder = data / "own" / "own"
    kept, factors, labels = (np.load(folder / f"{name}.npy") for name in ("images", "factors", "labels"))
    assert len(kept) == len(images) == len(factors) and set(np.unique(kept)) == {0, 255}
    for picture, row, label in zip(kept, factors, labels, strict=True):
        same = (values == row).all(axis=1)
        assert same.sum() == 1 and (images[same][0] * 255 == picture[0]).all() and row[1] == label + 1
    assert json.loads((folder / "dataset.json").read_text())["factors"] == ["colour", "shape", "scale", "orientation", "x", "y"]


def test_kerass_layout_gives_parts_and_labels(tmp_path):
    images = np.stack([blots(seed, 28, 28)[..., 0] for seed in range(60)])
    np.savez(
        tmp_path / "k.npz", x_train=images[:50], y_train=np.arange(50) % 3 + 7, x_test=images[50:], y_test=np.arange(10) % 3 + 7
    )
    dataset = imported(tmp_path / "k.npz")
    assert dataset.info.classes == ("7", "8", "9") and len(dataset.test) == 10


@pytest.mark.parametrize(
    "arrays",
    [
        {"weights": np.zeros((3, 4)), "bias": np.zeros(3)},
        {"images": np.zeros((5, 7, 9, 11), np.uint8)},
        {"images": np.zeros(30)},
        {"images": np.array([{"a": 1}] * 30, dtype=object)},
        {"images": np.zeros((30, 8, 8), np.uint8), "labels": np.zeros(29)},
        {"images": np.zeros((30, 8, 8), complex)},
        {"images": np.zeros((0, 8, 8), np.uint8)},
        {"imgs": np.zeros((30, 8, 8), np.uint8), "latents_values": np.zeros((29, 6))},
    ],
)
def test_an_npz_that_holds_something_else_is_refused_with_a_sentence(tmp_path, arrays):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError, match=r"\.$"):
        open_source(tmp_path / "a.npz")
    assert not own_root().exists() or not list(own_root().iterdir())
