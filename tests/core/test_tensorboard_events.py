"""Event files are read back with TensorBoard's own reader; without TensorBoard, and with a broken one, a run goes on."""

import importlib.util
import logging
import subprocess
import sys
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.place_runs import finished_rows
from vae_core.training import tensorboard_events
from vae_core.training.tensorboard_events import FOLDER, TensorBoardEvents

ROOT = Path(__file__).parents[2]


def write(run_dir, rows, after_step=0):
    events = TensorBoardEvents(run_dir, after_step=after_step)
    for row in rows:
        events.write(row)


def read(run_dir):
    """{tag: [(step, value), ...]}, as TensorBoard reads them."""
    reader = EventAccumulator(str(run_dir / FOLDER), size_guidance={"scalars": 0}).Reload()
    return {tag: [(event.step, event.value) for event in reader.Scalars(tag)] for tag in reader.Tags()["scalars"]}


def test_tensorboard_reads_every_number_of_a_run(tmp_path):
    rows = list(finished_rows(dims=2))
    write(tmp_path, rows)
    curves = read(tmp_path)
    steps = [row for row in rows if row["kind"] == "step"]
    for name in ("reconstruction", "kl", "elbo", "loss", "beta", "lr", "images_per_second"):
        assert curves[f"train/{name}"] == [(row["step"], pytest.approx(row[name])) for row in steps]
    assert curves["validation/elbo"] == [(0, -110.0), (50, -109.0)]
    assert curves["kl_per_dim/z1"] == [(0, 5.0), (50, 5.0)] and curves["test/elbo"] == [(100, -109.5)]
    assert not {tag for tag in curves if tag.endswith(("/time", "/epoch", "/step"))}


def test_a_resumed_run_takes_the_place_of_what_it_had_lost(tmp_path):
    rows = [row for row in finished_rows() if row["kind"] in ("start", "step")]
    write(tmp_path, rows[:61])
    write(tmp_path, [{**row, "kl": 7.0} for row in rows[46:]], after_step=40)
    assert read(tmp_path)["train/kl"] == [(step, 20.0) for step in range(41)] + [(step, 7.0) for step in range(45, 100)]


def test_numbers_that_are_missing_or_no_numbers_are_left_out(tmp_path):
    write(tmp_path, [{"kind": "step", "step": 3, "time": 1.0, "kl": None, "loss": 2.0, "odd": "words", "best": True}])
    assert read(tmp_path) == {"train/loss": [(3, 2.0)]}


def test_without_tensorboard_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(tensorboard_events.importlib.util, "find_spec", lambda name: None)
    write(tmp_path, finished_rows())
    assert list(tmp_path.iterdir()) == []


def test_looking_for_tensorboard_does_not_import_it():
    code = (
        "import sys; from pathlib import Path; from vae_core.training.tensorboard_events import TensorBoardEvents;"
        "TensorBoardEvents(Path('x')); sys.exit('tensorboard' in sys.modules)"
    )
    assert importlib.util.find_spec("tensorboard")
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_a_folder_that_cannot_be_written_is_said_once_and_harms_nothing(tmp_path, caplog):
    (tmp_path / FOLDER).write_text("a file in its place")
    with caplog.at_level(logging.WARNING, "latent_walk"):
        write(tmp_path, finished_rows())
    assert len(caplog.records) == 1 and "No more TensorBoard event files" in caplog.text
