"""A plain autoencoder: squared error, points for codes, no prior; whitened where it is saved, and never an ELBO."""

import dataclasses
import json
import math

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from vae_core.cli import app
from vae_core.config.command_line_options import command_line, config_of
from vae_core.config.schema import train_config
from vae_core.data import loading
from vae_core.errors import CheckpointError, ConfigError
from vae_core.latent.encoded_images import EncodedImages
from vae_core.latent.latent_model import open_model
from vae_core.model.autoencoder import Autoencoder, whitened
from vae_core.model.vae import drawn
from vae_core.model_files import checkpoints
from vae_core.objectives.objective import RunContext
from vae_core.training.loop import train


def tiny(**model):
    return train_config(
        data={"name": "shapes", "limit": 600, "validation": 200},
        model={"latent_dim": 3, "hidden": (24,), "filters": 4, "features": 12, **model},
        objective={"kind": "reconstruction"},
        epochs=2,
        batch_size=100,
        device="cpu",
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """(result, rows) of a short run on few images."""
    rows, whole = [], loading.load(*tiny().data.parts)
    few = dataclasses.replace(whole, test=loading.Split(whole.test.images[:300], whole.test.labels[:300]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "load", lambda *_, **__: few)
        config = tiny(architecture="mlp")
        result = train(config, tmp_path_factory.mktemp("run"), on_row=rows.append, name="ae", command=command_line(config))
    return result, rows


@pytest.mark.parametrize("architecture", ["mlp", "conv"])
def test_whitening_changes_the_coordinates_and_no_picture(architecture):
    config = tiny(architecture=architecture).model
    model = drawn(Autoencoder, config, 0).eval()
    x = torch.rand(400, *config.image_shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        last = [layer for layer in model.encoder.modules() if isinstance(layer, torch.nn.Linear)][-1]
        last.bias += 2  # far from the middle, so that the shift is tested too
        codes = model.encode(x).mu
        white = whitened(model, codes)
        new = white.encode(x).mu
        torch.testing.assert_close(white.decode(new).mean, model.decode(codes).mean, atol=2e-4, rtol=0)
    torch.testing.assert_close(new.mean(dim=0), torch.zeros(3), atol=0.02, rtol=0)
    covariance = torch.cov(new.T)
    torch.testing.assert_close(covariance - torch.diag(covariance.diag()), torch.zeros(3, 3), atol=0.05, rtol=0)
    assert (covariance.diag() < 1.05).all() and float(covariance[0, 0]) == pytest.approx(1, abs=0.05)


def test_the_objective_is_the_squared_error_of_each_image():
    config = tiny(architecture="mlp")
    model = drawn(Autoencoder, config.model, 0)
    x = torch.rand(5, *config.model.image_shape)
    run = RunContext(images=5, steps_per_epoch=1, total_steps=1, latent_dim=3, device=torch.device("cpu"), seed=0)
    terms = config.objective.start(run)(model, x, torch.Generator(), 0)
    expected = (x - model.decode(model.encode(x).mu).mean).square().sum(dim=(1, 2, 3))
    torch.testing.assert_close(terms.loss, expected)
    assert not terms.kl.any()


def test_a_run_keeps_the_epoch_of_least_error_and_writes_no_elbo(trained):
    result, rows = trained
    assert result.state == "done" and result.header is not None and result.header.kind == "autoencoder"
    assert not any("elbo" in key or "kl" in key.split("_") for row in rows for key in row)
    validations = [row for row in rows if row["kind"] == "validation"]
    errors = [row["reconstruction"] for row in validations]
    assert errors[-1] < errors[0] and [row["best"] for row in validations][1] is True
    assert rows[-1]["test_reconstruction"] == pytest.approx(result.header.metrics.reconstruction)


def test_its_file_opens_with_codes_of_mean_0_and_covariance_1(trained):
    result, _ = trained
    model = open_model(result.path, device="cpu")
    header = model.header
    assert header.metrics.elbo is header.metrics.kl is None and "ELBO" not in header.quality
    assert header.quality == f"squared error {header.metrics.reconstruction:.2f} per image"
    codes = model.test_means
    assert np.abs(codes.mean(axis=0)).max() < 0.5 and 0.5 < np.cov(codes.T)[0, 0] < 1.6
    assert not model.test_stds.any() and model.test_elbos is None
    images = loading.to_float(loading.load(*tiny().data.parts).test.images[:4]).numpy()
    encoding = model.encode(images)
    np.testing.assert_allclose(encoding.mu, codes[:4], atol=1e-3)
    error = np.square(images - encoding.x_hat).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(-encoding.log_px_z, error, rtol=1e-4)
    assert not encoding.has_bound
    np.testing.assert_allclose(model.sample_posterior(images[0], 2, 0)[0], encoding.mu[0], atol=1e-5)


def test_its_map_has_points_and_a_measure_of_likeness_and_no_density(trained):
    encoded = EncodedImages(open_model(trained[0].path, device="cpu"))
    judged = encoded.likeness().at(encoded.points.means[:5])
    assert not encoded.has_density and np.isfinite(judged.distance).all()


def test_the_command_line_says_its_error_and_no_elbo(trained, models_dir):
    path = models_dir / "ae.safetensors"
    path.write_bytes(trained[0].path.read_bytes())
    run = CliRunner()
    for words in (["list"], ["evaluate", "ae"], ["evaluate", "ae", "--json"]):
        result = run.invoke(app, words, catch_exceptions=False)
        assert result.exit_code == 0 and "nan" not in result.stdout
    figures = json.loads(result.stdout)
    assert "elbo" not in figures and "kl" not in figures and math.isfinite(figures["reconstruction"])
    (row,) = json.loads(run.invoke(app, ["list", "--json"]).stdout)
    assert row["kind"] == "autoencoder" and row["squared_error"] == trained[0].header.metrics.reconstruction
    alone = checkpoints.decoder_alone(checkpoints.load(path))
    z = torch.zeros(1, 3)
    torch.testing.assert_close(alone.model.decode(z).mean, checkpoints.load(path).model.decode(z).mean)


def test_what_it_does_not_have_cannot_be_set():
    with pytest.raises(ConfigError, match="trains an autoencoder, which has no posterior and no likelihood; leave them out"):
        tiny(posterior="full", likelihood="gaussian")
    config = tiny(architecture="mlp")
    assert config_of({"objective": "reconstruction"}).objective.kind == "reconstruction"
    assert "--objective reconstruction" in command_line(config) and "--likelihood" not in command_line(config)


def test_a_vae_without_an_elbo_is_no_vae(trained, tmp_path):
    loaded = checkpoints.load(trained[0].path)
    path = tmp_path / "wrong.safetensors"
    checkpoints.save(path, loaded.model, loaded.header.model_copy(update={"kind": "vae"}), loaded.extras)
    with pytest.raises(CheckpointError, match="a VAE has an ELBO and a KL"):
        checkpoints.load(path)
