"""How long a run will take: by the clock of earlier runs, by a short measurement, and what happens when neither can be had."""

import threading
import time
from dataclasses import asdict

import pytest

from tests.place_runs import paced_rows, place_run
from vae_core import runs
from vae_core.config.schema import train_config
from vae_core.training import time_estimate, time_estimate_in_background


@pytest.fixture(autouse=True)
def runs_folder(models_dir):
    """An empty folder for runs."""


def test_the_estimate_rests_on_the_clock_of_a_run_of_the_same_model_and_scales_for_another():
    place_run("past", rows=paced_rows(25), model={"architecture": "mlp"})
    same = train_config(data={"name": "shapes"}, model={"architecture": "mlp"}, epochs=10)
    found = time_estimate.estimate(same)
    assert (found.source, found.scaled, found.alone) == ("the run past", False, False)
    assert 10 * 25 < found.seconds < 10 * 25 * 1.05 + 10
    wider = train_config(data={"name": "shapes"}, model={"architecture": "mlp", "hidden": (1024, 256)})
    assert time_estimate.estimate(wider).scaled
    assert 0.4 < time_estimate.estimate(wider).images_per_second / found.images_per_second < 0.6
    assert time_estimate.estimate(train_config(data={"name": "shapes"}, model={"architecture": "conv"})) is None


def test_an_estimate_shows_how_different_the_last_runs_were_and_forgets_older_ones():
    for created, seconds_per_epoch in enumerate([1000, 10, 110, 20]):
        place_run(f"run {created}", created=float(created), rows=paced_rows(seconds_per_epoch), model={"architecture": "mlp"})
    found = time_estimate.estimate(train_config(data={"name": "shapes"}, model={"architecture": "mlp"}, epochs=6))
    assert 60 < found.fastest < 75 and 120 < found.seconds < 135 and 660 < found.slowest < 680


def test_a_short_measurement_counts_only_until_a_run_has_shown_how_long_it_takes():
    config = train_config(data={"name": "shapes"}, model={"architecture": "mlp"})
    cost = time_estimate.size(config.model).multiplications
    measured = time_estimate.Rate(time_estimate._key(config), time_estimate._kind(config), cost, 9999.0, "a short measurement")
    known = {"machine": time_estimate._machine(), "rates": [asdict(measured)]}
    runs.write_json(runs.runs_root() / time_estimate.FILE, known)
    assert time_estimate.estimate(config).alone and time_estimate.estimate(config).images_per_second == 9999.0
    place_run("past", rows=paced_rows(25), model={"architecture": "mlp"})
    assert not time_estimate.estimate(config).alone and time_estimate.estimate(config).images_per_second < 1200


def test_the_size_of_a_network_is_that_of_the_real_one():
    from vae_core.model.vae import build

    config = train_config(model={"architecture": "mlp", "hidden": (32,), "latent_dim": 3}).model
    assert time_estimate.size(config).parameters == sum(p.numel() for p in build(config).parameters())
    assert time_estimate.size(config).multiplications == 784 * 32 + 32 * 6 + 3 * 32 + 32 * 784


def test_a_real_measurement_is_remembered():
    config = train_config(model={"architecture": "mlp", "hidden": (16,)}, batch_size=8, device="cpu")
    time_estimate.measure(config)
    assert time_estimate.estimate(config).images_per_second > 10
    assert time_estimate.estimate(config).alone


def wait_until_idle(background):
    deadline = time.monotonic() + 20
    while background.is_going():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_fails_in_the_background_is_said_and_does_not_keep_the_next_piece_from_beginning():
    def no_torch():
        raise ImportError("libtorch is missing")

    background, done = time_estimate_in_background.Background(), threading.Event()
    background.begin("count", no_torch)
    wait_until_idle(background)
    assert background.trouble("count") == "ImportError: libtorch is missing" and not background.is_done("count")
    background.begin("other", done.set)
    wait_until_idle(background)
    assert done.is_set() and background.is_done("other")


def test_what_failed_is_tried_again_after_a_while_and_not_before(monkeypatch):
    tries = []
    background = time_estimate_in_background.Background()

    def fail():
        tries.append(1)
        raise OSError("no")

    for again, tried in ((60.0, 1), (60.0, 1), (0.0, 2)):
        monkeypatch.setattr(time_estimate_in_background, "TRY_AGAIN_SECONDS", again)
        background.begin("x", fail)
        wait_until_idle(background)
        assert len(tries) == tried


def test_one_piece_at_a_time_is_done_and_each_once():
    background, go_on, began = time_estimate_in_background.Background(), threading.Event(), []
    background.begin("a", lambda: (began.append("a"), go_on.wait(20)))
    background.begin("b", lambda: began.append("b"))
    assert background.is_going()
    go_on.set()
    wait_until_idle(background)
    background.begin("a", lambda: began.append("a again"))
    assert began == ["a"] and not background.is_going()


def test_a_measurement_that_fails_says_why(monkeypatch):
    monkeypatch.setattr(time_estimate.sys, "executable", "/bin/false")
    with pytest.raises(RuntimeError, match="no figure came back"):
        time_estimate.measure(train_config(model={"architecture": "mlp", "hidden": (16,)}))


@pytest.mark.parametrize("rates", [None, 3, "x", [None], [{}], [{"key": 1}], [[]]])
def test_a_damaged_file_of_measurements_counts_for_nothing(rates):
    runs.write_json(runs.runs_root() / time_estimate.FILE, {"machine": time_estimate._machine(), "rates": rates})
    assert time_estimate.estimate(train_config()) is None
