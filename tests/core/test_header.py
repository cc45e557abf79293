"""A model file says itself what its images are: none of it is looked up by the dataset's name, and old files are upgraded."""

import json
import logging

import pytest
from safetensors.torch import load_file, save_file

from tests.core.test_checkpoints import parts
from vae_core.config.schema import train_config
from vae_core.data.catalog import DATASETS, DataFacts
from vae_core.data.stored_images import at_hand
from vae_core.errors import ConfigError, LatentWalkError
from vae_core.latent.latent_model import open_model
from vae_core.latent.nearest_images import RealImages
from vae_core.model_files import checkpoints
from vae_core.model_files.header import METADATA_KEY, load_header


def describe_anew(path, change):
    """The same tensors under another description."""
    tensors, metadata = parts(path)
    described = json.loads(metadata[METADATA_KEY])
    change(described)
    save_file(tensors, path, metadata={METADATA_KEY: json.dumps(described)})
    return path


def write_format_1(path):
    """As files were written before they said what their images are, and which kind of model they are."""

    def as_before(described):
        del described["data"], described["kind"]
        described["format"] = 1

    return describe_anew(path, as_before)


def rename_dataset(path, name="my own runes", **facts):
    def change(described):
        described["config"]["data"]["name"] = name
        described["data"] |= {"title": "Runes", "classes": ["fehu", "uruz"], "ink": None} | facts

    return describe_anew(path, change)


def test_a_model_keeps_what_is_known_of_its_images(tiny_checkpoint):
    header = load_header(tiny_checkpoint)
    assert header.data == DATASETS["mnist"].facts(None) and header.kind == "vae" and header.format == 2
    assert header.data.label(7) == "7" and header.data.label(99) == "99"


def test_an_unknown_dataset_is_no_error_and_none_of_its_facts_are_looked_up(tiny_checkpoint):
    model = open_model(rename_dataset(tiny_checkpoint), device="cpu")
    assert model.header.data.title == "Runes" and model.header.data.label(1) == "uruz"
    assert model.decode(model.sample_prior(2, 0)).shape == (2, 28, 28, 1)
    assert not at_hand(model.header.config.data.name, model.header.data)
    with pytest.raises(LatentWalkError, match=r"images of Runes are not on this computer"):
        RealImages(model)


def test_a_known_name_over_images_of_another_shape_is_another_dataset(tmp_path, make_model):
    path = rename_dataset(make_model(tmp_path / "small.safetensors"), name="shapes")
    header = load_header(path)
    assert header.config.data.name == "shapes" and header.data.image_shape == (1, 28, 28)
    assert not at_hand("shapes", header.data) and at_hand("shapes", DATASETS["shapes"])


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"height": 64}, r"data has images of \(1, 64, 28\), the model draws \(1, 28, 28\)"),
        ({"classes": ["x"] * 1001}, "data.classes: Tuple should have at most 1000 items"),
        ({"title": "two\nlines"}, "data.title: String should match pattern"),
        ({"ink": {"share": 0, "centre": "mass"}}, "data.ink.share: Input should be greater than"),
        ({"exec": "import os"}, "data.exec: Extra inputs"),
    ],
)
def test_facts_that_cannot_be_are_refused_with_a_sentence(tiny_checkpoint, facts, sentence):
    with pytest.raises(LatentWalkError, match=sentence):
        load_header(rename_dataset(tiny_checkpoint, **facts))


@pytest.mark.parametrize("limit", [None, 700])
def test_a_file_of_format_1_is_upgraded_and_the_log_says_so(tiny_checkpoint, caplog, limit):
    before = load_header(tiny_checkpoint)
    describe_anew(tiny_checkpoint, lambda described: described["config"]["data"].update(limit=limit))
    write_format_1(tiny_checkpoint)
    with caplog.at_level(logging.INFO, "latent_walk"):
        header = load_header(tiny_checkpoint)
    assert "tiny.safetensors: header of format 1, read through from_format_1" in caplog.text
    assert header.data == DATASETS["mnist"].facts(limit or 55_000)
    assert header.model_copy(update={"data": before.data, "config": before.config}) == before
    assert open_model(tiny_checkpoint, device="cpu").latent_dim == 4


def test_an_old_file_of_an_unknown_dataset_has_the_shape_of_its_model(tiny_checkpoint):
    write_format_1(rename_dataset(tiny_checkpoint))
    assert load_header(tiny_checkpoint).data == DataFacts(title="my own runes", height=28, width=28, channels=1)


@pytest.mark.parametrize("described", [{}, {"format": 1}, {"format": 1, "config": 3}, {"format": True}, {"format": [1]}])
def test_an_old_header_that_holds_anything_else_is_refused_with_a_sentence(tiny_checkpoint, described):
    tensors = load_file(tiny_checkpoint)
    save_file(tensors, tiny_checkpoint, metadata={METADATA_KEY: json.dumps(described)})
    with pytest.raises(LatentWalkError, match="does not describe a model this version can open"):
        checkpoints.load(tiny_checkpoint)


def test_only_known_datasets_can_be_trained_on():
    with pytest.raises(ConfigError, match=r"data.name: there is no dataset called 'my own runes'; choose from mnist"):
        train_config(data={"name": "my own runes"})
