"""A short real run in a real browser: its model is followed while it trains, and seen again as it was at any step."""

from __future__ import annotations

import re
import time

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from read_screen import MAP, PIXELS, background, differs, live, same, settled, slider, still

from tests.place_runs import place_run
from vae_core import runs
from vae_core.config.schema import train_config
from vae_core.runs.snapshot_files import LIVE, snapshot_steps
from vae_core.training import loop

CONFIG = {
    "data": {"name": "shapes", "limit": 1000, "validation": 200},
    "model": {"architecture": "mlp", "latent_dim": 4, "hidden": (32,)},
    "epochs": 1000, "batch_size": 100, "device": "cpu",
}  # fmt: skip
AT = "z=0.5,-0.5,1,0"


def until(holds, seconds=90):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.fixture
def going(server, page, monkeypatch):
    """Explore with the model of a run that has just begun: (page, run's id)."""
    monkeypatch.setenv("VAE_RUNS", str(server.folder / "runs"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    url = server().url
    run_id = runs.start(train_config(**CONFIG), "going")
    until(lambda: (runs.runs_root() / run_id / LIVE).exists())
    page.set_default_timeout(60_000)  # on a busy machine the run, which stands back, hardly gets on
    page.goto(f"{url}/?model=going&{AT}")
    live(page)
    yield page, run_id
    runs.stop(run_id)
    until(lambda: not runs.status(run_id).live)


def stands_at(page: Page, words: str) -> None:
    expect(page.get_by_test_id("training-step")).to_contain_text(words)


def test_a_model_is_followed_while_it_trains_and_goes_over_into_the_one_that_is_left(going):
    page, run_id = going
    expect(page.get_by_text("still training")).to_be_visible()
    background(page)
    expect(page.locator(".lw-figures")).to_have_text("not compared with the data while it trains")
    page.get_by_label("background of the map").select_option("holes")
    expect(page.locator(".lw-map-card")).to_contain_text("Holes are not measured while a model trains")
    page.get_by_label("background of the map").select_option("manifold")
    page.evaluate("() => { window.rail = document.querySelector('.lw-rail'); }")
    said = page.get_by_test_id("training-step").inner_text()
    picture, points = page.evaluate(PIXELS), page.evaluate(MAP)
    newer = differs(page, PIXELS, picture)
    differs(page, PIXELS, picture, newer)
    differs(page, MAP, points)
    expect(page.get_by_test_id("training-step")).not_to_have_text(said)
    assert page.evaluate("() => rail.isConnected"), "the sliders are the same ones: the page has not been drawn anew"
    assert slider(page, 2).input_value() == "1"

    until(lambda: len(snapshot_steps(runs.runs_root() / run_id)) >= 8)
    page.get_by_test_id("training").focus()
    page.keyboard.press("Home")
    stands_at(page, "step 0 · epoch 0.00")
    first = still(page, PIXELS)
    runs.stop(run_id)
    expect(page.locator("body")).not_to_contain_text(re.compile("still training|training is ending"), timeout=60_000)
    stands_at(page, "step 0 · epoch 0.00")
    same(page, PIXELS, first)  # who looks back is left where they are

    page.get_by_test_id("training").press("End")
    stands_at(page, "now: step")
    now = differs(page, PIXELS, first)
    seen = {now, first}
    for _ in range(3):
        page.get_by_test_id("training").press("ArrowLeft")
        seen.add(differs(page, PIXELS, *seen))
    page.get_by_role("button", name="now", exact=True).click()
    same(page, PIXELS, now)


@pytest.fixture
def done(server, page, monkeypatch):
    """Explore with the model of a run of 60 steps that has ended, a Gaussian with a sigma for each pixel."""
    monkeypatch.setenv("VAE_RUNS", str(server.folder / "runs"))
    url = server().url
    model = {**CONFIG["model"], "likelihood": "gaussian-per-pixel"}
    loop.train(train_config(**{**CONFIG, "model": model, "epochs": 6}), place_run("done"))
    page.goto(f"{url}/?model=done&{AT}")
    live(page)
    background(page)
    return page


def test_a_training_is_dragged_through_played_and_exported(done):
    page, handle = done, done.get_by_test_id("training")
    expect(handle).to_be_visible()
    now, points = still(page, PIXELS), page.evaluate(MAP)
    box = handle.bounding_box()
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 2, box["y"] + box["height"] / 2, steps=12)
    stands_at(page, "step 0")
    differs(page, PIXELS, now)  # under the hand
    differs(page, MAP, points)
    page.mouse.up()
    first = still(page, PIXELS)
    expect(page.locator(".lw-figures")).to_have_text("as it was then, not compared with the data")

    slider(page, 0).focus()
    page.keyboard.press("Home")  # z moves where one is in time
    differs(page, PIXELS, now, first)
    page.keyboard.press("Control+z")
    same(page, PIXELS, first)
    settled(page)

    page.get_by_role("button", name="play the training").click()
    differs(page, PIXELS, first)
    stands_at(page, "now")
    same(page, PIXELS, now)
    page.keyboard.press(",")
    differs(page, PIXELS, now)
    page.keyboard.press(".")
    same(page, PIXELS, now)

    page.get_by_role("group", name="Training").get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="NPZ").click()
    with np.load(download.value.path()) as film:
        assert len(film["pictures"]) == int(handle.get_attribute("max")) + 1
        assert (film["pictures"][0] != film["pictures"][-1]).any()


def test_a_link_holds_the_step_of_the_training_and_the_noise(done):
    page = done
    now = still(page, PIXELS)
    page.get_by_role("button", name="with noise").click()
    noisy = differs(page, PIXELS, now)
    page.get_by_test_id("training").press("Home")
    stands_at(page, "step 0")
    first = differs(page, PIXELS, now, noisy)
    assert still(page, PIXELS) == first
    page.keyboard.press("l")
    link = page.get_by_label("link to this view").input_value()
    page.goto("about:blank")
    page.goto(link)
    stands_at(page, "step 0")
    same(page, PIXELS, first)
    expect(page.get_by_role("button", name="with noise")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("n")
    differs(page, PIXELS, first, noisy)

    page.goto("about:blank")
    page.goto(re.sub("step=0&noise=[0-9]+", "step=7", link))
    expect(page.locator(".lw-toast")).to_contain_text("Of step 7, which the link asks for, there is no snapshot")
    stands_at(page, "now")
    same(page, PIXELS, now)
