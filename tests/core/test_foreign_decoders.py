"""A decoder comes in as an ONNX file: tried in a process of its own, kept as a model, explored like any other."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.core import onnx_files
from tests.core.test_header import describe_anew
from vae_core.cli import app
from vae_core.errors import CheckpointError, LatentError
from vae_core.foreign_decoders import trial, trial_process
from vae_core.foreign_decoders.onnx_session import from_unit, to_unit
from vae_core.images import to_png
from vae_core.latent.latent_model import open_model
from vae_core.latent.paths import path_through
from vae_core.model_files.add_foreign_decoder import add_decoder, change_decoder
from vae_core.model_files.header import load_header
from vae_core.model_files.model_list import add_upload
from vae_core.publish import describe_model

BROKEN = onnx_files.broken()
HUNGRY = ("huge-constant", "doubled")  # need the limits of a process


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


@pytest.fixture(autouse=True)
def _own_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("VAE_RUNS", str(tmp_path / "runs"))
    for known in (trial._passed, trial._refused):
        known.clear()


@pytest.fixture
def file(tmp_path):
    def write(data, name="mine.onnx"):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


def test_one_written_by_hand_with_channels_last_is_imported_by_one_command_and_drawn_exactly(file):
    result = run("import", file(onnx_files.nhwc()), "--source", "https://example.org", "--licence", "MIT")
    assert result.exit_code == 0, result.stderr
    assert "Imported mine: 3 numbers to 10 x 12 in colour (N, H, W, C), values from 0 to 1 (detected" in result.stdout
    model = open_model(trial.runs_root() / "uploads" / "mine.safetensors", device="cpu")
    foreign = model.header.foreign
    assert (foreign.layout, foreign.range, foreign.prior, foreign.source, foreign.licence, foreign.filename) == (
        "nhwc", "unit", "normal", "https://example.org", "MIT", "mine.onnx",
    )  # fmt: skip
    z = model.sample_prior(70, 0)
    expected = 1 / (1 + np.exp(-(z @ onnx_files.weights_of(3, 360)))).reshape(70, 12, 10, 3)
    assert model.image_shape == (12, 10, 3) and not model.can_encode and model.header.has_prior
    np.testing.assert_allclose(model.decode_float(z).transpose(0, 2, 3, 1), expected, atol=1e-5)
    np.testing.assert_array_equal(model.decode(z[:1])[0], model.decode(z)[0])
    rows = {row["name"]: row for row in json.loads(run("list", "--json").stdout)}
    assert rows["mine"]["kind"] == "decoder" and rows["mine"]["architecture"] == "onnx" and rows["mine"]["objective"] == ""


def test_a_dcgan_of_100_dimensions_takes_its_z_as_every_other_model(file, tmp_path):
    target = tmp_path / "faces.safetensors"
    result = run("import", file(onnx_files.dcgan()), "--name", "faces", "--prior", "uniform", "--out", target)
    assert "100 numbers to 64 x 64 in colour" in result.stdout and "values from −1 to 1 (detected" in result.stdout
    model = open_model(target, device="cpu")
    z = model.sample_prior(500, 1)
    assert z.shape == (500, 100) and -1 <= z.min() < -0.99 and 0.99 < z.max() <= 1
    assert model.decode(z[:5]).shape == (5, 64, 64, 3) and model.decode_small(z[:40], 16).shape == (40, 16, 16, 3)
    assert len(path_through(model, z[:2], kind="spherical", count=5).pictures) == 5
    with pytest.raises(LatentError, match="has no gradients, and so no geodesic paths"):
        path_through(model, z[:2], kind="geodesic", count=5)
    with pytest.raises(LatentError, match="its likelihood is not known"):
        model.draw(z[:1], 0)
    assert run("sample", target, "--out", tmp_path / "sheet.png").exit_code == 0


@pytest.mark.filterwarnings("ignore")  # of the exporter
def test_one_exported_from_pytorch_draws_what_pytorch_draws(tmp_path):
    import torch
    from torch import nn

    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Linear(6, 64), nn.BatchNorm1d(64), nn.LeakyReLU(), nn.Unflatten(1, (4, 4, 4)), nn.Upsample(scale_factor=2),
        nn.ConvTranspose2d(4, 1, 4, 2, 1), nn.Tanh(),
    ).eval()  # fmt: skip
    z = torch.randn(9, 6)
    torch.onnx.export(network, (z,), str(tmp_path / "torch.onnx"), dynamo=False, input_names=["latent"], output_names=["out"],
                      dynamic_axes={"latent": {0: "n"}, "out": {0: "n"}})  # fmt: skip
    found = trial.try_out((tmp_path / "torch.onnx").read_bytes())
    entry = add_decoder(found, "from torch")
    model = open_model(entry.path, device="cpu")
    assert model.header.foreign.range == "symmetric" and entry.name == "from torch"
    with torch.inference_mode():
        expected = (network(z).numpy() + 1) / 2
    np.testing.assert_allclose(model.decode_float(z.numpy()), expected, atol=1e-5)


def test_logits_are_detected_and_what_was_detected_can_be_corrected_afterwards(file):
    run("import", file(onnx_files.logits()))
    path = trial.runs_root() / "uploads" / "mine.safetensors"
    z = np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32)
    as_logits = open_model(path, device="cpu").decode_float(z)
    assert load_header(path).foreign.range == "logits"
    result = run("import", "mine", "--range", "unit", "--prior", "uniform", "--licence", "CC0")
    assert result.exit_code == 0, result.stderr
    header = load_header(path)
    assert (header.foreign.range, header.foreign.prior, header.origin) == ("unit", "uniform", "CC0")
    inner = np.clip(as_logits.astype(float), 1e-6, 1 - 1e-6)
    raw = np.log(inner / (1 - inner))
    inside = np.abs(raw) < 5
    np.testing.assert_allclose(open_model(path, device="cpu").decode_float(z)[inside], np.clip(raw, 0, 1)[inside], atol=1e-2)
    for words in (["import", "mine"], ["import", "mine", "--range", "bright"], ["import", "mine", "--source", "two\nlines"]):
        assert run(*words).exit_code == 2
    with pytest.raises(CheckpointError, match="licence"):
        change_decoder(path, licence="x" * 1000)


def test_an_encoder_beside_it_gives_codes_and_reconstructions(file, tmp_path):
    result = run("import", file(onnx_files.logits()), "--encoder", file(onnx_files.encoder(), "encoder.onnx"))
    assert result.exit_code == 0 and "with an encoder" in result.stdout
    model = open_model(trial.runs_root() / "uploads" / "mine.safetensors", device="cpu")
    x = model.decode_float(model.sample_prior(3, 0))
    encoding = model.encode(x)
    assert model.can_encode and model.header.has_encoder and not encoding.has_bound
    np.testing.assert_allclose(encoding.mu, x.reshape(3, -1) @ (onnx_files.weights_of(256, 4) / 16), atol=1e-4)
    np.testing.assert_allclose(encoding.x_hat, model.decode_float(encoding.mu), atol=1e-6)
    np.testing.assert_allclose(encoding.log_px_z, -np.square(x - encoding.x_hat).sum(axis=(1, 2, 3)), rtol=1e-4)
    (tmp_path / "x.png").write_bytes(to_png(model.decode(encoding.mu)[0]))
    assert "squared error" in run("encode", tmp_path / "x.png", "--model", "mine").stdout
    wrong = run("import", file(onnx_files.logits()), "--encoder", file(onnx_files.encoder(latent_dim=7), "encoder.onnx"))
    assert wrong.exit_code == 2 and "The encoder: its code of 4 images has the shape (4, 7)" in wrong.stderr


@pytest.mark.parametrize("name", [name for name in BROKEN if name not in HUNGRY])
def test_a_broken_file_gets_a_sentence(name, tmp_path):
    data, said = BROKEN[name]
    with pytest.raises(CheckpointError, match=said) as refused:
        trial_process.try_decoder(data, tmp_path)
    assert len(str(refused.value)) < 500 and str(refused.value).isprintable() and not list(tmp_path.glob("checked*"))


@pytest.mark.parametrize("name", HUNGRY)
def test_a_file_that_asks_for_terabytes_ends_with_its_process(name, file):
    data, said = BROKEN[name]
    result = run("import", file(data))
    assert result.exit_code == 2 and not list((trial.runs_root() / "uploads").glob("*.safetensors"))
    with pytest.raises(CheckpointError, match=said):
        trial.try_out(data)


def test_a_trial_that_does_not_end_is_ended(monkeypatch):
    monkeypatch.setattr(trial, "SECONDS", 0.01)
    with pytest.raises(CheckpointError, match="stopped after"):
        trial.try_out(onnx_files.nhwc())


@pytest.mark.parametrize("name", ["../../etc/passwd", ".hidden", "a/b\\c", "\x1b[31m red", "x" * 500, ""])
def test_whatever_it_is_called_it_becomes_a_file_among_the_uploads(name):
    entry = add_decoder(_trial(), name)
    assert entry.path.parent == trial.runs_root() / "uploads" and entry.name.isprintable() and len(entry.name) <= 80
    assert load_header(entry.path).name == entry.name


def test_a_model_file_with_a_network_that_nobody_has_tried_is_tried_before_it_is_run(tmp_path, monkeypatch):
    kept = add_decoder(_trial(), "good").path.read_bytes()
    trial._passed.clear()
    assert add_upload(kept, "again.safetensors").name == "again"  # its note lies beside the runs: no second trial
    monkeypatch.setenv("VAE_RUNS", str(tmp_path / "another"))
    trial._passed.clear()
    asked = []
    monkeypatch.setattr(trial, "_run", lambda folder: asked.append(folder) or trial_process.main(folder))
    monkeypatch.setattr(trial_process, "_limit", lambda: None)
    evil, good = onnx_files._loop(), _trial().decoder
    hidden = kept.replace(good, evil[: len(good)].ljust(len(good), b"\0"))
    with pytest.raises(CheckpointError):
        add_upload(hidden, "evil.safetensors")
    assert len(asked) == 1 and not list((tmp_path / "another" / "uploads").glob("*.safetensors"))
    with pytest.raises(CheckpointError):
        add_upload(hidden, "evil.safetensors")
    assert len(asked) == 1  # a refusal is remembered


def test_a_header_that_lies_about_the_pictures_is_refused():
    path = add_decoder(_trial(), "liar").path

    def lie(described):
        described["config"]["model"]["height"] = described["data"]["height"] = 20

    describe_anew(path, lie)
    with pytest.raises(CheckpointError, match="liar is not what its header says"):
        open_model(path, device="cpu")


def test_what_a_browser_gets_of_it_is_what_is_kept_to_the_byte_and_how_to_read_it():
    entry = add_decoder(_trial(), "shared", prior="uniform", source="a paper", licence="MIT")
    assert describe_model._onnx(entry.path, "decoder") == _trial().decoder
    page = describe_model.described(entry.path, "shared", most_points=10).json
    assert (page["decoder"]["layout"], page["decoder"]["range"]) == ("nchw", "logits") and page["encoder"] is None
    assert page["view"]["uniform"] is True and page["view"]["images"] is False
    assert {(row["low"], row["high"]) for row in page["view"]["dimensions"]} == {(-1, 1)}
    assert {("source", "a paper"), ("licence", "MIT")} <= {tuple(row) for row in page["facts"]}


def test_values_become_pictures_and_back():
    values = np.array([[[[-1.0, 0, 1, np.nan, np.inf]]]], dtype=np.float32)
    np.testing.assert_allclose(to_unit(values, "nchw", "unit")[0, 0, 0], [0, 0, 1, 0, 1])
    np.testing.assert_allclose(to_unit(values, "nchw", "symmetric")[0, 0, 0], [0, 0.5, 1, 0.5, 1])
    np.testing.assert_allclose(to_unit(values, "nchw", "logits")[0, 0, 0], [0.26894, 0.5, 0.73106, 0.5, 1], atol=1e-4)
    pictures = np.random.default_rng(0).random((2, 3, 8, 9), dtype=np.float32)
    for layout in ("nchw", "nhwc"):
        np.testing.assert_allclose(to_unit(from_unit(pictures, layout, "symmetric"), layout, "symmetric"), pictures, atol=1e-6)


def _trial():
    """Of the smallest good file, without a process."""
    data = onnx_files.logits()
    report = trial.Report(latent_dim=4, height=16, width=16, channels=1, layout="nchw", range="logits", low=-1, high=1,
                          milliseconds=0.1, nodes=2)  # fmt: skip
    found = trial.Trial(report, data, b"", {})
    trial._remember(found)
    return found
