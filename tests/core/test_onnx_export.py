"""Models as ONNX: what onnxruntime draws is what the server draws, whatever a model is made of."""

from __future__ import annotations

import os
import signal
import time
import typing

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from vae_core import onnx_export
from vae_core.config.schema import ModelConfig
from vae_core.errors import CheckpointError, NoEncoderError
from vae_core.latent.latent_model import LatentModel, open_model
from vae_core.model.architectures import ARCHITECTURES
from vae_core.model.autoencoder import Autoencoder
from vae_core.model.posteriors import POSTERIORS
from vae_core.model.vae import drawn
from vae_core.model_files import checkpoints
from vae_core.onnx_export import onnx_files
from vae_core.onnx_export.half_weights import _rounded, with_half_weights
from vae_core.onnx_export.torch_to_onnx import _Decoder, _traced, exported

LIKELIHOODS = typing.get_args(ModelConfig.model_fields["likelihood"].annotation)
BASE = ("mlp", "bernoulli", "diagonal", "vae")
# Every choice once, beside those of the first one.
CASES = {(name, *BASE[1:]) for name in ARCHITECTURES} | {(BASE[0], name, *BASE[2:]) for name in LIKELIHOODS}
CASES |= {(*BASE[:2], name, BASE[3]) for name in POSTERIORS} | {(*BASE[:3], kind) for kind in checkpoints.NETWORKS}


def checkpoint_of(path, architecture, likelihood, posterior, kind):
    """Lively weights, and what batch norms have learned is not what they start with."""
    saved = checkpoints.load(path)
    if kind == "decoder":
        return checkpoints.decoder_alone(saved)
    if kind == "autoencoder":
        header = saved.header.model_copy(update={"kind": kind})
        return checkpoints.Checkpoint(drawn(Autoencoder, header.config.model, 1).eval(), header, saved.extras)
    generator = torch.Generator().manual_seed(3)
    for layer in saved.model.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.normal_(generator=generator).mul_(0.2)
            layer.running_var.uniform_(0.5, 2.0, generator=generator)
    return saved


def run(graph, given):
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    (one,) = session.get_inputs()
    names = [output.name for output in session.get_outputs()]
    return one.name, dict(zip(names, session.run(None, {one.name: given}), strict=True))


def pixels(image):
    return np.rint(image * 255).astype(int).transpose(0, 2, 3, 1)


@pytest.mark.parametrize(("architecture", "likelihood", "posterior", "kind"), sorted(CASES))
def test_both_halves_compute_what_the_server_computes(tmp_path, make_model, architecture, likelihood, posterior, kind):
    fields = {"height": 28, "width": 28, "likelihood": likelihood}
    path = make_model(tmp_path / "m.safetensors", architecture=architecture, posterior=posterior, model=fields)
    checkpoint = checkpoint_of(path, architecture, likelihood, posterior, kind)
    server = LatentModel(checkpoint, torch.device("cpu"))
    graph = exported(checkpoint, "decoder", half=True)
    onnx.checker.check_model(graph, full_check=True)
    z = server.sample_prior(5, 1, temperature=1.5)
    for count in (1, 5):
        name, outputs = run(graph, z[:count])
        drawn_by_server = np.concatenate([server.decode(one[None]) for one in z[:count]])
        assert name == "z" and list(outputs) == ["image"]
        assert outputs["image"].dtype == np.float32 and 0 <= outputs["image"].min() <= outputs["image"].max() <= 1
        assert np.abs(pixels(outputs["image"]) - drawn_by_server).max() <= 1
    if kind == "decoder":
        with pytest.raises(NoEncoderError, match="decoder alone"):
            exported(checkpoint, "encoder")
        return
    if likelihood != BASE[1]:
        return  # an encoder knows nothing of it
    images = np.random.default_rng(0).random((3, 1, 28, 28), dtype=np.float32)
    name, outputs = run(exported(checkpoint, "encoder"), images)
    encoding = server.encode(images)
    assert name == "image"
    assert list(outputs) == ["mean", "std", *(["covariance_factor"] if posterior == "full" else [])]
    np.testing.assert_allclose(outputs["mean"], encoding.mu, atol=1e-4)
    np.testing.assert_allclose(outputs["std"], encoding.marginal_std, rtol=1e-4, atol=1e-6)
    if posterior == "full":
        factor = outputs["covariance_factor"]
        np.testing.assert_allclose(np.sqrt(np.square(factor).sum(axis=2)), encoding.marginal_std, rtol=1e-4)
        assert np.all(np.triu(factor, 1) == 0)


def test_a_colour_model_of_an_odd_size_is_cropped_as_in_torch(tmp_path):
    shape = {"height": 13, "width": 19, "channels": 3, "latent_dim": 3}
    config = ModelConfig(architecture="residual", filters=8, features=16, **shape)
    network = _Decoder(drawn(checkpoints.NETWORKS["vae"], config, 0).eval()).eval()
    z = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    _, outputs = run(_traced(network, torch.zeros(2, 3), ["z", "image"]), z.numpy())
    np.testing.assert_allclose(outputs["image"], network(z).detach().numpy(), atol=1e-5)


def test_half_weights_are_left_alone_where_the_pictures_would_differ_or_the_numbers_are_too_large(tiny_checkpoint):
    checkpoint = checkpoints.load(tiny_checkpoint)
    linear = [layer for layer in checkpoint.model.decoder.modules() if isinstance(layer, torch.nn.Linear)]
    small = exported(checkpoint, "decoder", half=True)
    weights = sum(layer.weight.numel() for layer in linear)
    assert any(node.op_type == "Cast" for node in small.graph.node) and small.ByteSize() < 3 * weights
    with torch.no_grad():  # the same function, out of what float16 cannot hold apart
        linear[0].weight.mul_(1e-9)
        linear[0].bias.mul_(1e-9)
        linear[1].weight.mul_(1e9)
    whole = exported(checkpoint, "decoder", half=True)
    assert not any(node.op_type == "Cast" for node in whole.graph.node) and whole.ByteSize() > 4 * weights
    assert with_half_weights(whole) is None


def test_the_last_digits_are_rounded_to_the_nearest_and_to_even_in_the_middle():
    ulp = 2.0**-10
    values = np.array([1, 1 + ulp, 1 + 2 * ulp, 1 + 3 * ulp, -1 - 3 * ulp, 2 - ulp, 0], np.float16)
    assert _rounded(values, 1).tolist() == [1, 1, 1 + 2 * ulp, 1 + 4 * ulp, -1 - 4 * ulp, 2, 0]


def test_a_file_says_what_it_is(tiny_checkpoint):
    graph = exported(checkpoints.load(tiny_checkpoint), "decoder")
    facts = {prop.key: prop.value for prop in graph.metadata_props}
    assert facts["name"] == "tiny" and facts["dataset"] == "MNIST digits" and facts["quality"] == "ELBO −95.4 nats"
    assert facts["training_command"] == "python -m vae_core train" and "licence" in facts


def test_a_file_is_made_once_by_a_child_and_read_from_then_on(tiny_checkpoint, monkeypatch):
    first = onnx_export.decoder_bytes(tiny_checkpoint)
    monkeypatch.setattr(onnx_files, "WORKER", "no.such.module")
    assert onnx_export.decoder_bytes(tiny_checkpoint) == first
    _, outputs = run(onnx.load_from_string(first), np.zeros((1, 4), np.float32))
    assert np.abs(pixels(outputs["image"]) - open_model(tiny_checkpoint, device="cpu").decode(np.zeros((1, 4)))).max() <= 1
    with pytest.raises(onnx_export.OnnxExportError, match="No module"):
        onnx_export.encoder_bytes(tiny_checkpoint)


def test_a_child_that_is_killed_leaves_nothing_and_the_next_one_begins_anew(tiny_checkpoint, monkeypatch):
    file = onnx_export.onnx_file(tiny_checkpoint, "decoder", half=True)
    assert onnx_export.made_or_started(file) is None
    child = onnx_files._children._child
    assert child is not None and child.file == file
    os.killpg(child.process.pid, signal.SIGKILL)
    child.process.wait()
    with pytest.raises(onnx_export.OnnxExportError, match="signal 9"):
        onnx_export.made_or_started(file)
    assert not list(file.path.parent.glob("*.onnx.gz"))
    monkeypatch.setattr(time, "monotonic", lambda now=time.monotonic: now() + 60)
    assert onnx_export.made_or_started(file) is None
    onnx_files._children._child.process.kill()


def test_what_cannot_be_exported_is_refused_before_a_child_is_started(tmp_path, models_dir, make_model):
    (tmp_path / "x.safetensors").write_bytes(b"not a model")
    with pytest.raises(CheckpointError):
        onnx_export.decoder_bytes(tmp_path / "x.safetensors")
    alone = checkpoints.decoder_alone(checkpoints.load(make_model(tmp_path / "m.safetensors")))
    checkpoints.save(tmp_path / "d.safetensors", alone.model, alone.header, alone.extras)
    with pytest.raises(NoEncoderError, match="no encoder"):
        onnx_export.encoder_bytes(tmp_path / "d.safetensors")
    assert not (tmp_path / "runs").exists()


def test_what_was_not_asked_for_longest_goes_first(tmp_path, monkeypatch):
    for age, name in enumerate(("new", "old", "older")):
        (tmp_path / f"{name}.onnx.gz").write_bytes(b"0" * 100)
        os.utime(tmp_path / f"{name}.onnx.gz", (1000 - age, 1000 - age))
    monkeypatch.setattr(onnx_files, "MOST_KEPT", 250)
    onnx_files._forget_oldest(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.onnx.gz", "old.onnx.gz"]
