"""The whole way at one go: awful pictures become a dataset and a run; it is killed with its server, goes on, is explored while it
trains, looked back on, and compared with a second one."""

from __future__ import annotations

import os
import signal
import time

import pytest
from playwright.sync_api import Page, expect
from read_screen import PIXELS, differs, live, typed
from test_import_panel import choose, drop, redrawn, settled

from tests import awful_zip
from vae_core import runs
from vae_core.runs.json_files import read_json
from vae_core.runs.metrics_log import read_since

SHOWN = "() => [...document.querySelectorAll('.own-pictures img')].map(one => one.src).join()"
BOTH = "() => [...document.querySelectorAll('.js-plotly-plot')].some(plot => (plot.data || []).length >= 2)"


@pytest.fixture
def place(server, page, monkeypatch):
    """A new server without datasets and runs; this process sees its folders too."""
    folders = {"VAE_DATA": str(server.folder / "data"), "OMP_NUM_THREADS": "1"}
    monkeypatch.setenv("VAE_RUNS", str(server.folder / "runs"))
    for name, value in folders.items():
        monkeypatch.setenv(name, value)
    yield server(**folders)
    for run in runs.list_runs():
        if run.live:
            runs.stop(run.run_id)
    until(lambda: not any(run.live for run in runs.list_runs()))


def until(holds, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, [(run, runs.log_tail(run.run_id)) for run in runs.list_runs()]
        time.sleep(0.1)


def keep_awful_pictures(page: Page) -> None:
    page.get_by_role("button", name="Your own pictures").click()
    expect(page.get_by_text("None yet.")).to_be_visible(timeout=60_000)
    drop(page, "light and dark.zip", awful_zip.awful_zip())
    for name in awful_zip.LEFT_OUT:
        expect(page.locator(".own-left-out")).to_contain_text(name, timeout=60_000)
    before = page.evaluate(SHOWN)
    choose(page, "Crop", "Stretch")
    redrawn(page, before)
    settled(page)
    choose(page, "Size", "32")
    settled(page)
    typed(page.get_by_label("Name", exact=True), "light and dark")
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.locator(".st-key-train_form").get_by_text("32×32 colour, 2 classes")).to_be_visible(timeout=60_000)


def start_long_run(page: Page) -> None:
    form = page.locator(".st-key-train_form")
    typed(form.get_by_label("Epochs", exact=True), "2000")
    settled(page)
    form.get_by_role("button", name="Train", exact=True).click()


def only_run() -> runs.RunStatus:
    (run,) = runs.list_runs()
    return run


def steps(run: runs.RunStatus) -> list[int]:
    return [row["step"] for row in read_since(run.path / "metrics.jsonl")[0] if row["kind"] == "step"]


def test_from_an_awful_zip_to_a_run_that_survives_everything_and_two_that_compare(place, page):
    page.goto(f"{place.url}/train")
    keep_awful_pictures(page)
    start_long_run(page)
    until(lambda: runs.list_runs() and len(steps(only_run())) > 3 and only_run().has_state)
    page.reload()
    expect(page.locator(".st-key-train_head")).to_contain_text(only_run().name, timeout=60_000)

    os.kill(int(read_json(only_run().path / "status.json")["pid"]), signal.SIGKILL)
    place.kill()
    until(lambda: only_run().state == "died")
    reached = only_run().epoch
    place.start()
    page.goto(f"{place.url}/train")
    expect(page.get_by_role("button", name="1 run died: resume it")).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Resume", exact=True).click()
    until(lambda: only_run().state == "running" and only_run().epoch > reached)
    assert sorted(set(steps(only_run()))) == steps(only_run())  # no row twice

    page.get_by_role("button", name="Explore", exact=True).click()
    live(page)
    first = page.evaluate(PIXELS)
    newer = differs(page, PIXELS, first)  # under a resting hand
    training = page.get_by_test_id("training")
    training.focus()
    page.keyboard.press("Home")
    expect(page.get_by_test_id("training-step")).to_contain_text("step 0")
    differs(page, PIXELS, first, newer)

    runs.stop(only_run().run_id)
    until(lambda: not only_run().live)
    second = runs.start(only_run().config.model_copy(update={"epochs": 3}), "second")
    until(lambda: runs.status(second).state == "done")
    page.goto(f"{place.url}/train?run={second}")
    first_name = next(run.name for run in runs.list_runs() if run.run_id != second)
    for box in ("Compare", first_name):
        page.get_by_test_id("stCheckbox").filter(has_text=box).locator("label").click()
    expect(page.get_by_text("Comparing 2 runs")).to_be_visible(timeout=60_000)
    page.wait_for_function(BOTH)
