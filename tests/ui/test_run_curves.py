"""The curves of a run on the Train page, without a browser."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.place_runs import finished_rows, place_run
from ui.train import curves, metrics_history, run_curves
from vae_core import runs
from vae_core.training import time_estimate

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def runs_folder(models_dir, monkeypatch):
    """An empty folder for runs; nothing is measured for the form beside them."""
    monkeypatch.setattr(time_estimate, "measure", lambda config: None)


def start():
    app = AppTest.from_file(str(ROOT / "ui" / "main.py"), default_timeout=60)
    app.run()
    app.switch_page("train/train_page.py").run()
    assert not app.exception
    return app


def wait_for(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_history_too_long_for_one_look_is_read_in_several_without_being_asked(monkeypatch):
    monkeypatch.setattr("vae_core.runs.metrics_log.MAX_READ", 4000)
    monkeypatch.setattr(metrics_history, "READ_SECONDS", 0.0)
    run = runs.status(place_run("long", rows=finished_rows()).name)
    history = metrics_history.follow(run)
    assert history.behind
    app = start()
    assert app.session_state["train.was_live"], "the page looks again by itself"
    wait_for(lambda: not app.run().exception and not metrics_history.behind(run))
    assert len(history.steps) == 100 and not app.session_state["train.was_live"]


def test_curves_that_are_folded_away_are_not_drawn_until_they_are_asked_for():
    place_run("first", rows=finished_rows())
    app = start()
    assert "Gradient norm" not in html(app) and "KL per dimension" in html(app)
    app.session_state["train.fold.curves"] = True
    assert "Gradient norm" in html(app.run()) and not app.exception


def html(app):
    return "\n".join(element.proto.body for element in app.get("html"))


def test_a_setting_changed_while_it_ran_is_marked_on_the_curves_and_more_epochs_count():
    change = {"kind": "change", "step": 50, "epoch": 1.0, "time": 3.0}
    rows = [*finished_rows(), {**change, "what": "learning_rate", "before": 0.1, "after": 0.05}, {**change, "what": 3},
            {**change, "what": "epochs", "before": 2, "after": 4, "steps": 200}]  # fmt: skip
    place_run("changed", rows=rows)
    app = start()
    specs = [chart.proto.spec for chart in app.get("plotly_chart")]
    assert len(specs) == 3 and ["lr 0.05" in spec and "epochs 4" in spec for spec in specs] == [True, True, False]
    assert metrics_history.follow(runs.status("changed")).progress == 0.495 and not app.exception


def test_the_figures_of_a_long_run_are_drawn_again_only_when_they_would_differ(monkeypatch):
    drawn, chart = [], curves.curve_chart

    def counted(history, name, *rest, **more):
        drawn.append(name)
        return chart(history, name, *rest, **more)

    monkeypatch.setattr(curves, "curve_chart", counted)
    monkeypatch.setattr(run_curves.time, "monotonic", lambda: now)
    run, now = replace(runs.status(place_run("goes", rows=finished_rows()).name), state="running"), 100.0
    history = metrics_history.follow(run)
    history.add([{"kind": "step", "step": 200, "epoch": 3.0, "time": 600.0, "kl": 20.0}])
    first = run_curves._figure(run, history, "kl")
    now = 103.9
    history.add([{"kind": "step", "step": 201, "epoch": 3.0, "time": 603.0, "kl": 20.0}])
    assert run_curves._figure(run, history, "kl") is first
    now = 104.1
    run_curves._figure(run, history, "kl")
    assert drawn == ["kl", "kl"]
    ended = replace(run, state="done")
    run_curves._figure(ended, history, "kl")
    assert len(drawn) == 3, "its end is drawn at once"
