"""Snapshots of a run: at which steps, how many and how large, and that each is the model of its step."""

import fcntl
import os
from itertools import pairwise

import numpy as np
import pytest
import torch

from tests.place_runs import place_run
from vae_core.config.schema import train_config
from vae_core.data import loading
from vae_core.latent.latent_model import open_model
from vae_core.model.vae import build
from vae_core.model_files import checkpoints, model_list
from vae_core.runs import snapshot_files
from vae_core.runs.snapshot_files import LIVE, MOST_LISTED, model_path, snapshot_path, snapshot_steps
from vae_core.training import loop, snapshots
from vae_core.training.snapshots import GRID, MOST, Snapshots, steps_until

CONFIG = train_config(
    data={"name": "shapes", "limit": 600, "validation": 200},
    model={"architecture": "mlp", "latent_dim": 3, "hidden": (32,)},
    epochs=5, batch_size=100, precision="float32", device="cpu",
)  # fmt: skip


@pytest.fixture(scope="module")
def small_set():
    return loading.load(*CONFIG.data.parts)


@pytest.fixture(scope="module")
def finished(tmp_path_factory, small_set):
    """A run of 30 steps, and the weights it had at each of them."""
    folder, weights = tmp_path_factory.mktemp("run"), {}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop.loading, "load", lambda *parts, progress=None: small_set)
        look = loop.Run._look

        def watched(run):
            weights[run.step.count] = {name: tensor.clone() for name, tensor in run.model.state_dict().items()}
            look(run)

        patch.setattr(loop.Run, "_look", watched)
        loop.train(CONFIG, folder)
    return folder, weights


def test_the_steps_grow_geometrically_and_are_never_too_many():
    assert GRID[:12] == (0, 1, 2, 4, 8, 16, 32, 64, 128, 181, 256, 362)
    for step in (*GRID, *np.random.default_rng(0).integers(0, 10**7, 200).tolist()):
        for most in (4, 7, MOST):
            steps = steps_until(step, most)
            assert steps[0] == 0 and len(steps) <= most and (len(steps) > most / 2 or steps == [s for s in GRID if s <= step])
    assert len(steps_until(10**6)) == 34


@pytest.mark.parametrize("most", [4, 11, MOST])
def test_what_is_kept_later_was_kept_before(most):
    for earlier, later in pairwise(GRID):
        assert set(steps_until(later, most)) - {later} <= set(steps_until(earlier, most))


def test_a_snapshot_draws_what_the_model_of_that_step_draws(finished, small_set):
    folder, weights = finished
    assert snapshot_steps(folder) == [0, 1, 2, 4, 8, 16]
    z = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    drawn = []
    for step in snapshot_steps(folder):
        snapshot = open_model(snapshot_path(folder, step))
        model = build(CONFIG.model)
        model.load_state_dict({name: tensor.half().float() for name, tensor in weights[step].items()})
        with torch.inference_mode():
            expected = model.eval().decode(z).mean
            codes = model.encode(loading.to_float(small_set.test.images[:256])).mu
        np.testing.assert_allclose(snapshot.decode_float(z.numpy()), expected.numpy(), atol=1e-6)
        np.testing.assert_allclose(snapshot.test_means, codes.numpy(), atol=0.02)  # written before the weights were rounded
        np.testing.assert_array_equal(snapshot.test_labels, small_set.test.labels[:256])
        assert snapshot.header.step == step and snapshot.header.epoch == step / 6
        drawn.append(snapshot.decode(z.numpy()))
    assert all((a != b).any() for a, b in pairwise(drawn[2:])), "training changes what is drawn"


def test_the_model_as_it_is_now_is_gone_when_the_run_has_ended(finished):
    folder, _ = finished
    assert not (folder / LIVE).exists() and model_path(folder) == folder / "best.safetensors"


def written(folder, small_set, steps, config=CONFIG, **limits):
    model = build(config.model)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in limits.items():
            patch.setattr(snapshot_files, name, value)
        seen = Snapshots(folder, config, small_set, model, name="a", command="")
        for step in range(*steps):
            seen.look(lambda: model, step, step / 4)
    return snapshot_steps(folder)


def test_there_is_a_bound_on_their_number_and_size(tmp_path, small_set):
    every = tmp_path / "every"
    every.mkdir()
    written(every, small_set, (0, 1))
    size = snapshot_path(every, 0).stat().st_size
    few = tmp_path / "few"
    few.mkdir()
    steps = written(few, small_set, (0, 70), MOST_BYTES=6 * size)
    assert 4 <= len(steps) <= 6 and steps[0] == 0 and steps == steps_until(64, len(steps))
    assert sum(path.stat().st_size for path in few.rglob("*.safetensors")) <= 7 * size  # one of them is the model as it is now
    none = tmp_path / "none"
    none.mkdir()
    assert written(none, small_set, (0, 5), MOST_BYTES=size) == [] and (none / LIVE).exists()


def test_a_resumed_run_writes_the_same_ones_again(tmp_path, small_set):
    assert written(tmp_path, small_set, (0, 9)) == [0, 1, 2, 4, 8]
    before = [snapshot_path(tmp_path, step).stat().st_mtime_ns for step in (2, 4)]
    assert written(tmp_path, small_set, (3, 5)) == [0, 1, 2, 4], "what came after the state it resumed from is to come again"
    after = [snapshot_path(tmp_path, step).stat().st_mtime_ns for step in (2, 4)]
    assert after[0] == before[0] and after[1] > before[1]
    assert written(tmp_path, small_set, (5, 9)) == [0, 1, 2, 4, 8]


def test_neither_a_full_disk_nor_weights_that_diverged_end_the_run(tmp_path, small_set, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "save", full)
        assert written(tmp_path, small_set, (0, 3)) == []
    model = build(CONFIG.model)
    seen = Snapshots(tmp_path, CONFIG, small_set, model, name="a", command="")
    with torch.no_grad():
        next(iter(model.encoder.parameters())).fill_(float("nan"))
    seen.look(lambda: model, 0, 0.0)
    assert snapshot_steps(tmp_path) == [] and not (tmp_path / LIVE).exists()


def test_the_model_as_it_is_now_costs_about_a_hundredth_of_the_time(tmp_path, small_set, monkeypatch):
    clock, times = [100.0], []
    monkeypatch.setattr(snapshots.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(snapshots.time, "process_time", lambda: clock[0])

    def slow(path, *_, **__):
        clock[0] += 0.05
        times.append(clock[0])

    monkeypatch.setattr(checkpoints, "save", slow)
    seen = Snapshots(tmp_path, CONFIG, small_set, build(CONFIG.model), name="a", command="")
    for step in range(1001, 3001):  # no snapshot among most of them
        seen.look(lambda: build(CONFIG.model), 3, step / 4)
        clock[0] += 0.01
    assert len(times) in (4, 5), "once in five seconds"
    assert np.diff(times).min() > 4.9


def test_a_run_that_goes_on_is_a_model_from_its_first_step(models_dir, tiny_checkpoint):
    run_dir = place_run("going", "running")
    assert [entry.name for entry in model_list.list_models()] == ["tiny"]
    (run_dir / LIVE).write_bytes(tiny_checkpoint.read_bytes())
    assert model_list.model_of_run("going").path == run_dir / LIVE, "of a run that died before its first epoch it is all there is"
    (run_dir / "best.safetensors").write_bytes(tiny_checkpoint.read_bytes())
    assert model_list.model_of_run("going").path == run_dir / "best.safetensors"
    lock = os.open(run_dir / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    assert model_list.model_of_run("going").path == run_dir / LIVE
    os.close(lock)


def test_whatever_lies_among_the_snapshots_only_theirs_count(tmp_path):
    folder = tmp_path / "snapshots"
    folder.mkdir()
    others = ("step-4.safetensors", "step-00000001.safetensors.part", ".step-00000002.safetensors", "x")
    for name in ("step-00000004.safetensors", *others):
        (folder / name).touch()
    (folder / "step-00000007.safetensors").mkdir()
    assert snapshot_steps(tmp_path) == [4, 7]  # opening the folder fails as for any broken model
    for step in range(100, 300):
        (folder / f"step-{step:08d}.safetensors").touch()
    assert len(snapshot_steps(tmp_path)) == MOST_LISTED
    assert snapshot_steps(tmp_path / "none") == []
