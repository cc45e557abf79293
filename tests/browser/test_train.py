"""Training in a real browser with a real server and real worker processes: start, watch, lose the server, explore."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from read_screen import PIXELS, typed

from tests.place_runs import finished_rows, place_run
from vae_core import runs
from vae_core.config.schema import train_config

POINTS = """name => {
  const plot = document.querySelector(`.st-key-train_chart_${name} .js-plotly-plot`);
  return plot && plot.data ? plot.data.map(curve => curve.x.length) : [0, 0];
}"""
LAST = "name => document.querySelector(`.st-key-train_chart_${name} .js-plotly-plot`).data[0].x.at(-1)"
SMALL = {"architecture": "mlp", "hidden": (32,), "latent_dim": 3}


@pytest.fixture
def train(server, page, monkeypatch):
    """The Train page of a new server; train.server is its process. Runs of the test are seen by this process too."""
    monkeypatch.setenv("VAE_RUNS", str(server.folder / "runs"))
    running = server()

    def open_page(query: str = "") -> Page:
        page.goto(f"{running.url}/train{query}")
        expect(page.get_by_text("New run")).to_be_visible(timeout=60_000)
        return page

    open_page.server = running
    yield open_page
    for run in runs.list_runs():
        if run.live:
            runs.stop(run.run_id)
    wait_for(lambda: not any(run.live for run in runs.list_runs()), 60)


@pytest.fixture(scope="module")
def tiny_checkpoint_file(tmp_path_factory, make_model):
    return make_model(tmp_path_factory.mktemp("model") / "tiny.safetensors")


def wait_for(condition, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, [(run, runs.log_tail(run.run_id)) for run in runs.list_runs()]
        time.sleep(0.1)


def only_run() -> runs.RunStatus:
    (run,) = runs.list_runs()
    return run


def tiny(**fields):
    return train_config(data={"name": "shapes", "limit": 1000, "validation": 200}, model=SMALL, batch_size=16, **fields)


def choose(page: Page, label: str, option: str) -> None:
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=option).click()
    settled(page)


def fill(page: Page, label: str, value: str) -> None:
    typed(page.get_by_label(label, exact=True).first, value)
    settled(page)


def settled(page: Page) -> None:
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=30_000)


def wait_for_growth(page: Page, patience: float = 60_000) -> None:
    """Until the training curve of both terms reaches further than it did, which takes at least two looks at the run."""
    for name in ("reconstruction", "kl"):
        page.wait_for_function(f"name => ({POINTS})(name)[0] >= 3", arg=name, timeout=patience)
    before = {name: page.evaluate(LAST, name) for name in ("reconstruction", "kl")}
    for name, last in before.items():
        page.wait_for_function(f"([name, last]) => ({LAST})(name) > last", arg=[name, last], timeout=patience)


@pytest.mark.firefox
def test_a_run_started_from_the_form_survives_reload_and_kill_and_ends_as_a_model_to_drag(train):
    page = train()
    choose(page, "Images", "Coloured shapes")
    choose(page, "Architecture", "fully connected")
    fill(page, "Latent size", "3")
    fill(page, "Epochs", "300")
    fill(page, "Batch size", "16")
    page.get_by_text("More settings").click()
    fill(page, "Images to use", "1000")
    fill(page, "Name", "from the form")
    page.get_by_role("button", name="Train", exact=True).click()
    wait_for_growth(page)
    pid_before = only_run().path.joinpath("status.json").read_text()

    page.reload()
    wait_for_growth(page)

    train.server.kill()
    assert only_run().state == "running"  # the worker does not notice
    train.server.start()
    page.goto(f"{train.server.url}/train")  # without ?run=...: the page finds it by itself
    expect(page.locator(".st-key-train_head")).to_contain_text("from the form", timeout=30_000)
    wait_for_growth(page)
    assert only_run().path.joinpath("status.json").read_text() == pid_before

    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("Stopped at epoch").first).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Explore", exact=True).click()
    expect(page.get_by_test_id("live-status")).to_have_attribute("data-state", "live", timeout=30_000)
    expect(page.get_by_test_id("decoded")).not_to_have_attribute("data-seq", "0")
    assert "from%20the%20form" in page.url or "from+the+form" in page.url
    before = page.evaluate(PIXELS)
    box = page.locator('input[type="range"]').first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + box["height"] / 2, steps=5)
    page.wait_for_function(f"before => ({PIXELS})() !== before", arg=before)
    page.mouse.up()


def test_runs_finish_one_after_the_other_without_their_server_and_are_seen_to_finish_by_the_next_one(train):
    first = runs.start(tiny(epochs=3), "first")
    second = runs.start(tiny(epochs=3), "second")
    page = train(f"?run={second}")
    expect(page.get_by_text("Queued: begins when 1 earlier run")).to_be_visible(timeout=30_000)
    train.server.kill()
    train.server.start()
    train(f"?run={second}")
    expect(page.get_by_text("test ELBO").first).to_be_visible(timeout=300_000)
    assert [runs.status(run_id).state for run_id in (first, second)] == ["done", "done"]


def test_a_killed_run_is_shown_as_died_while_the_page_looks_on(train):
    run_id = runs.start(tiny(epochs=2000), "victim")
    page = train()
    wait_for_growth(page)
    status = runs.status(run_id).path / "status.json"
    os.kill(int(status.read_text().split('"pid": ')[1].split("\n")[0].rstrip(",")), signal.SIGKILL)
    expect(page.get_by_text("The process is gone without having said why")).to_be_visible()


def test_a_killed_run_goes_on_after_its_server_was_killed_too(train):
    run_id = runs.start(tiny(epochs=2000), "victim")
    wait_for(lambda: runs.status(run_id).has_state, 120)
    os.kill(json.loads((only_run().path / "status.json").read_text())["pid"], signal.SIGKILL)
    train.server.kill()
    train.server.start()
    page = train()
    page.get_by_role("button", name="1 run died: resume it").click()
    reached = only_run().epoch
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_visible(timeout=60_000)
    wait_for(lambda: only_run().epoch > reached, 120)
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.get_by_text(re.compile("^Paused at epoch"))).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("button", name="Train again, but").click()
    expect(page.get_by_text("As victim, but")).to_be_visible()
    expect(page.get_by_label("Epochs", exact=True).first).to_have_value("2000")


@pytest.mark.parametrize(("typed", "words"), [("0", "from 1 to 256, not 0"), ("2.5", "from 1 to 256, not 2.5")])
def test_pressing_train_beside_a_field_in_red_trains_nothing_with_the_value_before(train, typed, words):
    page = train()
    page.get_by_label("Latent size", exact=True).first.fill(typed)
    page.get_by_role("button", name="Train", exact=True).click(force=True, no_wait_after=True)  # at once, as a hasty person would
    expect(page.get_by_text(words)).to_be_visible()
    settled(page)
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_disabled()
    assert runs.list_runs() == []
    fill(page, "Latent size", "3")
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_enabled()


def test_the_model_is_downloaded_while_the_page_draws_itself_anew(train, tiny_checkpoint_file):
    place_run("finished", rows=finished_rows(), checkpoint=tiny_checkpoint_file)
    runs.start(tiny(epochs=2000), "goes on")
    page = train("?run=finished")
    page.get_by_role("button", name="More", exact=True).click()
    link = page.get_by_role("link", name="Download the model")
    expect(link).to_be_visible()
    for _ in range(3):
        with page.expect_download() as download:
            link.click()
        assert download.value.suggested_filename == "finished.safetensors"
        assert Path(download.value.path()).read_bytes() == tiny_checkpoint_file.read_bytes()


@pytest.mark.firefox
def test_a_deleted_run_comes_back_from_the_trash(train):
    place_run("doomed", rows=finished_rows())
    page = train()
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("Nothing has been trained here yet")).to_be_visible()
    assert runs.list_runs() == []
    page.get_by_text("Trash (1)").click()
    page.get_by_role("button", name="Restore").click()
    expect(page.locator(".st-key-train_head")).to_contain_text("doomed")
    assert only_run().name == "doomed"


def test_a_hostile_checkpoint_is_refused_in_words(train):
    page = train()
    page.locator('input[type="file"]').set_input_files(
        {"name": "evil.safetensors", "mimeType": "application/octet-stream", "buffer": b"\xff" * 64}
    )
    expect(page.get_by_text("Refused: ")).to_be_visible()
    assert list((runs.runs_root() / "uploads").iterdir()) == []


def test_nothing_is_cut_off_on_a_phone_and_the_run_comes_first(train):
    place_run("small screen", rows=finished_rows())
    page = train()
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.get_by_text("test ELBO").first).to_be_visible()
    settled(page)
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
    assert page.locator(".st-key-train_live").bounding_box()["y"] < page.locator(".st-key-train_form").bounding_box()["y"]
