"""What is said about runs, without a page."""

from dataclasses import replace

import pytest

from tests.place_runs import place_run
from ui.train import run_sentences
from ui.train.metrics_history import History
from vae_core import runs


@pytest.fixture(autouse=True)
def runs_folder(models_dir):
    """An empty folder for runs."""


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
    history = History(tmp_path / "none")
    history.add([{"kind": "start", "steps": 1000, "epochs": 10, "time": 0.0}])
    history.add([{"kind": "step", "step": step, "epoch": step / 100, "time": step / 10} for step in range(0, 400, 10)])
    assert history.seconds_left == pytest.approx(61, abs=1)
    history.add(
        [{"kind": "step", "step": 400 + step, "epoch": 4 + step / 100, "time": 40.0 + step} for step in range(0, 100, 10)]
    )
    assert history.seconds_left > 300, "a step takes a second now, not a tenth"
