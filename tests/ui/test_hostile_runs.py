"""Whatever lies in a run's folder: the lists go on, only that run is unreadable and said to be so, and it can be deleted."""

import itertools
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.malformed_run_files import GOOD, place, variants
from tests.place_runs import finished_rows, place_run
from ui.train import curves, preview_pictures, run_sentences
from ui.train.metrics_history import History
from vae_core import runs
from vae_core.errors import RunError
from vae_core.model_files import model_list
from vae_core.runs.metrics_csv import csv_pieces
from vae_core.runs.metrics_log import read_since, read_tail

ROOT = Path(__file__).parents[2]
ALL = list(variants())


@pytest.fixture
def good(models_dir):
    """A run beside; its model and the shipped one are only listed, so any bytes will do."""
    model = models_dir / "tiny.safetensors"
    if not model.exists():
        model.write_bytes(b"x")
    return place_run("good", rows=finished_rows(), checkpoint=model)


def test_the_table_is_as_long_as_the_attack_was():
    assert len(ALL) >= 141 and len({what for what, *_ in ALL}) == len(ALL)


@pytest.mark.parametrize(("what", "file", "put", "unreadable"), ALL, ids=[what for what, *_ in ALL])
def test_only_that_run_is_unreadable_and_it_can_be_deleted(good, what, file, put, unreadable):
    folder = runs.runs_root() / "victim"
    place(folder, file, put)
    found = {run.run_id: run for run in runs.list_runs()}
    assert set(found) == {"good", "victim"}
    assert (found["good"].state, found["good"].elbo) == ("done", -109.0)
    assert [(entry.name, entry.origin) for entry in model_list.list_models()] == [("tiny", "shipped"), ("good", "run")]
    run = found["victim"]
    assert run == runs.status("victim")
    assert (run.state == "unreadable") == (unreadable and file in ("run.json", "status.json"))
    if run.state == "unreadable":
        assert file in run.message and run.message.endswith(".") and "unreadable" in run_sentences.state_line(run)
    if file == "config.json":
        assert run.config is None
    assert run_sentences.state_line(run) and run.seconds >= 0
    assert not [row for row in read_tail(folder / "metrics.jsonl") if unreadable and file == "metrics.jsonl"]
    if file in ("metrics.jsonl", "preview.npz"):
        _draw(folder)
    assert runs.log_tail("victim") == "" and (run.resumable or _refused("victim"))
    runs.delete("victim")
    assert [run.run_id for run in runs.list_runs()] == ["good"]
    with pytest.raises(RunError, match="no run"):
        runs.status("victim")


def _refused(run_id):
    """Whether resuming and extending it are refused with a sentence."""
    for act in (lambda: runs.resume(run_id), lambda: runs.extend(run_id, 1)):
        with pytest.raises(RunError, match=r"\.$"):
            act()
    return True


def _draw(folder):
    """The charts and pictures of the run's panel."""
    history = History(folder / "metrics.jsonl").read()
    for axis, log, smoothing in itertools.product(curves.AXES, (False, True), (0.0, 0.1)):
        view = curves.View(axis, log, smoothing)
        for name in curves.TITLES:
            curves.curve_chart(history, name, view, run_id="r", reach=2).to_json()
        curves.kl_chart(history, view, run_id="r").to_json()
    assert b"".join(csv_pieces(folder / "metrics.jsonl")).startswith(b"kind,step,epoch,time")
    assert 0 <= history.progress <= 1 and history.rate >= 0
    assert history.seconds_left is None or history.seconds_left >= 0
    assert preview_pictures.read(folder / "preview.npz") is None


def test_the_train_page_shows_every_one_of_them(tiny_checkpoint, good):
    for number, (_, file, put, _) in enumerate(ALL):
        place(runs.runs_root() / f"victim-{number}", file, put)
    app = AppTest.from_file(str(ROOT / "ui" / "main.py"), default_timeout=120)
    app.run()
    app.switch_page("train/train_page.py")
    by_file = {file: number for number, (_, file, _, unreadable) in enumerate(ALL) if unreadable}
    for number in by_file.values():
        app.query_params["run"] = f"victim-{number}"
        app.run()
        assert not app.exception
    assert set(by_file) == set(GOOD)
    app.query_params["run"] = f"victim-{by_file['run.json']}"
    app.run()
    assert any("cannot be read" in error.value for error in app.error)
    victim = f"victim-{by_file['run.json']}"
    app.button(key=f"train.delete.{victim}").click().run()
    assert not app.exception and victim not in [run.run_id for run in runs.list_runs()]


def test_a_linked_run_is_deleted_without_what_it_leads_to(good, tmp_path):
    place(tmp_path / "elsewhere", "config.json", lambda path: None)
    (runs.runs_root() / "linked").symlink_to(tmp_path / "elsewhere")
    assert runs.status("linked").name == "victim"
    runs.delete("linked")
    assert [run.run_id for run in runs.list_runs()] == ["good"] and (tmp_path / "elsewhere" / "run.json").exists()


def test_what_is_no_run_is_left_alone(good):
    root = runs.runs_root()
    (root / "lost+found").mkdir()
    (root / "note.txt").write_text("x")
    (root / "loop").symlink_to("loop")
    (root / "line\nbreak").mkdir()
    (root / "line\nbreak" / "run.json").write_text("{}")
    assert [run.run_id for run in runs.list_runs()] == ["good"]


def test_an_unreadable_run_is_not_renamed(good):
    place(runs.runs_root() / "victim", "run.json", lambda path: path.write_text("{}"))
    with pytest.raises(RunError, match="cannot be renamed; it can be deleted"):
        runs.rename("victim", "other")


def test_a_line_without_end_and_a_history_beyond_all_bounds_are_passed_over(tmp_path, monkeypatch):
    monkeypatch.setattr("vae_core.runs.metrics_log.MAX_READ", 1000)
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b"x" * 1500 + b'\n{"step": 1}\n{"step": 2}\n')
    rows, offset = read_since(path)
    assert (rows, offset) == ([], 1000)
    assert read_since(path, offset)[0] == [{"step": 1}, {"step": 2}]
    monkeypatch.setattr("vae_core.runs.metrics_log.MAX_BYTES", 10)
    assert read_since(path) == ([], 0)
