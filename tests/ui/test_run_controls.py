"""What can be done with a run on the Train page besides starting it: pause, resume, change, extend, train again, reorder."""

import pytest

from tests.open_train_page import start
from tests.place_runs import finished_rows, place_run
from tests.ui.test_train_page import texts, wait_for
from vae_core import runs
from vae_core.config.schema import train_config
from vae_core.runs import trash
from vae_core.training import time_estimate, worker_process


@pytest.fixture(autouse=True)
def quiet(models_dir, monkeypatch):
    """Training is a stand-in (tests/core/fake_worker.py), and nothing is measured."""
    monkeypatch.setattr(runs.start_stop_delete, "WORKER", "tests.core.fake_worker")
    monkeypatch.setattr(time_estimate, "measure", lambda config: None)
    yield
    for run in runs.list_runs():
        runs.stop(run.run_id)
    wait_for(lambda: not any(run.live for run in runs.list_runs()))


def test_a_run_that_died_is_offered_to_go_on_and_all_of_them_at_once():
    for number in range(2):
        (place_run(f"gone {number}", "running", created=1.0 + number) / "state.safetensors").write_bytes(b"x")
    app = start()
    assert "Resume** goes on from its last saved state" in texts(app)
    assert app.button(key="train.resume_all").label == "2 runs died: resume all"
    app.button(key="train.resume.gone 1").click().run()
    wait_for(lambda: runs.status("gone 1").state != "died")
    app.run()
    assert app.button(key="train.resume_all").label == "1 run died: resume it"
    app.button(key="train.resume_all").click().run()
    assert not app.exception and "died" not in [run.state for run in runs.list_runs()]


def test_a_paused_run_says_where_it_waits_and_goes_on():
    run_id = runs.start(train_config(data={"name": "shapes"}, seed=0), "long")
    wait_for(lambda: runs.status(run_id).state == "running")
    (runs.runs_root() / run_id / "state.safetensors").write_bytes(b"x")  # without one it goes on from its first epoch only
    app = start()
    app.button(key=f"train.pause.{run_id}").click().run()
    wait_for(lambda: runs.status(run_id).state == "paused")
    assert "Paused at epoch" in texts(app.run())
    app.button(key=f"train.resume.{run_id}").click().run()
    wait_for(lambda: runs.status(run_id).state == "running")


def test_settings_are_changed_and_epochs_added_in_the_menu_of_a_running_run():
    run_id = runs.start(train_config(data={"name": "shapes"}, seed=0), "long")
    wait_for(lambda: runs.status(run_id).state == "running")
    app = start()
    assert app.button(key=f"train.change_go.{run_id}").disabled
    app.number_input(key=f"train.change.beta.{run_id}.1.0").set_value(3.0).run()
    app.button(key=f"train.change_go.{run_id}").click().run()
    assert runs.status(run_id).settings == {"beta": 3.0}
    app.number_input(key=f"train.change.learning_rate.{run_id}.0.002").set_value(7.0).run()
    app.button(key=f"train.change_go.{run_id}").click().run()
    assert "learning_rate: Input should be less than or equal to 1 (got 7.0)" in texts(app)
    app.button(key=f"train.extend.{run_id}").click().run()
    assert runs.status(run_id).config.epochs == 12 and not app.exception


def test_train_again_fills_the_form_and_the_run_remembers_where_it_comes_from():
    hidden = {"architecture": "mlp", "latent_dim": 7, "hidden": [40, 20]}
    place_run("first", rows=finished_rows(), model=hidden, epochs=3, weight_decay=0.5, objective={"kind": "iwae", "samples": 9})
    app = start()
    app.button(key="train.again.first").click().run()
    assert app.number_input(key="train.model.latent_dim").value == 7 and app.number_input(key="train.iwae.samples").value == 9
    assert "As **first**" in texts(app)
    app.number_input(key="train.model.latent_dim").set_value(4).run()
    app.button(key="train.go").click().run()
    (run,) = [run for run in runs.list_runs() if run.parent == "first"]
    config = run.config
    assert (config.model.latent_dim, config.model.hidden, config.weight_decay, config.epochs) == (4, (40, 20), 0.5, 3)
    assert config.objective.model_dump() == {"kind": "iwae", "samples": 9}
    assert "but latent dim 7 → 4" in texts(app.run()) and not app.exception
    runs.stop(run.run_id)


def test_train_again_says_that_the_images_of_the_run_were_deleted():
    config = place_run("first", rows=finished_rows()) / "config.json"
    config.write_text(config.read_text().replace('"shapes"', '"butterflies"'))
    app = start()
    assert "butterflies" not in texts(app)
    app.button(key="train.again.first").click().run()
    assert "The images of that run, **butterflies**, are not there any more" in texts(app) and not app.exception
    app.button(key="train.again.forget").click().run()
    assert "are not there any more" not in texts(app)


def test_a_run_that_diverged_offers_to_go_on_more_slowly():
    run_dir = place_run("bad", "failed", message="The loss was not finite at step 4.")
    (run_dir / "state.safetensors").write_bytes(b"x")
    runs.write_status(run_dir, reason="diverged")
    app = start()
    (button,) = [button for button in app.button if button.key == "train.calmer.bad"]
    assert button.label == "Go on at a learning rate of 0.00067"
    button.click().run()
    assert runs.status("bad").settings == {"learning_rate": 0.00067} and runs.status("bad").state != "failed"


def test_a_full_disk_offers_to_empty_the_trash():
    place_run("old")
    runs.delete("old")
    runs.write_status(place_run("full", "failed", message=worker_process.DISK_FULL), reason="disk")
    app = start()
    assert "The disk is full" in texts(app)
    app.button(key="train.disk.empty_go").click().run()
    assert trash.deleted_runs() == [] and not app.exception


def test_the_queue_is_reordered_from_the_panel_of_a_waiting_run():
    ids = [runs.start(train_config(data={"name": "shapes"}, seed=0), f"run {n}") for n in range(3)]
    wait_for(lambda: runs.status(ids[0]).state == "running")
    app = start(run=ids[2])
    assert app.button(key=f"train.later.{ids[2]}").disabled
    app.button(key=f"train.earlier.{ids[2]}").click().run()
    assert "begins when 1 earlier run has" in texts(app)
    for run_id in reversed(ids):
        runs.stop(run_id)
