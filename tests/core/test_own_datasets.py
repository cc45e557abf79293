"""Own datasets after their import: trained on, renamed, deleted; what was made from them stays usable."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from picture_folders import pictures
from typer.testing import CliRunner

from vae_core.cli import app
from vae_core.config.schema import train_config
from vae_core.data import loading, stored_images
from vae_core.data.catalog import dataset_info, datasets, find_dataset
from vae_core.data.own_datasets import delete_own, list_own, rename_own, size_on_disk
from vae_core.errors import ConfigError, DataError
from vae_core.import_images import ImportOptions, import_images, models_of, open_source, runs_of
from vae_core.latent.latent_model import open_model
from vae_core.latent.nearest_images import RealImages
from vae_core.model_files.model_list import list_models
from vae_core.runs import RunStatus
from vae_core.training import time_estimate


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    for name in ("data", "runs"):
        monkeypatch.setenv(f"VAE_{name.upper()}", str(tmp_path / name))
    monkeypatch.setenv("VAE_CHECKPOINTS", str(tmp_path / "none"))


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def add(folder, name="butterflies", **options):
    with open_source(folder) as source:
        return import_images(source, name, ImportOptions(**{"size": 32} | options))


def trained(name="butterflies", model="mine"):
    """A model of the dataset, where the app lists it."""
    words = f"train --data {name} --architecture mlp --hidden 16 --latent-dim 3 --epochs 2 --batch-size 8 --device cpu --out"
    result = run(*words.split(), list_runs_folder() / f"{model}.safetensors")
    assert result.exit_code == 0, result.output
    return next(entry for entry in list_models() if entry.name == model)


def list_runs_folder():
    from vae_core.model_files.model_list import uploads_root

    uploads_root().mkdir(parents=True, exist_ok=True)
    return uploads_root()


def test_the_smallest_dataset_that_is_taken_can_be_trained_on(tmp_path):
    info = add(pictures(tmp_path / "given", 20, classes=["all"]))
    assert (info.training_images, info.test_images, info.classes) == (18, 2, ())
    model = open_model(trained().path)
    assert model.header.data == info.facts(15) and model.header.metrics.images == 2
    assert np.isfinite(model.decode(np.zeros((1, 3)))).all()


def test_a_model_of_own_pictures_finds_its_test_images_and_neighbours(tmp_path):
    add(pictures(tmp_path / "given", 30), colour=False)
    model = open_model(trained().path)
    assert stored_images.at_hand("butterflies", model.header.data)
    assert model.header.data.classes == ("monarch", "swallowtail")
    image, _ = stored_images.test_image("butterflies", 0)
    assert RealImages(model).in_pixels(image, 3)[0].image.shape == (32, 32, 1)
    assert run("evaluate", "mine", "--samples", 0).exit_code == 0


def test_a_renamed_dataset_is_found_by_what_knew_it_before(tmp_path):
    add(pictures(tmp_path / "given", 30))
    entry = trained()
    before = loading.load("butterflies", 100).digest
    rename_own("butterflies", "Tagfalter")
    rename_own("Tagfalter", "moths")
    assert list(datasets())[-1] == "moths" and dataset_info("butterflies").name == "moths"
    assert loading.load("butterflies", 100).digest == loading.load("moths", 100).digest == before
    assert stored_images.at_hand("butterflies", open_model(entry.path).header.data)
    assert models_of("moths") == ["mine"]
    assert train_config(data={"name": "butterflies"}).model.height == 32


def test_another_dataset_of_the_same_name_is_not_taken_for_the_models_own(tmp_path):
    add(pictures(tmp_path / "given", 30))
    facts = open_model(trained().path).header.data
    rename_own("butterflies", "moths")
    add(pictures(tmp_path / "others", 30, first=500))
    assert find_dataset("butterflies").name == "butterflies"
    assert not stored_images.at_hand("butterflies", facts) and stored_images.at_hand("moths", facts)


def test_a_model_of_a_deleted_dataset_still_explores(tmp_path):
    add(pictures(tmp_path / "given", 30))
    entry = trained()
    assert models_of("butterflies") == ["mine"] and size_on_disk("butterflies") > 60 * 3 * 32 * 32
    loaded = loading.load("butterflies", 100)  # as by a run that is on its way
    delete_own("butterflies")
    assert list_own() == [] and find_dataset("butterflies") is None and not stored_images.available("butterflies")
    assert int(loaded.train.images.sum()) > 0
    model = open_model(entry.path)
    assert not stored_images.at_hand("butterflies", model.header.data)
    assert model.decode(np.zeros((2, 3))).shape == (2, 32, 32, 3)
    assert "carried by the model file" in RealImages(model).source
    assert "cannot load" in run("evaluate", "mine").stderr
    with pytest.raises(ConfigError, match="no dataset called 'butterflies'"):
        train_config(data={"name": "butterflies"})


@pytest.mark.parametrize(
    ("old", "new"), [("nobody", "x"), ("butterflies", "mnist"), ("butterflies", "../x"), ("butterflies", "Other")]
)
def test_a_name_that_cannot_be_given_is_refused_and_nothing_changes(tmp_path, old, new):
    folder = pictures(tmp_path / "given", 15)
    add(folder), add(folder, "other")
    with pytest.raises(DataError, match=r"\.$"):
        rename_own(old, new)
    assert [one.info.name for one in list_own()] == ["butterflies", "other"]


def test_deleting_gives_the_disk_its_room_back(tmp_path):
    maps = Path("/proc/self/maps")
    if not maps.exists():
        pytest.skip("this system does not say what is mapped")
    add(pictures(tmp_path / "given", 15))
    stored_images.test_image("butterflies", 0)
    assert str(tmp_path) in maps.read_text()
    delete_own("butterflies")
    assert str(tmp_path) not in maps.read_text()


def test_capitals_of_a_name_can_be_changed(tmp_path):
    add(pictures(tmp_path / "given", 15))
    rename_own("butterflies", "Butterflies")
    assert [one.info.name for one in list_own()] == ["Butterflies"]


def test_the_time_estimate_knows_how_many_own_images_there_are(tmp_path):
    info = add(pictures(tmp_path / "given", 50))
    assert (info.training_images, info.held_out(5000)) == (90, 18)
    assert time_estimate.images_per_epoch(train_config(data={"name": "butterflies"})) == 72 + 18 / 3


def test_the_command_line_adds_lists_renames_and_deletes(tmp_path):
    folder = pictures(tmp_path / "given", 15)
    result = run("data", "add", folder, "--name", "my moths", "--size", 32, "--grey", "--crop", "border")
    assert result.exit_code == 0 and "train --data 'my moths'" in result.stdout and "30 pictures" in result.stdout
    [row] = json.loads(run("data", "list", "--json").stdout)
    assert row["name"] == "my moths" and row["shape"] == [1, 32, 32] and row["classes"] == ["monarch", "swallowtail"]
    assert "my moths" in run("data", "list").stdout
    assert run("data", "rename", "my moths", "moths").exit_code == 0
    trained("moths")
    asked = CliRunner().invoke(app, ["data", "delete", "moths"], input="n\n")
    assert asked.exit_code == 1 and "Trained on it: mine" in asked.stderr and "moths" in datasets()
    assert run("data", "delete", "moths", "--yes").exit_code == 0 and "moths" not in datasets()


@pytest.mark.parametrize(
    "words",
    [
        ["add", "nowhere", "--name", "x"],
        ["add", ".", "--name", "x", "--size", "33"],
        ["add", ".", "--name", "x", "--crop", "round"],
        ["rename", "nobody", "x"],
        ["delete", "nobody", "--yes"],
    ],
)
def test_mistakes_on_the_command_line_are_one_sentence(words):
    result = run("data", *words)
    assert result.exit_code == 2 and len(result.stderr.strip().splitlines()) == 1 and result.stderr.strip().endswith(".")


def test_a_dataset_that_a_run_is_training_on_is_not_deleted(tmp_path, monkeypatch):
    add(pictures(tmp_path / "given", 15))
    config = train_config(data={"name": "butterflies"})
    going = RunStatus(run_id="1", name="first", state="running", created=0.0, path=tmp_path, config=config)
    monkeypatch.setattr("vae_core.runs.list_runs", lambda: [going])
    assert runs_of("butterflies") == [going]
    result = run("data", "delete", "butterflies", "--yes")
    assert result.exit_code == 2 and "needed by the run first" in result.stderr and "butterflies" in datasets()


def test_batches_are_picked_where_the_images_fit(monkeypatch):
    images = torch.arange(4 * 12, dtype=torch.uint8).reshape(4, 3, 2, 2)
    cpu = torch.device("cpu")
    assert loading.placed(images, cpu) is images
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (60, 100))
    assert loading.placed(images, torch.device("cuda")) is images  # more than half of what is free there
    assert (loading.rows(images, torch.tensor([2, 0]), cpu) == images[[2, 0]]).all()
