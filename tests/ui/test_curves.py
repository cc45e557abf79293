"""A run's curves, without a page: what is read, which points are drawn, what stands at their ends."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.place_runs import finished_rows
from ui.train import curves
from ui.train.curves import Mark, View
from ui.train.few_points import POINTS, smoothed, spikes_kept
from ui.train.metrics_history import History
from vae_core.runs.metrics_log import MetricsWriter


@pytest.fixture
def history(tmp_path):
    with MetricsWriter(tmp_path / "m.jsonl") as metrics:
        for row in finished_rows():
            metrics.write(row)
    return History(tmp_path / "m.jsonl").read()


def steps(count, **numbers):
    return [{"kind": "step", "step": i, "epoch": i / 100, "time": i / 4, "kl": 20.0, **numbers} for i in range(count)]


@pytest.mark.parametrize("count", [301, 5000, 100_003])
def test_few_points_of_a_long_curve_hold_its_spikes_its_extremes_and_its_last_value(count):
    xs, ys = np.arange(count), np.random.default_rng(0).normal(size=count)
    ys[count // 3], ys[count // 2] = 1000, -1000
    few_x, few_y = spikes_kept(xs, ys)
    assert POINTS // 2 < len(few_x) <= POINTS and (np.diff(few_x) > 0).all()
    assert {count // 3, count // 2, count - 1} <= set(few_x.tolist())
    np.testing.assert_array_equal(few_y, ys[few_x])


def test_a_short_curve_is_drawn_as_it_is():
    xs, ys = np.arange(POINTS), np.arange(POINTS) % 7
    assert [part.tolist() for part in spikes_kept(xs, ys)] == [xs.tolist(), ys.tolist()]


def test_smoothing_is_the_exponential_mean_and_starts_at_the_first_value():
    ys = np.array([4.0, 0.0, 2.0])
    a = np.exp(-1 / (0.5 * 3))
    expected = [4.0, 4 * a / (1 + a), (4 * a**2 + 2) / (1 + a + a**2)]
    np.testing.assert_allclose(smoothed(np.arange(3), ys, 0.5)[1], expected)


def test_a_constant_stays_itself_and_noise_becomes_calmer_at_any_length():
    noise = np.random.default_rng(0).normal(size=50_000)
    for ys in (noise[:200], noise):
        xs, line = smoothed(np.arange(len(ys)), ys, 0.1)
        assert line[POINTS // 5 :].std() < 0.4 * spikes_kept(np.arange(len(ys)), ys)[1].std() and xs[-1] == len(ys) - 1
        np.testing.assert_allclose(smoothed(np.arange(len(ys)), np.full(len(ys), 3.0), 0.1)[1], 3.0)


def test_smoothing_never_hides_the_raw_values(history):
    history.add(steps(2000))
    history.add([{"kind": "step", "step": 2001, "epoch": 20.01, "time": 501.0, "kl": 900.0}])
    history.add(steps(300))
    figure = curves.curve_chart(history, "kl", View(smoothing=0.1), run_id="r")
    raw, line = figure.data[:2]
    assert 0 < raw.opacity < 0.5 and max(raw.y) == 900 and max(line.y) < 500
    assert len(curves.curve_chart(history, "kl", View(), run_id="r").data) == 2, "without smoothing the line is the raw one"


def test_charts_end_in_their_numbers_and_keep_a_persons_zoom(history):
    for log in (False, True):
        figure = curves.curve_chart(history, "reconstruction", View(log=log), run_id="r", reach=2)
        assert {note.text for note in figure.layout.annotations} == {"train 5.00", "val 90.0"}
    again = curves.curve_chart(history, "reconstruction", View(log=True), run_id="r", reach=2)
    assert figure.layout.uirevision == again.layout.uirevision
    assert len(curves.kl_chart(history, View(), run_id="r").data[0].z) == 4


@pytest.mark.parametrize(("axis", "last", "suffix"), [("epoch", 2.0, ""), ("step", 99, ""), ("time", 4.0, " s")])
def test_the_horizontal_axis_counts_epochs_steps_or_time(history, axis, last, suffix):
    figure = curves.curve_chart(history, "kl", View(axis=axis), run_id="r")
    assert figure.data[0].x[-1] == pytest.approx(last) and figure.layout.xaxis.ticksuffix == suffix


def test_long_times_are_said_in_hours(tmp_path):
    history = History(tmp_path / "none")
    history.add([{"kind": "step", "step": i, "epoch": i, "time": 3600.0 * i, "kl": 1.0} for i in range(6)])
    figure = curves.curve_chart(history, "kl", View(axis="time"), run_id="r")
    assert figure.data[0].x[-1] == 5 and figure.layout.xaxis.ticksuffix == " h"


def test_only_numbers_above_zero_get_a_logarithmic_axis(history):
    kinds = {name: curves.curve_chart(history, name, View(log=True), run_id="r").layout.yaxis.type for name in curves.TITLES}
    assert {name for name, kind in kinds.items() if kind == "log"} == set(curves.LOGARITHMIC)


def test_a_change_while_it_ran_stands_on_the_curves(history):
    marks = [Mark("lr 0.0005", {"epoch": 1.5, "step": 75, "time": 3.0})]
    for axis, place in (("epoch", 1.5), ("step", 75), ("time", 3.0)):
        figure = curves.curve_chart(history, "kl", View(axis=axis), run_id="r", marks=marks)
        assert figure.layout.shapes[0].x0 == place and "lr 0.0005" in {note.text for note in figure.layout.annotations}


def test_a_mark_whose_moment_is_not_known_on_an_axis_is_left_out(history):
    figure = curves.curve_chart(history, "kl", View(axis="time"), run_id="r", marks=[Mark("warm-up ends", {"epoch": 1.0})])
    assert not figure.layout.shapes


@pytest.mark.parametrize("count", [0, 1, 2, 119, 120, 121, 1000])
def test_the_map_of_kl_per_dimension_copes_with_any_number_of_epochs(tmp_path, count):
    history = History(tmp_path / "none")
    rows = ({"epoch": float(i), "step": i, "time": 1.0 * i, "kl_per_dim": [1.0, None, 0.2]} for i in range(count))
    history.add([{"kind": "validation", **row} for row in rows])
    figure = curves.kl_chart(history, View(), run_id="r")
    assert len(figure.data[0].x) == min(count, curves.CELLS)
    assert count < 2 or list(figure.layout.xaxis.range) == [0, count - 1], "no run begins before its beginning"


def test_the_map_of_kl_per_dimension_holds_what_happens_within_an_epoch(history):
    history.add([{"kind": "step", "step": 9, "epoch": 2 + i / 10, "time": 5.0, "kl_per_dim": [0, 0, 0, i]} for i in range(5)])
    figure = curves.kl_chart(history, View(), run_id="r")
    assert list(figure.data[0].y)[-1] == "z3" and list(figure.data[0].z[-1])[-5:] == [0, 1, 2, 3, 4]


def test_a_picture_holds_every_curve_with_its_title_on_a_background_of_its_own(history):
    charts = {name: curves.curve_chart(history, name, View(log=True), run_id="r") for name in curves.TITLES}
    figure = curves.picture(charts, "first run", "#123456")
    assert {note.text for note in figure.layout.annotations} == set(curves.TITLES)
    assert figure.layout.paper_bgcolor == "#123456" and len(figure.data) == sum(len(chart.data) for chart in charts.values())
    assert figure.layout.yaxis.type == "log" and figure.layout.yaxis4.type != "log"


def test_only_what_is_new_is_read_at_each_look(tmp_path):
    path = tmp_path / "m.jsonl"
    with MetricsWriter(path) as metrics:
        metrics.write({"kind": "step", "step": 1, "epoch": 0.1, "time": 1.0})
        history = History(path).read()
        taken = []
        history.add = lambda rows: taken.extend(rows)
        metrics.write({"kind": "step", "step": 2, "epoch": 0.2, "time": 2.0})
        history.read()
    assert [row["step"] for row in taken] == [2]


def test_a_run_that_was_resumed_from_an_earlier_state_is_read_anew(tmp_path):
    path = tmp_path / "m.jsonl"
    with MetricsWriter(path) as metrics:
        for row in steps(10):
            metrics.write(row)
    history = History(path).read()
    lines = path.read_bytes().splitlines(keepends=True)
    later = b'{"kind": "step", "step": 4, "epoch": 0.04, "time": 99.0, "kl": 5.0}\n'
    path.write_bytes(b"".join(lines[:4]) + 30 * later)  # longer than it was: its length alone tells nothing
    assert history.read().steps.column("step").tolist() == [0, 1, 2, 3, *[4] * 30]
    path.unlink()
    assert len(history.read().steps) == 0


def test_a_history_longer_than_one_look_may_take_is_read_over_several(tmp_path, monkeypatch):
    monkeypatch.setattr("vae_core.runs.metrics_log.MAX_READ", 1000)
    path = tmp_path / "m.jsonl"
    with MetricsWriter(path) as metrics:
        for row in steps(100):
            metrics.write(row)
    history = History(path)
    assert 0 < history.read(seconds=0).share_read < 1 and history.behind
    assert history.read(seconds=60).share_read == 1 and not history.behind and len(history.steps) == 100


def test_numbers_that_only_some_rows_have_leave_gaps_and_words_are_no_numbers(tmp_path):
    history = History(tmp_path / "none")
    history.add(steps(3))
    history.add(steps(3, total_correlation=1.5, odd="words", huge=10**400, flag=True))
    history.add(steps(3))
    assert history.column("step", "total_correlation")[1].tolist() == [1.5, 1.5]
    assert "odd" not in history.steps[-1] and "huge" not in history.steps[4] and "flag" not in history.steps[4]
    assert [len(history.steps.column(name)) for name in ("kl", "total_correlation", "unknown")] == [9, 9, 9]


def test_one_session_draws_while_another_one_reads(tmp_path):
    history, wrong = History(tmp_path / "none"), []
    history.add(steps(100))

    def look():
        for _ in range(300):
            xs, ys = history.column("step", "kl")
            wrong.extend([(len(xs), len(ys))] if len(xs) != len(ys) else [])

    with ThreadPoolExecutor(2) as pool:
        looks = [pool.submit(look) for _ in range(2)]
        for _ in range(300):
            history.add(steps(5))
        assert [future.result() for future in looks] == [None, None] and not wrong
