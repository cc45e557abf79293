"""A run's curves, numbers and words, without a page."""

from dataclasses import replace

import numpy as np
import pytest

from tests.place_runs import finished_rows, place_run
from ui.train import curves, run_sentences
from ui.train.metrics_history import History
from vae_core import runs
from vae_core.runs.metrics_log import MetricsWriter


@pytest.fixture(autouse=True)
def runs_folder(models_dir):
    """An empty folder for runs."""


def test_a_long_history_is_drawn_with_few_points_and_its_true_last_value():
    xs = [i / 100 for i in range(20_000)]
    few_x, few_y = curves.downsample(xs, [np.exp(-x) for x in xs])
    assert len(few_x) == curves.POINTS and few_x[-1] == xs[-1] and few_y[-1] == np.exp(-xs[-1])
    assert few_x == sorted(few_x)


def test_charts_end_in_their_numbers_and_keep_a_persons_zoom(tmp_path):
    with MetricsWriter(tmp_path / "m.jsonl") as metrics:
        for row in finished_rows():
            metrics.write(row)
    history = History(tmp_path / "m.jsonl").read()
    options = {"run_id": "r", "epochs": 2}
    for log in (False, True):
        figure = curves.term_chart(history, "reconstruction", log=log, **options)
        assert {note.text for note in figure.layout.annotations} == {"train 5.00", "val 90.0"}
    again = curves.term_chart(history, "reconstruction", log=True, **options)
    assert figure.layout.uirevision == again.layout.uirevision
    assert len(curves.kl_chart(history, run_id="r").data[0].z) == 4


@pytest.mark.parametrize("count", [0, 1, 2, 119, 120, 121, 1000])
def test_the_map_of_kl_per_dimension_copes_with_any_number_of_epochs(tmp_path, count):
    history = History(tmp_path / "none")
    history.validations = [{"epoch": float(i), "kl_per_dim": [1.0, None, 0.2]} for i in range(count)]
    figure = curves.kl_chart(history, run_id="r")
    assert len(figure.data[0].x) == min(count, curves.CELLS)


def test_only_what_is_new_is_read_at_each_look(tmp_path):
    path = tmp_path / "m.jsonl"
    with MetricsWriter(path) as metrics:
        metrics.write({"kind": "step", "step": 1, "epoch": 0.1, "time": 1.0})
        history = History(path).read()
        offset = history.offset
        metrics.write({"kind": "step", "step": 2, "epoch": 0.2, "time": 2.0})
        assert len(history.read().steps) == 2 and history.offset > offset


@pytest.mark.parametrize(
    ("seconds", "words"), [(8, "8 s"), (100, "1 min 40 s"), (3599.7, "1 h 00 min"), (7500, "2 h 05 min"), (0, "0 s")]
)
def test_durations_read_as_a_person_would_say_them(seconds, words):
    assert run_sentences.duration(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(3, "about 5 s"), (22, "about 20 s"), (90, "about 1.5 min"), (1000, "about 17 min")]
)
def test_estimates_have_no_more_digits_than_they_deserve(seconds, words):
    assert run_sentences.about(seconds) == words


@pytest.mark.parametrize(
    ("fastest", "slowest", "words"),
    [(60, 70, "about 1 min"), (60, 660, "about 1 to 11 min"), (40, 90, "about 40 s to 1.5 min"), (20, 35, "about 20 to 35 s")],
)
def test_an_estimate_that_differs_is_said_as_two_numbers(fastest, slowest, words):
    assert run_sentences.span(fastest, slowest) == words


@pytest.mark.parametrize(
    ("epoch", "words"),
    [(0.0, "epoch 1 of 6"), (0.48, "epoch 1 of 6"), (0.97, "epoch 1 of 6"), (1.5, "epoch 2 of 6"), (6.0, "epoch 6 of 6")],
)
def test_the_epoch_is_the_one_a_run_is_in_and_the_same_in_the_list(epoch, words):
    place_run("goes", "running", rows=[{"kind": "step", "step": 1, "epoch": epoch, "time": 1.0}], epochs=6)
    run = replace(runs.status("goes"), state="running")
    assert run_sentences.epoch_of(run) == words and words in run_sentences.state_line(run)


def test_the_time_left_follows_a_machine_that_becomes_busy(tmp_path):
    history = History(tmp_path / "none", start={"steps": 1000, "epochs": 10, "time": 0.0})
    history.steps = [{"step": step, "epoch": step / 100, "time": step / 10} for step in range(0, 400, 10)]
    assert history.seconds_left == pytest.approx(61, abs=1)
    history.steps += [{"step": 400 + step, "epoch": 4 + step / 100, "time": 40.0 + step} for step in range(0, 100, 10)]
    assert history.seconds_left > 300, "a step takes a second now, not a tenth"
