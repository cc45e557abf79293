"""States that cannot be used: cut short, forged, too large, of other images or another run. A sentence, and nothing changed."""

import json
import math
import os
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.core.resume_probe import small_set
from tests.core.test_resume import TINY
from vae_core.config.schema import train_config
from vae_core.errors import RunError
from vae_core.model_files.header import open_model_file, read_raw_header
from vae_core.training import loop, resume_state

CONFIG = train_config(**{**TINY, "epochs": 2})


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop.loading, "load", lambda *parts, progress=None: small_set())
        loop.train(CONFIG, folder, resumable=True)
    return folder


@pytest.fixture
def folder(whole, tmp_path, monkeypatch):
    """A copy of a run that ended, which can go on."""
    monkeypatch.setattr(loop.loading, "load", lambda *parts, progress=None: small_set())
    for name in (loop.METRICS, loop.CHECKPOINT, resume_state.STATE):
        (tmp_path / name).write_bytes((whole / name).read_bytes())
    return tmp_path


def refusal(folder, config=CONFIG, **options):
    """The sentence with which the run is refused; its files are as they were."""
    before = {path.name: path.lstat() for path in folder.iterdir()}
    with pytest.raises(RunError) as caught:
        loop.train(config, folder, resumable=True, **options)
    after = {path.name: path.lstat() for path in folder.iterdir()}
    assert {name: (one.st_ino, one.st_mtime_ns, one.st_size) for name, one in before.items()} == {
        name: (one.st_ino, one.st_mtime_ns, one.st_size) for name, one in after.items()
    }
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)
    return str(caught.value)


def forge(folder, tensors=None, **facts):
    """The state with other tensors (None: without it) or other facts."""
    path = folder / resume_state.STATE
    with open_model_file(path) as file:
        kept = json.loads(read_raw_header(file, path.name)["__metadata__"]["latent_walk_state"])
    found = load_file(path) | (tensors or {})
    save_file({name: tensor for name, tensor in found.items() if tensor is not None}, path,
              metadata={"latent_walk_state": json.dumps(kept | facts)})  # fmt: skip


def test_without_interruption_there_is_nothing_to_refuse(folder):
    assert loop.train(CONFIG, folder, resumable=True).state == "done"


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.9999])
def test_a_state_that_was_cut_short(folder, share):
    path = folder / resume_state.STATE
    os.truncate(path, int(path.stat().st_size * share))
    assert resume_state.STATE in refusal(folder)


@pytest.mark.parametrize(
    "data",
    [b"\x80\x04cos\nsystem\n.", b"\xff" * 100, struct.pack("<Q", 2**60) + b"{}", struct.pack("<Q", 2) + b"[]",
     struct.pack("<Q", 40) + b'{"x":{"dtype":"F32","shape":[9],"data_offsets":[0,36]}}'],
)  # fmt: skip
def test_what_is_no_state_at_all(folder, data):
    (folder / resume_state.STATE).write_bytes(data)
    assert resume_state.STATE in refusal(folder)


def test_a_model_in_place_of_a_state(folder):
    (folder / resume_state.STATE).write_bytes((folder / loop.CHECKPOINT).read_bytes())
    assert "holds no state of a run" in refusal(folder)


def test_a_huge_state_is_not_read(folder):
    os.truncate(folder / resume_state.STATE, 2**40)
    assert "1,099,511,627,776 bytes; a state of this run has at most" in refusal(folder)


@pytest.mark.parametrize("put", [lambda path: path.mkdir(), os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_no_file(folder, put):
    (folder / resume_state.STATE).unlink()
    put(folder / resume_state.STATE)
    assert resume_state.STATE in refusal(folder)


@pytest.mark.parametrize(
    ("tensors", "words"),
    [
        ({"model.encoder.0.weight": torch.zeros(3)}, "does not belong"),
        ({"order": None}, "order"),
        ({"order": torch.zeros(7, dtype=torch.uint8)}, "order has shape [7]"),
        ({"noise.generator": torch.zeros(5056)}, "noise.generator has shape"),
        ({"chance.generator": torch.zeros(5056, dtype=torch.uint8)}, "cannot be used"),
        ({"optimizer.0.exp_avg": torch.zeros(2)}, "optimizer.0.exp_avg has shape [2]"),
        ({"optimizer.0.exp_avg": None}, "'optimizer.0.exp_avg' is missing"),
        ({"optimizer.99.step": torch.zeros(())}, "'optimizer.99.step' does not belong"),
        ({"optimizer.0.extra": torch.zeros(())}, "'optimizer.0.extra' does not belong"),
        ({"means.totals": None}, "totals"),
        ({"means.totals": torch.full((3,), math.nan)}, "not finite"),
        ({"else": torch.zeros(1)}, "'else' does not belong"),
        ({"objective.gamma": torch.zeros(())}, "does not belong"),
    ],
)
def test_a_forged_tensor(folder, tensors, words):
    forge(folder, tensors)
    assert words in refusal(folder)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"step": -1}, "step: Input should be greater than or equal to 0"),
        ({"step": "x"}, "step"),
        ({"format": 2}, "format"),
        ({"exec": "import os"}, "exec"),
        ({"numbers": {}}, "cannot be used"),
        ({"numbers": {"best": 1}}, "cannot be used"),
        ({"best": [1.0]}, "best"),
        ({"best": None}, "best"),
        ({"settings": {"learning_rate": -1.0}}, "learning_rate"),
        ({"settings": {"epochs": 3}}, "cannot be changed"),
        ({"added_epochs": [4]}, "run.json has lost epochs"),
        ({"device": "cuda"}, "was interrupted on cuda and would go on on cpu"),
        ({"digest": "other"}, "the images have changed since this run was interrupted"),
    ],
)
def test_forged_facts(folder, facts, words):
    forge(folder, **facts)
    assert words in refusal(folder)


def test_another_config_is_named_field_by_field(folder):
    changed = train_config(**{**TINY, "epochs": 2, "seed": 5, "model": {**TINY["model"], "latent_dim": 4}})
    said = refusal(folder, changed)
    assert "model.latent_dim was 3 and is 4; seed was 0 and is 5" in said and "train again with the new one" in said


def test_images_that_changed_are_noticed(folder, monkeypatch):
    monkeypatch.setattr(loop.loading, "load", lambda *parts, progress=None: small_set(seed=1))
    assert "Put the old images back to resume it" in refusal(folder)


def test_a_full_disk_leaves_the_state_before_it_and_no_litter(folder, monkeypatch):
    before = (folder / resume_state.STATE).read_bytes()

    def full(tensors, path, metadata):
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(resume_state, "save_file", full)
    with pytest.raises(OSError, match="No space left"):
        loop.train(CONFIG, folder, resumable=True, added_epochs=(1,))
    assert (folder / resume_state.STATE).read_bytes() == before
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_states_cost_at_most_their_share_of_the_time(folder, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(resume_state.time, "monotonic", lambda: now[0])
    keeper = resume_state.Keeper.__new__(resume_state.Keeper)
    keeper._begun = keeper._written = keeper._spent = keeper._cost = 0.0
    written, steps = 0, 100_000
    for step in range(steps):  # of 10 ms, an epoch of 100 of them, a state that takes 0.3 s
        now[0] += 0.01
        if keeper.due(epoch_ended=step % 100 == 99):
            now[0] += 0.3
            keeper._written, keeper._cost, keeper._spent, written = now[0], 0.3, keeper._spent + 0.3, written + 1
    assert 0.9 * resume_state.SHARE < written * 0.3 / now[0] <= resume_state.SHARE
