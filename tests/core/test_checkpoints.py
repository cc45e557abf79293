"""A model file survives a round trip; a broken or hostile one is refused with a sentence, and nothing in it is executed."""

import json
import os
import pickle
import struct
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from vae_core.errors import CheckpointError
from vae_core.model_files import checkpoints
from vae_core.model_files.header import MAX_HEADER_BYTES, METADATA_KEY, load_header


@pytest.fixture
def path(tmp_path, make_model):
    return make_model(tmp_path / "good.safetensors", architecture="conv", latent_dim=3)


def parts(path):
    """(tensors, metadata) of a file, to be spoilt and written again."""
    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    return load_file(path), json.loads(raw[8 : 8 + length])["__metadata__"]


def rewrite(path, change):
    tensors, metadata = parts(path)
    described = json.loads(metadata[METADATA_KEY])
    change(tensors, described)
    save_file(tensors, path, metadata={METADATA_KEY: json.dumps(described)})


def refused(path, sentence):
    with pytest.raises(CheckpointError, match=sentence) as caught:
        checkpoints.load(path)
    assert "\n" not in str(caught.value).strip() and str(caught.value).rstrip().endswith(".")


def test_a_model_comes_back_with_its_weights_header_and_codes(path):
    before = checkpoints.load(path)
    again = path.with_name("again.safetensors")
    checkpoints.save(again, before.model, before.header, before.extras)
    after = checkpoints.load(again)
    assert after.header == before.header == load_header(again)
    for name, tensor in before.model.state_dict().items():
        assert torch.equal(after.model.state_dict()[name], tensor)
    assert after.extras.keys() == before.extras.keys() and not after.model.training


def test_half_weights_make_a_smaller_file_that_loads_as_float32(path):
    loaded, half = checkpoints.load(path), path.with_name("half.safetensors")
    checkpoints.save(half, loaded.model, loaded.header, half=True)
    weights = checkpoints.load(half).model.state_dict()
    assert all(tensor.dtype in (torch.float32, torch.int64) for tensor in weights.values())
    full = path.with_name("full.safetensors")
    checkpoints.save(full, loaded.model, loaded.header)
    assert half.stat().st_size < 0.6 * full.stat().st_size


def test_a_fixed_sigma_is_rebuilt_from_the_config(tmp_path, make_model):
    model = make_model(tmp_path / "m.safetensors")
    rewrite(model, lambda tensors, header: header["config"]["model"].update(likelihood="gaussian", sigma=0.25))
    assert float(checkpoints.load(model).model.head.log_sigma.exp()) == pytest.approx(0.25)


def test_a_model_that_was_trained_with_a_sigma_which_did_nothing_still_opens(tmp_path, make_model):
    model = make_model(tmp_path / "m.safetensors")
    rewrite(model, lambda tensors, header: header["config"]["model"].update(sigma=0.25))
    assert checkpoints.load(model).header.config.model.sigma == 0.25


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "it is empty"),
        (b"abc", "is not a safetensors file"),
        (pickle.dumps({"weights": list(range(100))}), "is not a safetensors file"),
        (struct.pack("<Q", 2**63) + b"{}", "bad.safetensors is not a safetensors file: it does not begin as one"),
        (struct.pack("<Q", MAX_HEADER_BYTES + 1) + b" " * (MAX_HEADER_BYTES + 10), "at most 1,000,000 are read"),
        (struct.pack("<Q", 4) + b"nope", "not JSON"),
        (struct.pack("<Q", 2) + b"[]", "not JSON"),
        (struct.pack("<Q", 400_000) + b"[" * 400_000, "not JSON"),
        (struct.pack("<Q", 2) + b"{}", "no description of a model"),
    ],
)
def test_what_is_not_a_model_file_is_refused(tmp_path, content, sentence):
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(content)
    refused(bad, sentence)


SAVE_WITH_LITTLE_ROOM = """
import resource, sys
from vae_core.model_files import checkpoints
loaded = checkpoints.load(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    checkpoints.save(sys.argv[1], loaded.model, loaded.header)
except OSError as error:
    print("refused:", error)
"""


@pytest.mark.parametrize("room", [0, 5000])
def test_a_disk_that_becomes_full_while_saving_leaves_the_file_before_untouched(path, room):
    before = path.read_bytes()
    assert len(before) > 5000
    words = [sys.executable, "-c", SAVE_WITH_LITTLE_ROOM, str(path), str(room)]
    done = subprocess.run(words, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.stdout.startswith("refused:"), done.stderr
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]


def test_a_missing_and_a_truncated_file_are_refused(tmp_path, path):
    refused(tmp_path / "gone.safetensors", "cannot be read")
    path.write_bytes(path.read_bytes()[:-1000])
    refused(path, "is broken")


def _drop_weight(tensors, header):
    del tensors["model.encoder.dense.1.weight"]


def _foreign_tensor(tensors, header):
    tensors["extra"] = torch.zeros(3)


def _wrong_shape(tensors, header):
    tensors["model.encoder.dense.1.weight"] = torch.zeros(2, 2)


def _wrong_kind(tensors, header):
    tensors["model.encoder.dense.1.bias"] = tensors["model.encoder.dense.1.bias"].to(torch.int32)


def _nan_weight(tensors, header):
    tensors["model.encoder.dense.1.bias"][0] = float("nan")


def _codes_of_another_size(tensors, header):
    tensors["latents.mu"] = torch.zeros(200, 9)


def _correlations_of_another_size(tensors, header):
    tensors["latents.correlation"] = torch.zeros(200, 5)


def _unequal_codes(tensors, header):
    tensors["latents.elbo"] = torch.zeros(7)


def _bigger_model(tensors, header):
    header["config"]["model"]["latent_dim"] = 256


def _unknown_key(tensors, header):
    header["config"]["exec"] = "import os"


def _newer_format(tensors, header):
    header["format"] = 3


def _statistics_of_another_size(tensors, header):
    header["statistics"]["mean"] = [0.0]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_drop_weight, "dense.1.weight is missing"),
        (_foreign_tensor, "'extra' does not belong"),
        (_wrong_shape, r"has shape \[2, 2\]"),
        (_wrong_kind, "of kind I32; expected"),
        (_nan_weight, "not finite"),
        (_codes_of_another_size, r"latents.mu has shape \[200, 9\]"),
        (_correlations_of_another_size, r"latents.correlation has shape \[200, 5\] of kind F32; expected \[200, 3\]"),
        (_unequal_codes, "latents.elbo has shape"),
        (_bigger_model, "the model has 256"),
        (_unknown_key, "config.exec: Extra inputs"),
        (_newer_format, "format"),
        (_statistics_of_another_size, "one number per latent dimension"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(path, change, sentence):
    rewrite(path, change)
    refused(path, sentence)


def test_a_huge_model_that_the_file_does_not_hold_takes_no_memory(path):
    def claim(tensors, header):
        header["config"]["model"].update(architecture="mlp", hidden=[4096] * 8)

    rewrite(path, claim)
    refused(path, "is missing")


def test_a_file_that_is_replaced_while_it_is_read_gives_one_whole_version(path, make_model, monkeypatch):
    other = make_model(path.with_name("other.safetensors"), architecture="conv", latent_dim=3, seed=5)
    wanted = checkpoints.load(path)
    parse = checkpoints.parse_header

    def parse_while_another_takes_its_place(raw, filename):
        if other.exists():
            other.replace(path)
        return parse(raw, filename)

    monkeypatch.setattr(checkpoints, "parse_header", parse_while_another_takes_its_place)
    loaded = checkpoints.load(path)
    assert not other.exists() and loaded.header.name == "good"
    for name, tensor in wanted.model.state_dict().items():
        assert torch.equal(loaded.model.state_dict()[name], tensor), name
    assert checkpoints.load(path).header.name == "other"


def test_a_file_with_more_or_fewer_bytes_than_its_tensors_need_is_not_read(path):
    good = path.read_bytes()
    for data in (good + b"x", good[:-1]):
        path.write_bytes(data)
        refused(path, r"its tensors need [\d,]+ bytes and it holds")


@pytest.mark.parametrize("kind", ["folder", "fifo", "loop"])
def test_what_is_no_file_is_refused_at_once(tmp_path, kind):
    place = tmp_path / "m.safetensors"
    {"folder": place.mkdir, "fifo": lambda: os.mkfifo(place), "loop": lambda: place.symlink_to(place.name)}[kind]()
    refused(place, "m.safetensors cannot be read")
