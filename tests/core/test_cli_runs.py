"""`resume` and `runs` in a terminal; training is a stand-in, except where it says so."""

import json
import os
import signal

import pytest

from tests.core.test_cli import run
from tests.core.test_runs import FOREVER, SHORT, config, pid_of, wait_for, wait_state
from vae_core import runs
from vae_core.config.schema import train_config
from vae_core.model_files.header import load_header
from vae_core.runs import trash
from vae_core.runs.metrics_log import read_since


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("VAE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(runs.start_stop_delete, "WORKER", "tests.core.fake_worker")
    yield tmp_path / "runs"
    for one in runs.list_runs():
        runs.stop(one.run_id)
    wait_for(lambda: not any(one.live for one in runs.list_runs()))


def said(words, *more):
    result = run(words, *more)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(words, *more):
    result = run(words, *more)
    assert result.exit_code == 2, result.output
    return result.stderr


def test_a_run_is_paused_listed_changed_and_resumed_by_its_name():
    run_id = runs.start(config(FOREVER), "Long one")
    wait_state(run_id, "running")
    said("runs change", "long one", "learning-rate=0.001", "beta=2")
    assert runs.status(run_id).settings == {"learning_rate": 0.001, "beta": 2.0}
    assert "only learning_rate, beta can" in refused("runs change", "long one", "epochs=2")
    assert "write its name, =, and a number" in refused("runs change", "long one", "beta")
    said("runs pause", "long one")
    wait_state(run_id, "paused")
    assert "paused, can be resumed" in said("runs list")
    assert "goes on in the background" in said("resume", run_id)
    wait_state(run_id, "running")
    assert "is going already" in refused("resume", "long one")
    os.kill(pid_of(run_id), signal.SIGKILL)
    wait_state(run_id, "died")
    assert "1 run goes on" in said("resume --all") and "No run has died" in said("resume --all")
    assert "choose from: Long one" in refused("resume", "short one")
    assert "Name one run, or give --all" in refused("resume")


def test_runs_that_wait_are_moved_in_the_queue():
    runs.start(config(FOREVER), "first")
    ids = {name: runs.start(config(SHORT), name) for name in ("a", "b", "c")}

    def order():
        rows = [row for row in json.loads(said("runs list --json"))["runs"] if row["place"] is not None]
        return "".join(row["name"] for row in sorted(rows, key=lambda row: row["place"]))

    wait_for(lambda: order() == "abc")
    assert "c is number 1 of 3 that wait" in said("runs move", "c", "first")
    assert order() == "cab"
    assert "number 2 of 3" in said("runs move", "c", "down") and order() == "acb"
    assert "number 3 of 3" in said("runs move", ids["a"], "last") and order() == "cba"
    assert "number 1 of 3" in said("runs move", "b", "up") and order() == "bca"
    assert "waits, number 3 of 3" in said("runs list")
    assert "does not wait any more" in refused("runs move", "first", "up")
    assert "'sideways'" in refused("runs move", "a", "sideways")


def test_a_deleted_run_is_restored_by_its_name():
    run_id = runs.start(config(SHORT), "dear")
    wait_state(run_id, "done")
    assert "in the trash for 7 days" in said("runs delete", "dear")
    assert json.loads(said("runs list --json"))["trash"][0]["name"] == "dear"
    assert "In the trash for 7 more days: dear" in said("runs list")
    assert "which holds: dear" in refused("runs restore", "other")
    assert "dear is back" in said("runs restore", "dear")
    said("runs delete", "dear")
    assert "1 run removed for good" in said("runs empty-trash") and trash.deleted_runs() == []


def test_a_killed_run_goes_on_is_extended_and_followed_to_its_end_with_a_real_loop(root, monkeypatch):
    monkeypatch.setattr(runs.start_stop_delete, "WORKER", "tests.core.resume_probe")
    model = {"architecture": "mlp", "hidden": (8,), "latent_dim": 2}
    tiny = train_config(data={"name": "shapes", "validation": 100}, model=model, epochs=500, batch_size=16, device="cpu")
    run_id = runs.start(tiny, "real one")
    log = root / run_id / "metrics.jsonl"
    wait_for(lambda: runs.status(run_id).epoch > 2 and runs.status(run_id).has_state, seconds=120)
    os.kill(pid_of(run_id), signal.SIGKILL)
    reached = wait_state(run_id, "died").epoch
    runs.resume(run_id)
    runs.change(run_id, beta=3.0)
    wait_for(lambda: runs.status(run_id).epoch > reached + 1, seconds=120)
    runs.pause(run_id)
    wait_state(run_id, "paused")
    rows = read_since(log)[0]
    steps = [row["step"] for row in rows if row["kind"] == "step"]
    assert steps == sorted(set(steps)), "no row was written twice"
    assert [(row["what"], row["before"], row["after"]) for row in rows if row["kind"] == "change"] == [("beta", 1.0, 3.0)]
    (root / run_id / "config.json").write_text(tiny.model_copy(update={"epochs": 3}).model_dump_json())
    assert "config.json no longer fits its state: epochs was 500 and is 3" in refused("resume --wait", "real one")
    assert runs.status(run_id).reason == "state" and read_since(log)[0] == rows, "nothing was changed"


def test_a_finished_run_is_extended_and_its_rows_go_on_where_they_ended(root, monkeypatch):
    monkeypatch.setattr(runs.start_stop_delete, "WORKER", "tests.core.resume_probe")
    model = {"architecture": "mlp", "hidden": (8,), "latent_dim": 2}
    tiny = train_config(data={"name": "shapes", "validation": 100}, model=model, epochs=2, batch_size=20, device="cpu")
    run_id = runs.start(tiny, "short")
    wait_state(run_id, "done")
    said("runs extend", "short", 2)
    wait_state(run_id, "done")
    run_now = runs.status(run_id)
    rows = read_since(run_now.path / "metrics.jsonl")[0]
    assert (run_now.epoch, run_now.config.epochs) == (4.0, 4)
    assert [row["epoch"] for row in rows if row["kind"] == "validation"] == [0.0, 1.0, 2.0, 3.0, 4.0]
    (change,) = [row for row in rows if row["kind"] == "change"]
    assert (change["what"], change["before"], change["after"], change["steps"]) == ("epochs", 2, 4, 40)
    assert [row["kind"] for row in rows].count("end") == 1
    peaks = [row["lr"] for row in rows if row["kind"] == "step" and row["epoch"] > 2]
    assert max(peaks) <= tiny.learning_rate / 3
    assert load_header(run_now.checkpoint).config.epochs == 4
