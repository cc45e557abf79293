"""A page that shows a model in training says so, and takes over each newer file."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import ui
from tests.place_runs import finished_rows, place_run
from ui.shared import follow_training
from vae_core import runs
from vae_core.model_files import model_list
from vae_core.runs.metrics_log import MetricsWriter
from vae_core.runs.snapshot_files import LIVE

STEP = next(row for row in finished_rows() if row["kind"] == "step") | {"step": 30, "epoch": 2.25}


@pytest.fixture
def running(tiny_checkpoint):
    """A run that a process holds alive: in its third epoch of 8, with a model."""
    run_dir = place_run("going", "running", rows=[STEP], checkpoint=tiny_checkpoint, epochs=8)
    lock = os.open(run_dir / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    yield run_dir, lambda: fcntl.flock(lock, fcntl.LOCK_UN)
    os.close(lock)


def explored() -> AppTest:
    at = AppTest.from_file(str(Path(ui.__path__[0]) / "explore" / "explore_page.py"), default_timeout=60)
    at.query_params["model"] = "going"
    return at.run()


def said(at: AppTest) -> str:
    assert not at.exception
    return " ".join(element.value for element in at.caption)


def test_a_model_in_training_says_how_far_it_is(running):
    at = explored()
    assert said(at).startswith("**still training, epoch 3 of 8** · ")
    assert "ELBO" in said(at)


def test_the_end_of_the_training_ends_the_words(running):
    run_dir, end = running
    at = explored()
    end()
    runs.write_json(run_dir / "status.json", {"state": "done"})
    assert "training" not in said(at.run())


def test_a_model_that_nobody_trains_says_nothing(tiny_checkpoint):
    at = AppTest.from_file(str(Path(ui.__path__[0]) / "explore" / "explore_page.py"), default_timeout=60).run()
    assert "training" not in said(at)


def test_a_newer_file_is_noticed(running):
    run_dir, _ = running
    entry = model_list.model_of_run(run_dir.name)
    assert entry is not None and not follow_training._replaced(entry) and not follow_training.goes_on(entry)
    os.utime(entry.path, ns=(1, entry.mtime_ns + 1))
    assert follow_training._replaced(entry)
    (run_dir / "best.safetensors").unlink()
    assert follow_training._replaced(entry)


def test_the_model_as_it_is_now_comes_without_a_run_of_the_page_until_the_training_ends(running, tiny_checkpoint):
    run_dir, end = running
    (run_dir / LIVE).write_bytes(tiny_checkpoint.read_bytes())
    entry = model_list.model_of_run(run_dir.name)
    assert entry.path.name == LIVE and follow_training.goes_on(entry)
    os.utime(entry.path, ns=(1, entry.mtime_ns + 1))
    assert not follow_training._replaced(entry)
    at = explored()
    assert said(at).startswith("**still training, epoch 3 of 8** · ")
    end()
    assert follow_training._replaced(entry) and not follow_training.goes_on(entry)
    assert "training" not in said(at.run())


def test_the_epoch_is_counted_as_on_the_train_page(running):
    run_dir, _ = running
    with MetricsWriter(run_dir / "metrics.jsonl") as metrics:
        metrics.write({**STEP, "epoch": 8.0})
    assert follow_training.progress(runs.status("going")) == "still training, epoch 8 of 8"
    (run_dir / "stop").touch()
    assert follow_training.progress(runs.status("going")) == "training is ending"
