"""Runs beside each other: the table, its remarks, the charts, and choosing runs on the page."""

import numpy as np
import pytest

from tests.open_train_page import start
from tests.place_runs import finished_rows, place_run
from ui.train import compare_charts, compare_runs, compare_table, curves
from ui.train.compare_table import Compared
from ui.train.curves import View
from ui.train.metrics_history import follow
from vae_core import runs
from vae_core.training import time_estimate

COLOUR = {"height": 64, "width": 64, "channels": 3}


@pytest.fixture(autouse=True)
def runs_folder(models_dir, monkeypatch):
    """An empty folder for runs; nothing is measured for the form beside them."""
    monkeypatch.setattr(time_estimate, "measure", lambda config: None)


def rows(reconstruction=90.0, kl=20.0, test=True):
    *before, end = finished_rows()
    figures = {"test_elbo": -reconstruction - kl, "test_reconstruction": reconstruction, "test_kl": kl, "test_active_units": 3}
    return [*before, {**end, **figures}] if test else before


def compared(*names):
    found = (runs.status(name) for name in names)
    return [Compared(run, follow(run), colour) for run, colour in zip(found, compare_charts.COLOURS, strict=False)]


def three():
    """Two that compare, and one that has not been measured on the test images."""
    place_run("a", created=1.0, rows=rows(), model={"latent_dim": 4, **COLOUR})
    objective = {"kind": "beta-elbo", "beta": 2}
    place_run("b", created=2.0, rows=rows(80.0, 25.0), model={"latent_dim": 8, **COLOUR}, objective=objective)
    place_run("c", created=3.0, state="died", rows=rows(test=False), model={"latent_dim": 4, **COLOUR})


def autoencoder(name="ae"):
    figures = {"test_reconstruction": 5.0, "test_active_units": 4}
    plain = [{key: value for key, value in row.items() if key not in ("kl", "elbo", "kl_per_dim", "test_elbo", "beta")}
             for row in finished_rows()]  # fmt: skip
    place_run(name, rows=[*plain[:-1], {**plain[-1], **figures}], model=COLOUR, objective={"kind": "reconstruction"})


def said(app):
    elements = [*app.markdown, *app.caption, *app.info]
    return "\n".join([element.value for element in elements] + [element.proto.body for element in app.get("html")])


def test_the_figures_are_those_of_the_test_images():
    three()
    first, second, third = compare_table.figures(compared("a", "b", "c"))
    assert (first["Test ELBO"], first["Reconstruction"], first["KL"], first["Active units"]) == (-110.0, 90.0, 20.0, 3)
    assert (second["Test ELBO"], second["Seconds"], second["Images/s"]) == (-105.0, 62.0, 1000.0)
    assert third["Test ELBO"] is None and third["Validation ELBO"] == -109.0


def test_settings_that_differ_are_marked_and_those_that_are_the_same_stand_apart():
    three()
    differing, same = compare_table.settings(compared("a", "b", "c"))
    assert [tuple(row.items()) for row in differing] == [
        (("≠ latent dim", size), ("≠ beta", beta)) for size, beta in ((4, 1.0), (8, 2.0), (4, 1.0))
    ]
    assert same["images"] == "shapes" and same["hidden"] == "512, 256" and "height" not in same


def test_settings_that_only_one_objective_has_are_a_dash_in_the_others():
    three()
    autoencoder()
    differing, _ = compare_table.settings(compared("a", "ae"))
    assert differing[0]["≠ objective"] == "beta-elbo" and differing[1]["≠ beta"] == "–"


def test_what_keeps_runs_from_comparing_is_said():
    three()
    autoencoder()
    place_run("digits", rows=rows(), data={"name": "mnist"})
    place_run("gauss", rows=rows(), model={"likelihood": "gaussian", **COLOUR})
    assert compare_table.remarks(compared("a", "b")) == []
    remarks = " ".join(compare_table.remarks(compared("a", "c", "ae", "digits", "gauss")))
    expected = ("images differ (mnist, shapes)", "likelihoods differ (bernoulli, gaussian)", "ae is an autoencoder", "c (died)")
    assert [words for words in expected if words not in remarks] == []


def test_autoencoders_alone_have_a_squared_error_and_no_empty_columns():
    autoencoder("ae")
    autoencoder("other")
    (first, _), remarks = compare_table.figures(compared("ae", "other")), compare_table.remarks(compared("ae", "other"))
    assert first["Squared error"] == 5.0 and not {"Test ELBO", "KL", "Reconstruction"} & set(first) and remarks == []


def test_every_run_keeps_its_colour_in_all_curves():
    three()
    figure = compare_charts.overlaid(compared("a", "b"), "kl", View(smoothing=0.1))
    colours = {trace.name: trace.line.color for trace in figure.data}
    assert {colours[name] for name in ("a", "a, raw", "a, validation")} == {"#4c6ef5"}
    assert colours["b"] == "#f59f00" and len(set(compare_charts.COLOURS)) == compare_runs.MOST


@pytest.mark.parametrize("name", [*curves.TITLES, "beta"])
@pytest.mark.parametrize("axis", list(curves.AXES))
def test_every_number_can_be_overlaid_over_every_axis(name, axis):
    three()
    autoencoder()
    place_run("empty", state="queued")
    compare_charts.overlaid(compared("a", "ae", "c", "empty"), name, View(axis, log=True, smoothing=0.1)).to_json()


def test_rate_and_distortion_are_a_point_a_run_over_lines_of_equal_elbo():
    three()
    figure = compare_charts.rate_distortion(compared("a", "b", "c"))
    points = {trace.name: (trace.x[0], trace.y[0]) for trace in figure.data if trace.mode == "markers"}
    assert points == {"a": (20.0, 90.0), "b": (25.0, 80.0)}
    lines = [trace for trace in figure.data if trace.mode == "lines"]
    sums = [np.add(line.x, line.y) for line in lines]
    assert len(lines) >= 3 and all(np.ptp(total) < 1e-9 for total in sums)
    assert {f"ELBO −{total[0]:g}" for total in sums} == {note.text for note in figure.layout.annotations}


def test_without_a_test_figure_there_is_no_plane():
    three()
    autoencoder()
    assert compare_charts.rate_distortion(compared("c", "ae")) is None


def test_ticking_runs_compares_them_and_the_address_says_so():
    three()
    app = start(run="a")
    app.checkbox(key="train.comparing").check().run()
    assert app.query_params["compare"] == "a" and compare_runs.CHOOSE in said(app)
    app.checkbox(key="train.compare.b").check().run()
    assert app.query_params["compare"] == "a,b" and "Comparing 2 runs" in said(app)
    table = app.dataframe[0].value
    assert list(table["Run"]) == ["a", "b"] and list(table["≠ latent dim"]) == [4, 8]
    app.checkbox(key="train.compare.a").uncheck().run()
    assert app.query_params["compare"] == "b" and compare_runs.CHOOSE in said(app)
    app.button(key="train.compare.done").click().run()
    assert "compare" not in app.query_params and not app.checkbox(key="train.comparing").value and not app.exception


def test_an_address_restores_a_comparison_and_says_which_of_it_is_gone():
    three()
    app = start(compare="c,b,deleted")
    assert "Comparing 2 runs" in said(app) and compare_runs.GONE in said(app)
    assert list(app.dataframe[0].value["Run"]) == ["c", "b"] and r"Not on the plane\: c" in said(app)
    assert app.checkbox(key="train.compare.b").value and not app.checkbox(key="train.compare.a").value


def test_no_more_runs_than_there_are_colours_can_be_ticked():
    for number in range(compare_runs.MOST + 1):
        place_run(f"r{number}", rows=rows())
    app = start(compare=",".join(f"r{number}" for number in range(compare_runs.MOST)))
    assert app.checkbox(key=f"train.compare.r{compare_runs.MOST}").disabled
    assert not app.checkbox(key="train.compare.r0").disabled and f"Comparing {compare_runs.MOST} runs" in said(app)


def test_reconstructions_of_the_same_images_stand_below_them_once_for_each_set_of_images():
    three()
    place_run("other", rows=rows())
    for name, shade in (("a", 10), ("b", 10), ("other", 99)):
        pictures = np.full((3, 8, 8, 1), shade, np.uint8)
        np.savez(runs.runs_root() / name / "preview.npz", inputs=pictures, reconstructions=pictures, samples=pictures)
    app = start(compare="a,b,other")
    assert said(app).count('alt="test images"') == 2
    assert said(app).count('alt="reconstructions of') == 3


def test_all_curves_can_be_unfolded():
    three()
    autoencoder()
    app = start(compare="a,ae")
    app.session_state["train.fold.compared"] = True
    app.run()
    assert "Gradient norm" in said(app) and not app.exception
