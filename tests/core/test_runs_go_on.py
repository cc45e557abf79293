"""Pause, resume, extend, change, queue and trash of runs: real child processes around a stand-in for training."""

import json
import os
import signal
import time

import pytest

from tests.core.test_runs import FOREVER, SHORT, config, pid_of, wait_for, wait_state
from vae_core import runs
from vae_core.errors import ConfigError, RunError
from vae_core.runs import queue, trash
from vae_core.training import worker_process


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("VAE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(runs.start_stop_delete, "WORKER", "tests.core.fake_worker")
    yield tmp_path / "runs"
    for run in runs.list_runs():
        runs.stop(run.run_id)
    wait_for(lambda: not any(run.live for run in runs.list_runs()))


def kill(run_id):
    os.kill(pid_of(run_id), signal.SIGKILL)
    return wait_state(run_id, "died")


def test_a_paused_run_frees_the_device_and_goes_on_when_it_is_resumed():
    first, second = runs.start(config(FOREVER)), runs.start(config(FOREVER))
    wait_state(first, "running")
    runs.pause(first)
    wait_state(second, "running")
    paused = wait_state(first, "paused")
    assert paused.resumable and paused.ended is not None and not paused.stopping
    runs.resume(first)
    assert runs.status(first).state == "queued", "the other one has the device"
    runs.stop(second)
    wait_state(first, "running")
    assert 0 < runs.status(first).before == pytest.approx(paused.seconds, abs=0.2)


def test_a_queued_run_can_be_paused_and_resumed():
    first, second = runs.start(config(FOREVER)), runs.start(config(SHORT))
    wait_state(first, "running")
    runs.pause(second)
    assert wait_state(second, "paused").started is None
    runs.resume(second)
    runs.stop(first)
    wait_state(second, "done")


def test_all_that_died_go_on_in_their_order_and_what_a_killed_one_left_half_written_is_gone():
    ids = [runs.start(config(FOREVER), f"run {n}") for n in range(2)]
    wait_state(ids[0], "running")
    litter = runs.runs_root() / ids[0] / ".state.safetensors.123.456"
    litter.write_bytes(b"half")
    for process in [pid_of(ids[0])]:
        os.kill(process, signal.SIGKILL)
    wait_state(ids[1], "running")
    kill(ids[1])
    assert runs.resume_all() == 2
    wait_state(ids[0], "running")
    assert runs.status(ids[1]).state == "queued" and not litter.exists()
    assert runs.resume_all() == 0


def test_what_cannot_go_on_is_refused_with_the_reason():
    run_id = runs.start(config(FOREVER))
    wait_state(run_id, "running")
    with pytest.raises(RunError, match="is going already"):
        runs.resume(run_id)
    runs.stop(run_id)
    run = wait_state(run_id, "stopped")
    (run.path / "metrics.jsonl").write_text('{"kind": "validation", "step": 9, "epoch": 3.0, "time": 1.0}\n')
    with pytest.raises(RunError, match=r"has no state\.safetensors"):
        runs.resume(run_id)
    with pytest.raises(RunError, match=r"has no state\.safetensors"):
        runs.extend(run_id, 2)
    (run.path / "status.json").write_text('{"state": "done"}')
    (run.path / "state.safetensors").write_bytes(b"x")
    (run.path / "metrics.jsonl").write_text('{"kind": "validation", "step": 9, "epoch": 8.0, "time": 1.0}\n')
    with pytest.raises(RunError, match=r"trained all of its 8 epochs\. Extend it"):
        runs.resume(run_id)
    (run.path / "config.json").write_text("{}}")
    for act in (lambda: runs.resume(run_id), lambda: runs.extend(run_id, 1), lambda: runs.change(run_id, learning_rate=1e-3)):
        with pytest.raises(RunError, match="cannot be read"):
            act()


def test_an_extended_run_goes_on_and_shows_all_of_its_epochs(root):
    run_id = runs.start(config(FOREVER))
    wait_state(run_id, "running")
    runs.stop(run_id)
    wait_state(run_id, "stopped")
    (root / run_id / "state.safetensors").write_bytes(b"x")
    for wrong in (0, -3, 5000):
        with pytest.raises(RunError, match="add from 1 to 1,992"):
            runs.extend(run_id, wrong)
    runs.extend(run_id, 4)
    wait_state(run_id, "running")
    runs.extend(run_id, 2)  # while it goes
    run = runs.status(run_id)
    assert (run.config.epochs, run.added_epochs) == (14, (4, 2))
    assert json.loads((root / run_id / "config.json").read_text())["epochs"] == 8


def test_settings_are_checked_before_a_running_process_is_asked_to_take_them_over(root, capsys):
    run_id = runs.start(config(FOREVER))
    with pytest.raises(ConfigError, match="'epochs' cannot be changed while a run goes; only learning_rate, beta can"):
        runs.change(run_id, epochs=3)
    with pytest.raises(ConfigError, match="learning_rate"):
        runs.change(run_id, learning_rate=-1.0)
    runs.change(run_id, beta=4.0)
    runs.change(run_id, learning_rate=1e-4)
    run = runs.status(run_id)
    assert run.settings == {"beta": 4.0, "learning_rate": 1e-4} == runs.current_settings(run)
    wanted = worker_process._changes(root / run_id, config(FOREVER))
    assert wanted() == run.settings
    (root / run_id / "changes.json").write_text('{"beta": -5}')
    later = time.monotonic() + 2 * worker_process.CHANGES_SECONDS
    wait_for(lambda: time.monotonic() > later)
    assert wanted() == run.settings and "Not changed: " in capsys.readouterr().out


def test_the_queue_can_be_reordered():
    ids = [runs.start(config(FOREVER), f"run {n}") for n in range(4)]
    wait_state(ids[0], "running")

    def order():
        return [run.name for run in queue.waiting(runs.list_runs())]

    assert order() == ["run 1", "run 2", "run 3"]
    queue.move(ids[3], -1)
    assert order() == ["run 1", "run 3", "run 2"]
    queue.move(ids[1], 5)
    assert order() == ["run 3", "run 2", "run 1"]
    with pytest.raises(RunError, match="does not wait any more"):
        queue.move(ids[0], 1)
    runs.stop(ids[0])
    wait_state(ids[3], "running")
    assert order() == ["run 2", "run 1"]


def test_each_device_has_its_own_turn_and_as_many_slots_as_are_configured(monkeypatch):
    monkeypatch.setenv(queue.PER_DEVICE, "2")
    ids = [runs.start(config(FOREVER)) for _ in range(3)]
    wait_state(ids[0], "running")
    wait_state(ids[1], "running")
    time.sleep(3 * worker_process.POLL_SECONDS)
    assert runs.status(ids[2]).state == "queued"
    monkeypatch.setenv(queue.PER_DEVICE, "no")
    with pytest.raises(RunError, match="whole number from 1 to 64"):
        queue.slots()
    assert queue.device_kind("cpu") == "cpu" and queue.device_kind("cuda:0") == queue.device_kind("cuda") != "cpu"
    assert queue.device_kind("cuda:1") not in ("cpu", queue.device_kind("cuda"))


def test_a_run_that_answers_no_more_is_ended_by_force_and_no_other_process_ever_is(root):
    run_id = runs.start(config(FOREVER))
    wait_state(run_id, "running")
    mine = json.loads((root / run_id / "status.json").read_text())
    (root / run_id / "status.json").write_text(json.dumps(mine | {"pid": os.getpid()}))
    with pytest.raises(RunError, match="not found"):
        runs.end_by_force(run_id)
    (root / run_id / "status.json").write_text(json.dumps(mine))
    os.kill(mine["pid"], signal.SIGSTOP)
    runs.end_by_force(run_id)
    wait_state(run_id, "died")


def test_a_run_that_shows_no_sign_of_life_has_stalled(root, monkeypatch):
    run_id = runs.start(config(FOREVER))
    run = wait_state(run_id, "running")
    assert not run.stalled and run.quiet < 60
    os.kill(pid_of(run_id), signal.SIGSTOP)
    try:
        for name in ("metrics.jsonl", "log.txt", "status.json"):
            os.utime(root / run_id / name, (1, time.time() - 1000))
        assert runs.status(run_id).stalled
    finally:
        os.kill(pid_of(run_id), signal.SIGCONT)


def test_a_deleted_run_lies_in_the_trash_for_a_week_and_can_be_restored(root, monkeypatch):
    run_id = runs.start(config(SHORT), "dear")
    wait_state(run_id, "done")
    runs.delete(run_id)
    (one,) = trash.deleted_runs()
    assert (one.name, one.run_id) == ("dear", run_id) and 6.9 < one.days_left <= 7 and trash.size(one.path) > 16384
    assert runs.list_runs() == []
    assert trash.restore(one.key) == run_id and runs.status(run_id).checkpoint.read_bytes() == b"good"
    with pytest.raises(RunError, match="not in the trash any more"):
        trash.restore(one.key)
    runs.delete(run_id)
    (one,) = trash.deleted_runs()
    week_ago = f"{int((time.time() - 8 * 86400) * 1000)}~{run_id}"
    one.path.rename(one.path.with_name(week_ago))
    trash.sweep()
    assert trash.deleted_runs() == []


@pytest.mark.parametrize("key", ["../../etc", "1700000000000~../x", "x", "", "1700000000000~a/b", "9" * 400 + "~x"])
def test_nothing_outside_the_trash_is_reached(root, key):
    with pytest.raises(RunError, match="not in the trash"):
        trash.restore(key)
    assert trash.empty(key) == 0


def test_whatever_lies_in_the_trash_it_is_listed_and_can_be_emptied(root):
    place = root / ".trash"
    place.mkdir(parents=True)
    (place / "1700000000000~broken").mkdir()
    (place / "1700000000000~broken" / "run.json").write_bytes(b"\xff")
    (place / "1700000000001~file").write_text("x")
    (place / "1700000000002~link").symlink_to("/etc")
    (place / "something else").mkdir()
    assert [one.name for one in trash.deleted_runs()] == ["link", "file", "broken"]
    assert trash.empty() == 3
    assert [path.name for path in place.iterdir()] == ["something else"]
