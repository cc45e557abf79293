"""The models in checkpoints/: they open, they are small, they are as good as promised, and their README tells the truth."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.core.test_header import write_format_1
from tools import checkpoint_table, rewrite_model_headers
from vae_core.config.command_line_options import command_line
from vae_core.data import procedural_shapes
from vae_core.latent.latent_model import open_model
from vae_core.model_files import checkpoints
from vae_core.model_files.header import METADATA_KEY, load_header, open_model_file, read_raw_header

MODELS = sorted(checkpoint_table.FOLDER.glob("*.safetensors"))
FLOORS = {
    "mnist-2d": 140.0,
    "mnist-10d": 95.0,
    "fashion-16d": 234.0,
    "shapes-8d": 520.0,
}  # reconstruction + KL, nats per test image


def test_four_models_are_shipped():
    assert {path.stem for path in MODELS} == {"mnist-2d", "mnist-10d", "fashion-16d", "shapes-8d"}


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_a_shipped_model_opens_is_small_and_knows_what_it_is(path):
    model = open_model(path, device="cpu")
    header = model.header
    assert path.stat().st_size < 6_000_000 and header.name == path.stem
    assert header.metrics.split == "test" and header.command.startswith("python -m vae_core train")
    assert header.metrics.reconstruction + header.metrics.kl <= FLOORS.get(path.stem, np.inf)
    assert len(model.test_means) == min(10_000, header.metrics.images)
    np.testing.assert_allclose(model.test_elbos.mean(), header.metrics.elbo, rtol=1e-3)
    pictures = model.decode(model.sample_prior(16, 0))
    assert pictures.std(axis=0).mean() > 5, "different z, different pictures"


def test_the_shapes_model_was_trained_with_a_stronger_kl():
    assert load_header(checkpoint_table.FOLDER / "shapes-8d.safetensors").config.objective.beta > 1


def test_every_factor_can_be_read_from_the_codes_of_the_shapes_model():
    scores = load_header(checkpoint_table.FOLDER / "shapes-8d.safetensors").factors
    floors = {"x": 0.95, "y": 0.95, "size": 0.95, "colour": 0.9, "shape": 0.9, "rotation": 0.8}
    assert {name: scores[name].score for name in floors if scores[name].score < floors[name]} == {}


def test_the_shapes_model_draws_the_hue_of_the_image_it_encodes():
    """Six images that differ in hue alone: their reconstructions differ as they do."""
    table = np.repeat([[1, 0.22, 10.0, 0.5, 0.5, 0.0]], 6, axis=0)
    table[:, 5] = np.linspace(0.02, 0.78, 6)
    images = procedural_shapes.render(table)
    model = open_model(checkpoint_table.FOLDER / "shapes-8d.safetensors", device="cpu")
    drawn = model.encode(images.astype(np.float32) / 255).x_hat
    inside = images.max(axis=1, keepdims=True) > 200
    seen = [(x * inside).sum(axis=(2, 3)) / inside.sum(axis=(2, 3)) for x in (images / 255, drawn)]
    assert np.abs(seen[0] - seen[1]).mean() < 0.1
    assert (seen[1].max(axis=0) - seen[1].min(axis=0)).min() > 0.5, "of 1; it was 0.01"


def test_the_readme_beside_them_is_written_from_their_headers():
    assert (checkpoint_table.FOLDER / "README.md").read_text() == checkpoint_table.page()


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_a_shipped_file_is_of_todays_format_and_its_command_makes_its_config(path):
    with open_model_file(path) as file:
        described = json.loads(read_raw_header(file, path.name)["__metadata__"][METADATA_KEY])
    assert described["format"] == 2 and "objective" in described["config"]
    header = load_header(path)
    assert header.command == command_line(header.config)


def test_rewriting_an_old_file_changes_its_header_only(tiny_checkpoint):
    before = checkpoints.load(tiny_checkpoint)
    write_format_1(tiny_checkpoint)
    old = {name: tensor.clone() for name, tensor in load_file(tiny_checkpoint).items()}
    tiny_checkpoint.write_bytes(rewrite_model_headers.rewritten(tiny_checkpoint))
    after, new = checkpoints.load(tiny_checkpoint), load_file(tiny_checkpoint)
    assert after.header == before.header.model_copy(update={"data": after.header.data})
    assert new.keys() == old.keys() and all(torch.equal(new[name], old[name]) for name in old)
