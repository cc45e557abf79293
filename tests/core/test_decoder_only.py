"""A model may be a decoder alone: it draws, it says what it cannot do, and everything else goes on."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.core.test_header import describe_anew
from vae_core.cli import app
from vae_core.errors import CheckpointError, NoEncoderError
from vae_core.latent.encoded_images import EncodedImages
from vae_core.latent.latent_model import open_model
from vae_core.latent.paths import path_through
from vae_core.model_files import checkpoints
from vae_core.model_files.header import load_header
from vae_core.model_files.model_list import add_upload


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


@pytest.fixture
def alone(tiny_checkpoint):
    """The decoder of `tiny`, made by the command, beside it."""
    path = tiny_checkpoint.with_name("alone.safetensors")
    result = run("strip", "tiny", "--out", path)
    assert result.exit_code == 0, result.output
    return path


def test_the_command_keeps_the_decoder_and_nothing_that_needs_an_encoder(alone, tiny_checkpoint):
    whole, half = checkpoints.load(tiny_checkpoint), checkpoints.load(alone)
    header = half.header
    assert (header.kind, header.name, header.has_encoder) == ("decoder", "alone", False)
    assert header.metrics is header.statistics is None and header.quality == "" and not header.factors
    assert header.data == whole.header.data and header.command == whole.header.command
    assert set(half.model.state_dict()) == {name for name in whole.model.state_dict() if not name.startswith("encoder.")}
    assert alone.stat().st_size < 0.5 * tiny_checkpoint.stat().st_size and not half.extras


def test_it_draws_the_same_pictures_to_the_byte(alone, tiny_checkpoint):
    whole, half = open_model(tiny_checkpoint, device="cpu"), open_model(alone, device="cpu")
    z = whole.sample_prior(9, 0)
    np.testing.assert_array_equal(half.sample_prior(9, 0), z)
    np.testing.assert_array_equal(half.decode(z), whole.decode(z))
    np.testing.assert_array_equal(half.decode_small(z, 9), whole.decode_small(z, 9))
    for kind in ("linear", "geodesic"):
        assert len(path_through(half, z[:2], kind=kind, count=5).pictures) == 5


def test_what_takes_an_encoder_is_refused_in_a_sentence(alone):
    model = open_model(alone, device="cpu")
    x = np.zeros((1, 1, 28, 28), np.float32)
    assert not model.can_encode and model.test_means is None and model.elbo_percentile(0.0) is None
    for ask in (lambda: model.encode(x), lambda: model.posterior_means(x), lambda: model.recognise(np.zeros((1, 4)))):
        with pytest.raises(NoEncoderError, match=r"'alone' is a decoder alone and cannot encode images\. Choose"):
            ask()
    with pytest.raises(CheckpointError, match="carries no encoded images"):
        EncodedImages(model)


def test_list_shows_the_kind_and_the_commands_say_what_cannot_be_done(alone, tmp_path):
    rows = {row["name"]: row for row in json.loads(run("list", "--json").stdout)}
    assert (rows["alone"]["kind"], rows["tiny"]["kind"]) == ("decoder", "vae")
    assert "test_elbo" not in rows["alone"] and rows["alone"]["active_units"] is None
    assert "decoder" in run("list").stdout and "nan" not in run("list").stdout
    for words in (("evaluate", "alone"), ("strip", "alone")):
        result = run(*words)
        assert result.exit_code == 2 and "alone is a decoder alone" in result.stderr
    for words in (("sample", "alone"), ("traverse", "alone")):
        assert run(*words, "--out", tmp_path / "sheet.png").exit_code == 0


def test_it_can_be_uploaded(alone):
    entry = add_upload(alone.read_bytes(), "mine.safetensors")
    assert (entry.name, entry.origin, load_header(entry.path).kind) == ("mine", "uploaded", "decoder")


def test_without_out_it_goes_where_the_app_lists_it(alone):
    assert run("strip", "tiny").exit_code == run("strip", "tiny").exit_code == 0
    assert {"tiny-decoder", "tiny-decoder-2"} <= {row["name"] for row in json.loads(run("list", "--json").stdout)}


def test_a_file_that_says_another_kind_than_it_is_is_refused(alone, tiny_checkpoint):
    describe_anew(tiny_checkpoint, lambda described: described.update(kind="decoder"))
    with pytest.raises(CheckpointError, match=r"'(latents|model.encoder).* does not belong"):
        checkpoints.load(tiny_checkpoint)
    describe_anew(alone, lambda described: described.update(kind="vae"))
    with pytest.raises(CheckpointError, match="a model with an encoder has metrics and statistics"):
        checkpoints.load(alone)
