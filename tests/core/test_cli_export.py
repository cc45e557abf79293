"""`export`: a model as a file for other programs."""

import numpy as np
import onnxruntime
import pytest
from typer.testing import CliRunner

from vae_core.cli import app


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def unmade(monkeypatch):
    """The files are made in this process: what a child adds is tested elsewhere."""
    from vae_core.onnx_export import onnx_files

    def made(file):
        onnx_files.make(file)
        return file.path

    monkeypatch.setattr(onnx_files, "made", made)


def test_export_writes_the_decoder_or_the_encoder_where_it_is_told(tiny_checkpoint, tmp_path, monkeypatch, unmade):
    monkeypatch.chdir(tmp_path)
    result = run("export", "tiny", "--onnx")
    assert result.exit_code == 0 and "Saved tiny.onnx" in result.stdout, result.output
    decoder = onnxruntime.InferenceSession("tiny.onnx", providers=["CPUExecutionProvider"])
    assert decoder.run(None, {"z": np.zeros((2, 4), np.float32)})[0].shape == (2, 1, 28, 28)
    assert decoder.get_modelmeta().custom_metadata_map["name"] == "tiny"
    result = run("export", tiny_checkpoint, "--onnx", "--encoder", "--out", "half.onnx", "--half")
    assert result.exit_code == 0, result.output
    encoder = onnxruntime.InferenceSession("half.onnx", providers=["CPUExecutionProvider"])
    mean, std = encoder.run(["mean", "std"], {"image": np.zeros((1, 1, 28, 28), np.float32)})
    assert mean.shape == std.shape == (1, 4)


def test_what_cannot_be_exported_is_said_in_a_sentence(tiny_checkpoint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for words, said in ((("export", "tiny"), "--onnx"), (("export", "nobody", "--onnx"), "no model 'nobody'")):
        result = run(*words)
        assert result.exit_code == 2 and said in result.stderr
    assert not list(tmp_path.glob("*.onnx"))
