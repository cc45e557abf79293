"""The Train page without a browser: the form, the states of a run, what can be done with one, broken uploads."""

import time
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.run_files import finished_rows, place_run
from ui import charts_train, run_words, train_form
from ui.run_history import History
from vae_core import estimate, registry, runs
from vae_core.config import TrainConfig, train_config
from vae_core.metrics import MetricsWriter

ROOT = Path(__file__).parents[2]
measure = estimate.measure


@pytest.fixture(autouse=True)
def quiet(models_dir, monkeypatch, tmp_path):
    """Training is a stand-in (tests/core/fake_worker.py), nothing is measured, and no dataset is on this computer."""
    monkeypatch.setattr(runs, "WORKER", "tests.core.fake_worker")
    monkeypatch.setattr(estimate, "measure", lambda config: None)
    monkeypatch.setenv("VAE_DATA", str(tmp_path / "no-data"))
    yield
    for run in runs.list_runs():
        if run.live:
            runs.stop(run.run_id)
    wait_for(lambda: not any(run.live for run in runs.list_runs()))


def wait_for(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, runs.list_runs()
        time.sleep(0.02)


def start(**query):
    app = AppTest.from_file(str(ROOT / "ui" / "main.py"), default_timeout=60)
    app.run()
    app.switch_page("pages/train.py")
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception
    return app


def texts(app):
    elements = [*app.markdown, *app.caption, *app.info, *app.error, *app.warning, *app.success]
    return "\n".join(element.value for element in elements)


def test_an_empty_page_says_what_to_do():
    assert run_words.NO_RUNS in texts(start())


def test_the_form_begins_with_the_configs_defaults_and_fewer_epochs():
    app = start()
    config = TrainConfig()
    assert app.number_input(key="train.model.latent_dim").value == config.model.latent_dim
    assert app.number_input(key="train.learning_rate").value == config.learning_rate
    assert app.selectbox(key="train.data.name").value == "mnist"
    assert app.number_input(key="train.epochs").value == train_form.FIRST["epochs"]


def test_pressing_train_starts_a_run_with_what_the_form_says_and_shows_it():
    app = start()
    app.selectbox(key="train.data.name").set_value("shapes")
    app.number_input(key="train.model.latent_dim").set_value(3)
    app.number_input(key="train.beta").set_value(4.0)
    app.text_input(key="train.name").set_value("my run").run()
    app.button(key="train.go").click().run()
    (run,) = runs.list_runs()
    assert run.name == "my run"
    assert (run.config.data.name, run.config.model.latent_dim, run.config.beta) == ("shapes", 3, 4.0)
    assert app.query_params["run"] == run.run_id
    assert not app.exception


@pytest.mark.parametrize("name", ["a/b", "../up", "x" * 300])
def test_a_name_that_cannot_be_used_is_refused_on_the_page(name):
    app = start()
    app.text_input(key="train.name").set_value(name).run()
    app.button(key="train.go").click().run()
    assert "name" in texts(app) and runs.list_runs() == []


def test_a_field_left_empty_is_named_and_train_is_not_offered():
    app = start()
    app.number_input(key="train.epochs").set_value(None).run()
    assert any("epochs" in error.value for error in app.error)
    assert "train.go" not in [button.key for button in app.button]


def test_what_was_chosen_is_still_there_after_a_visit_to_another_page(tiny_checkpoint):
    app = start()
    app.number_input(key="train.epochs").set_value(33).run()
    app.switch_page("pages/explore.py").run()
    app.switch_page("pages/train.py").run()
    assert app.number_input(key="train.epochs").value == 33


def test_missing_images_are_announced_and_shapes_are_not():
    app = start()
    assert any("Coloured shapes" in warning.value for warning in app.warning)
    app.selectbox(key="train.data.name").set_value("shapes").run()
    assert not app.warning


def test_the_form_says_how_large_the_network_is_and_how_long_it_will_take():
    place_run("past", rows=finished_rows(), model={"architecture": "mlp"})
    app = start()
    app.selectbox(key="train.data.name").set_value("shapes")
    app.selectbox(key="train.model.architecture").set_value("mlp").run()
    wait_for(lambda: "about 3 min" in texts(app.run()), seconds=120)  # torch may still have to be imported
    assert "13 M parameters" in texts(app)


def test_a_small_image_limit_takes_a_small_validation_set():
    app = start()
    app.selectbox(key="train.data.name").set_value("shapes")
    app.number_input(key="train.data.limit").set_value(500).run()
    app.button(key="train.go").click().run()
    (run,) = runs.list_runs()
    assert (run.config.data.limit, run.config.data.validation) == (500, 100)


def test_a_running_run_can_be_stopped_and_is_then_shown_as_stopped():
    run_id = runs.start(train_config(data={"name": "shapes"}, seed=0), "long")
    wait_for(lambda: runs.status(run_id).state == "running")
    app = start()
    app.button(key=f"train.stop.{run_id}").click().run()
    wait_for(lambda: runs.status(run_id).state == "stopped")
    app.run()
    assert "Stopped at epoch" in texts(app) and f"train.stop.{run_id}" not in [button.key for button in app.button]


def test_a_queued_run_says_how_many_are_before_it():
    ids = [runs.start(train_config(data={"name": "shapes"}, seed=0), f"run {n}") for n in range(3)]
    wait_for(lambda: runs.status(ids[0]).state == "running")
    app = start(run=ids[2])
    assert "begins when 2 earlier runs will have ended" in texts(app)
    assert "1 running · 2 queued" in texts(app)
    for run_id in reversed(ids):
        runs.stop(run_id)


def test_a_failed_run_shows_its_message_and_the_last_lines_of_its_log():
    place_run("bad", "failed", message="The loss was not finite at step 212.", log="line\n" * 50 + "the very last line")
    app = start()
    assert "not finite at step 212" in texts(app)
    assert app.code[-1].value.endswith("the very last line")


def test_a_run_that_was_killed_says_that_it_died_and_what_to_try():
    place_run("gone", "running", log="Killed")
    assert "was killed" in texts(start()) and "Train again" in texts(start())


def test_a_run_that_failed_for_want_of_images_offers_shapes():
    place_run("no-data", "failed", message="MNIST digits cannot be downloaded.", data={"name": "mnist"})
    app = start()
    app.button(key="train.shapes").click().run()
    assert app.selectbox(key="train.data.name").value == "shapes"


def test_a_finished_run_shows_its_test_elbo_and_opens_in_explore(tiny_checkpoint):
    place_run("good one", rows=finished_rows(), checkpoint=tiny_checkpoint)
    app = start()
    assert "test ELBO −109.5 nats" in texts(app)
    app.button(key="train.explore.good one").click().run()
    assert app.session_state["model"] == "good one" and not app.exception


def test_a_run_is_renamed_in_place():
    place_run("before")
    app = start()
    app.text_input(key="train.rename.before.before").set_value("after").run()
    app.button(key="train.rename_go.before").click().run()
    assert runs.status("before").name == "after" and "**after**" in texts(app)


def test_a_refused_rename_says_why_and_goes_on_saying_it():
    place_run("one")
    place_run("two", created=2.0)
    app = start(run="two")
    app.text_input(key="train.rename.two.two").set_value("one").run()
    app.button(key="train.rename_go.two").click().run()
    app.run()
    assert "already called" in texts(app) and runs.status("two").name == "two"


def test_deleting_needs_the_confirmation():
    place_run("doomed")
    app = start()
    assert app.button(key="train.delete.doomed").disabled
    app.checkbox(key="train.sure.doomed").check().run()
    app.button(key="train.delete.doomed").click().run()
    assert runs.list_runs() == [] and run_words.NO_RUNS in texts(app)


def test_the_address_chooses_the_run_and_an_unknown_one_falls_back_to_the_newest():
    place_run("older", created=1.0)
    place_run("newer", created=2.0)
    assert "**older**" in texts(start(run="older"))
    assert "**newer**" in texts(start(run="nonsense"))


def test_a_hostile_checkpoint_is_refused_with_the_reason(models_dir):
    app = start()
    app.file_uploader[0].upload("evil.safetensors", b"\x80\x04cos\nsystem\n.", "application/octet-stream").run()
    assert any(error.value.startswith("Refused: ") for error in app.error)
    assert registry.list_models() == []


def test_a_good_checkpoint_is_taken_and_can_be_deleted(tiny_checkpoint):
    app = start()
    app.file_uploader[0].upload("mine.safetensors", tiny_checkpoint.read_bytes(), "application/octet-stream").run()
    assert "mine is ready to explore" in texts(app)
    app.button(key="train.upload_delete.mine.safetensors").click().run()
    assert [model.name for model in registry.list_models()] == ["tiny"]


def test_the_estimate_rests_on_a_run_of_the_same_network_and_scales_for_another():
    place_run("past", rows=finished_rows(), model={"architecture": "mlp"})
    same = train_config(data={"name": "shapes"}, model={"architecture": "mlp"}, epochs=10)
    found = estimate.estimate(same)
    assert (found.images_per_second, found.source, found.scaled) == (1000.0, "the run past", False)
    assert 10 * 25 < found.seconds < 10 * 25 * 1.2 + 10  # ten epochs of 25,000 images at 1,000 a second, and some validation
    wider = train_config(data={"name": "shapes"}, model={"architecture": "mlp", "hidden": (1024, 256)})
    assert estimate.estimate(wider).scaled and 400 < estimate.estimate(wider).images_per_second < 600
    assert estimate.estimate(train_config(data={"name": "shapes"}, model={"architecture": "conv"})) is None


def test_the_size_of_a_network_is_that_of_the_real_one():
    from vae_core.vae import build

    config = train_config(model={"architecture": "mlp", "hidden": (32,), "latent_dim": 3}).model
    assert estimate.size(config).parameters == sum(p.numel() for p in build(config).parameters())
    assert estimate.size(config).multiplications == 784 * 32 + 32 * 6 + 3 * 32 + 32 * 784


def test_a_real_measurement_is_remembered():
    config = train_config(model={"architecture": "mlp", "hidden": (16,)}, batch_size=8, device="cpu")
    measure(config)
    assert estimate.estimate(config).images_per_second > 10
    assert estimate.estimate(config).source == "a short measurement on this machine"


def test_a_long_history_is_drawn_with_few_points_and_its_true_last_value():
    xs = [i / 100 for i in range(20_000)]
    few_x, few_y = charts_train.downsample(xs, [np.exp(-x) for x in xs])
    assert len(few_x) == charts_train.POINTS and few_x[-1] == xs[-1] and few_y[-1] == np.exp(-xs[-1])
    assert few_x == sorted(few_x)


def test_charts_end_in_their_numbers_and_keep_a_persons_zoom(tmp_path):
    with MetricsWriter(tmp_path / "m.jsonl") as metrics:
        for row in finished_rows():
            metrics.write(row)
    history = History(tmp_path / "m.jsonl").read()
    options = {"run_id": "r", "epochs": 2}
    for log in (False, True):
        figure = charts_train.term_chart(history, "reconstruction", log=log, **options)
        assert {note.text for note in figure.layout.annotations} == {"train 5.00", "val 90.0"}
    again = charts_train.term_chart(history, "reconstruction", log=True, **options)
    assert figure.layout.uirevision == again.layout.uirevision
    assert len(charts_train.kl_chart(history, run_id="r").data[0].z) == 4


@pytest.mark.parametrize("count", [0, 1, 2, 119, 120, 121, 1000])
def test_the_map_of_kl_per_dimension_copes_with_any_number_of_epochs(tmp_path, count):
    history = History(tmp_path / "none")
    history.validations = [{"epoch": float(i), "kl_per_dim": [1.0, None, 0.2]} for i in range(count)]
    figure = charts_train.kl_chart(history, run_id="r")
    assert len(figure.data[0].x) == min(count, charts_train.CELLS)


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
    assert run_words.duration(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(3, "about 5 s"), (22, "about 20 s"), (90, "about 1.5 min"), (1000, "about 17 min")]
)
def test_estimates_have_no_more_digits_than_they_deserve(seconds, words):
    assert run_words.about(seconds) == words
