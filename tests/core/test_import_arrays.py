"""Arrays of pictures as datasets: .npy, .npz, dSprites' and Keras' layouts."""

import json

import numpy as np
import pytest
import torch
from picture_folders import blots

from vae_core.config.schema import train_config
from vae_core.data import loading, own_datasets
from vae_core.data.own_datasets import own_root
from vae_core.errors import DataError
from vae_core.evaluation.factor_regression import known_factors
from vae_core.import_images import ImportOptions, import_images, open_source
from vae_core.import_images.to_pixels import fitted, upright
from vae_core.model_files.header import load_header
from vae_core.training import loop

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


def many_sprites(path, **arrays):
    """600 pictures with factors that can be read from them."""
    random = np.random.default_rng(0)
    images = np.zeros((600, 32, 32), np.uint8)
    x, shape = random.uniform(0, 1, 600), random.integers(1, 4, 600)
    for image, left, kind in zip(images, x, shape, strict=True):
        image[8 : 12 + 5 * kind, int(2 + 18 * left) : int(10 + 18 * left)] = 255
    values = np.stack([np.ones(600), shape, np.ones(600), random.uniform(0, 6, 600), x, random.uniform(0, 1, 600)], axis=1)
    np.savez(path, imgs=images, **(arrays or {"latents_values": values}))
    return images, values


def trained_header(folder):
    """What a short run on the imported pictures leaves."""
    folder.mkdir()
    model = {"architecture": "mlp", "hidden": (16,), "latent_dim": 3}
    config = train_config(data={"name": "own", "validation": 100}, model=model, epochs=2, batch_size=16, device="cpu")
    assert loop.train(config, folder).state == "done"
    return load_header(folder / "best.safetensors")


def test_the_factors_of_imported_sprites_are_scored_after_training(tmp_path):
    many_sprites(tmp_path / "sprites.npz")
    imported(tmp_path / "sprites.npz")
    factors = trained_header(tmp_path / "run").factors
    assert list(factors) == ["shape", "orientation", "x", "y"], "the colour and the size are always the same"
    assert factors["x"].score > 0.5 > factors["y"].score and factors["shape"].score > 1 / 3
    assert known_factors("own", 60).classes == {"shape"}


def test_as_many_and_as_large_factors_as_can_be_imported_do_not_spoil_the_run(tmp_path):
    x = many_sprites(tmp_path / "few.npz")[1][:, 4]
    wide = np.stack([x * 10.0**power for power in np.linspace(-300, 300, 64)], axis=1)
    many_sprites(tmp_path / "sprites.npz", factors=wide)
    imported(tmp_path / "sprites.npz")
    scores = [factor.score for factor in trained_header(tmp_path / "run").factors.values()]
    assert len(scores) == 64 and np.ptp(scores) < 1e-6


@pytest.mark.parametrize(
    ("factors", "said"), [(np.full((600, 2), np.nan), "no finite numbers"), (np.ones((600, 65)), "at most 64")]
)
def test_factors_that_cannot_be_kept_are_refused(tmp_path, factors, said):
    many_sprites(tmp_path / "sprites.npz", factors=factors)
    with pytest.raises(DataError, match=said):
        imported(tmp_path / "sprites.npz")


def test_one_factor_and_factors_of_few_pictures_are_kept_and_not_scored(tmp_path):
    images, values = many_sprites(tmp_path / "sprites.npz")
    np.savez(tmp_path / "one.npz", imgs=images[:100], factors=values[:100, 4:5])
    assert len(imported(tmp_path / "one.npz").test) < 40
    assert own_datasets.test_factors("own")[0] == ("factor 1",) and known_factors("own", 60) is None


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
