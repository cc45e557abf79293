"""The Train page without a browser: the form, the states of a run, what can be done with one, broken uploads."""

import time

import pytest
from streamlit.testing.v1 import AppTest

from tests.open_train_page import start
from tests.place_runs import finished_rows, paced_rows, place_run
from ui.train import form, form_fields, run_actions, run_sentences
from vae_core import runs
from vae_core.config.schema import TrainConfig, train_config
from vae_core.data import downloads
from vae_core.model_files import model_list
from vae_core.objectives.registry import OBJECTIVES
from vae_core.runs import trash
from vae_core.training import time_estimate, time_estimate_in_background


@pytest.fixture(autouse=True)
def quiet(models_dir, monkeypatch, tmp_path):
    """Training is a stand-in (tests/core/fake_worker.py), nothing is measured, and no dataset is on this computer."""
    monkeypatch.setattr(runs.start_stop_delete, "WORKER", "tests.core.fake_worker")
    monkeypatch.setattr(time_estimate, "measure", lambda config: None)
    monkeypatch.setenv("VAE_DATA", str(tmp_path / "no-data"))
    monkeypatch.setattr(downloads, "outlook", lambda info: downloads.Outlook(12_000_000))
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


def texts(app):
    elements = [*app.markdown, *app.caption, *app.info, *app.error, *app.warning, *app.success]
    return "\n".join(element.value for element in elements)


def test_an_empty_page_says_what_to_do():
    assert run_sentences.NO_RUNS in texts(start())


def test_the_form_begins_with_the_configs_defaults_and_fewer_epochs():
    app = start()
    config = TrainConfig()
    assert app.number_input(key="train.model.latent_dim").value == config.model.latent_dim
    assert app.number_input(key="train.learning_rate").value == config.learning_rate
    assert app.selectbox(key="train.data.name").value == "mnist"
    assert app.number_input(key="train.epochs").value == form_fields.FIRST["epochs"]


def test_pressing_train_starts_a_run_with_what_the_form_says_and_shows_it():
    app = start()
    app.selectbox(key="train.data.name").set_value("shapes")
    app.number_input(key="train.model.latent_dim").set_value(3)
    app.number_input(key="train.beta-elbo.beta").set_value(4.0)
    app.text_input(key="train.name").set_value("my run").run()
    app.button(key="train.go").click().run()
    (run,) = runs.list_runs()
    assert run.name == "my run"
    assert (run.config.data.name, run.config.model.latent_dim, run.config.objective.beta) == ("shapes", 3, 4.0)
    assert app.query_params["run"] == run.run_id
    assert not app.exception


@pytest.mark.parametrize("name", ["a/b", "../up", "x" * 300])
def test_a_name_that_cannot_be_used_is_refused_under_its_field_before_anything_is_pressed(name):
    app = start()
    app.text_input(key="train.name").set_value(name).run()
    assert "name" in texts(app) and app.button(key="train.go").disabled
    app.text_input(key="train.name").set_value("good").run()
    assert not app.button(key="train.go").disabled


@pytest.mark.parametrize(
    ("field", "typed", "words"),
    [
        ("model.latent_dim", 0, "Give a whole number from 1 to 256, not 0."),
        ("model.latent_dim", 2.5, "Give a whole number from 1 to 256, not 2.5."),
        ("epochs", 0, "Give a whole number from 1 to 2,000, not 0."),
        ("batch_size", 4, "Give a whole number from 8 to 4,096, not 4."),
        ("learning_rate", 0, "Give a number above 0, up to 1, not 0."),
        ("beta-elbo.beta", -1, "Give a number from 0 to 1,000, not -1."),
        ("data.limit", 20, "Give a whole number of at least 500, not 20."),
    ],
)
def test_a_field_that_cannot_be_used_says_so_and_nothing_is_trained_with_an_older_value(field, typed, words):
    app = start()
    app.number_input(key=f"train.{field}").set_value(typed).run()
    assert words in texts(app)
    assert app.button(key="train.go").disabled and not app.exception


def test_a_field_that_may_be_empty_can_be_emptied_and_another_one_never_is():
    app = start()
    app.number_input(key="train.data.limit").set_value(800).run()
    app.number_input(key="train.data.limit").set_value(None).run()
    assert app.number_input(key="train.data.limit").value is None and not app.button(key="train.go").disabled
    app.number_input(key="train.epochs").set_value(None).run()
    assert app.number_input(key="train.epochs").value is not None


def test_what_a_field_shows_does_not_depend_on_a_run_that_the_browser_may_have_missed():
    app = start()
    app.run()  # a second run before anything was typed: each must tell the browser the whole truth
    fields = {field.key: field.proto for field in app.number_input}
    assert fields["train.model.latent_dim"].default == 10 and fields["train.epochs"].default == form_fields.FIRST["epochs"]
    (warmup,) = [box.proto for box in app.selectbox if box.key == "train.beta-elbo.warmup"]
    assert warmup.options[warmup.default] == TrainConfig().objective.warmup


def test_only_the_fields_of_the_chosen_objective_are_shown_and_each_keeps_what_was_typed():
    app = start()
    app.number_input(key="train.beta-elbo.beta").set_value(4.0).run()
    app.selectbox(key="train.objective").set_value("iwae").run()
    assert not [box for box in app.number_input if "beta-elbo" in box.key] and "train.beta-elbo.warmup" not in str(app.selectbox)
    app.number_input(key="train.iwae.samples").set_value(0).run()
    assert "Give a whole number from 1 to 100, not 0." in texts(app) and app.button(key="train.go").disabled
    app.number_input(key="train.iwae.samples").set_value(3).run()
    app.button(key="train.go").click().run()
    assert runs.list_runs()[0].config.objective.model_dump() == {"kind": "iwae", "samples": 3}
    app.selectbox(key="train.objective").set_value("beta-elbo").run()
    assert app.number_input(key="train.beta-elbo.beta").value == 4.0


@pytest.mark.parametrize("kind", OBJECTIVES)
def test_every_objective_can_be_chosen_and_trained_with_the_settings_that_its_class_describes(kind):
    app = start()
    app.selectbox(key="train.data.name").set_value("shapes").run()
    app.selectbox(key="train.objective").set_value(kind).run()
    assert not app.exception
    app.button(key="train.go").click().run()
    assert runs.list_runs()[0].config.objective == OBJECTIVES[kind]()


def test_a_setting_that_means_nothing_beside_another_one_is_not_shown():
    app = start()
    shown = {"linear": "warmup_epochs", "cyclical": "cycles", "none": None}
    for warmup, wanted in shown.items():
        app.selectbox(key="train.beta-elbo.warmup").set_value(warmup).run()
        there = {box.key.rpartition(".")[2] for box in app.number_input} & {"warmup_epochs", "cycles"}
        assert there == ({wanted} if wanted else set())


def test_free_bits_beside_a_full_posterior_are_refused_in_a_sentence():
    app = start()
    app.selectbox(key="train.model.posterior").set_value("full").run()
    assert not app.button(key="train.go").disabled
    app.number_input(key="train.beta-elbo.free_bits").set_value(0.1).run()
    assert "a full posterior has no KL of each latent" in texts(app) and app.button(key="train.go").disabled
    app.number_input(key="train.beta-elbo.free_bits").set_value(0.0).run()
    app.button(key="train.go").click().run()
    assert runs.list_runs()[0].config.model.posterior == "full"


def test_what_does_not_fit_together_is_said_and_not_trained(monkeypatch):
    monkeypatch.setattr(form, "train_config", lambda **fields: train_config(**(fields | {"device": "abacus"})))
    app = start()
    assert "device" in texts(app) and app.button(key="train.go").disabled


def test_what_was_chosen_is_still_there_after_a_visit_to_another_page(tiny_checkpoint):
    app = start()
    app.number_input(key="train.epochs").set_value(33).run()
    app.switch_page("explore/explore_page.py").run()
    app.switch_page("train/train_page.py").run()
    assert app.number_input(key="train.epochs").value == 33


def test_missing_images_are_announced_and_shapes_are_not():
    app = start()
    assert any("Coloured shapes" in warning.value for warning in app.warning)
    app.selectbox(key="train.data.name").set_value("shapes").run()
    assert not app.warning


def test_the_form_says_how_large_the_model_is_and_how_long_it_will_take():
    place_run("past", rows=paced_rows(25), model={"architecture": "mlp"})
    app = start()
    app.selectbox(key="train.data.name").set_value("shapes")
    app.selectbox(key="train.model.architecture").set_value("mlp").run()
    wait_for(lambda: "about 2.5 min" in texts(app.run()), seconds=120)  # torch may still have to be imported
    assert "13 M parameters" in texts(app)


def test_when_parameters_cannot_be_counted_the_form_says_why_and_runs_can_still_be_started(monkeypatch):
    def no_torch(model):
        raise ImportError("libtorch is missing")

    monkeypatch.setattr(time_estimate, "size", no_torch)
    monkeypatch.setattr(time_estimate_in_background, "_background", background := time_estimate_in_background.Background())
    monkeypatch.setattr(time_estimate_in_background.outlook, "__defaults__", (background,))
    app = start()
    wait_for(lambda: "libtorch is missing" in texts(app.run()))
    assert not app.button(key="train.go").disabled


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
    assert "begins when 2 earlier runs have ended" in texts(app)
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
    assert "was killed" in texts(start()) and "**Resume** starts it again" in texts(start())


def test_a_run_that_failed_for_want_of_images_offers_shapes():
    place_run("no-data", "failed", message="MNIST digits cannot be downloaded.", data={"name": "mnist"})
    app = start()
    app.button(key="train.shapes").click().run()
    assert app.selectbox(key="train.data.name").value == "shapes"


def test_a_finished_run_shows_its_test_elbo_and_opens_in_explore(tiny_checkpoint):
    place_run("good one", rows=finished_rows(), checkpoint=tiny_checkpoint)
    app = start()
    assert "test ELBO −109.5" in texts(app)
    app.button(key="train.explore.good one").click().run()
    assert app.session_state["model"] == "good one" and not app.exception


@pytest.mark.parametrize(("posterior", "title"), [("diagonal", "KL per dimension"), ("full", "Marginal KL of each dimension")])
def test_the_chart_of_kl_says_when_it_is_of_the_marginals(posterior, title):
    model = {"posterior": posterior, "height": 64, "width": 64, "channels": 3}
    place_run("one", rows=finished_rows(), model=model)
    assert any(title in element.proto.body for element in start().get("html"))


def test_the_figures_of_a_finished_run_say_which_images_they_are_of():
    place_run("good one", rows=finished_rows())
    said = texts(start())
    assert "test ELBO −109.5, validation ELBO −109.0 nats" in said
    assert "done · validation ELBO −109.0" in said


def test_a_wish_to_explore_outlives_a_run_that_was_broken_off_and_a_missing_model_is_said(tiny_checkpoint):
    place_run("good one", rows=finished_rows(), checkpoint=tiny_checkpoint)
    app = start()
    app.session_state[run_actions.TO_EXPLORE] = "good one"
    app.run()
    assert app.session_state["model"] == "good one" and not app.exception
    app = start()
    app.session_state[run_actions.TO_EXPLORE] = "no such run"
    app.run()
    assert run_actions.NO_MODEL in texts(app) and not app.exception


def test_a_second_press_on_delete_finds_nothing_to_complain_about():
    place_run("doomed")
    run_actions._tried(runs.delete, "doomed")
    app = start()

    def second_press():
        from ui.train import run_actions

        run_actions._delete("doomed")

    second = AppTest.from_function(second_press).run()
    assert second.session_state[run_actions.NOTICE] == "" and not second.exception and not app.exception


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


def test_a_deletion_can_be_undone_at_once_and_from_the_trash():
    place_run("doomed")
    app = start()
    app.button(key="train.delete.doomed").click().run()
    assert runs.list_runs() == [] and run_sentences.NO_RUNS in texts(app) and "lies in the trash for a week" in texts(app)
    (one,) = trash.deleted_runs()
    app.button(key=f"train.undo.{one.key}").click().run()
    assert [run.name for run in runs.list_runs()] == ["doomed"] and "trash" not in texts(app) and not app.exception


def test_the_address_chooses_the_run_and_an_unknown_one_falls_back_to_the_newest():
    place_run("older", created=1.0)
    place_run("newer", created=2.0)
    assert "**older**" in texts(start(run="older"))
    assert "**newer**" in texts(start(run="nonsense"))


def test_a_hostile_checkpoint_is_refused_with_the_reason(models_dir):
    app = start()
    app.file_uploader[0].upload("evil.safetensors", b"\x80\x04cos\nsystem\n.", "application/octet-stream").run()
    assert any(error.value.startswith("Refused: ") for error in app.error)
    assert model_list.list_models() == []


def test_a_good_checkpoint_is_taken_and_can_be_deleted(tiny_checkpoint):
    app = start()
    app.file_uploader[0].upload("mine.safetensors", tiny_checkpoint.read_bytes(), "application/octet-stream").run()
    assert "mine is ready to explore" in texts(app)
    app.button(key="train.upload_delete.mine.safetensors").click().run()
    assert [model.name for model in model_list.list_models()] == ["tiny"]
