"""Curves and comparisons in a real browser: what can be chosen, what is drawn, what an address restores."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.place_runs import finished_rows, place_run

TRACES = "key => (document.querySelector(`.st-key-train_${key} .js-plotly-plot`)?.data ?? []).map(trace => trace.name).join()"
MODEL = {"architecture": "mlp", "height": 64, "width": 64, "channels": 3}


@pytest.fixture
def train(server, page, monkeypatch):
    """The Train page of a new server with three runs that have ended."""
    monkeypatch.setenv("VAE_RUNS", str(server.folder / "runs"))
    figures = {"test_elbo": -110.0, "test_reconstruction": 90.0, "test_kl": 20.0, "test_active_units": 3}
    for number, name in enumerate(("first", "second", "third")):
        *rows, end = finished_rows()
        kl = 20.0 + number
        rows += [{**end, **figures, "test_kl": kl}]
        folder = place_run(name, created=float(number), rows=rows, model={**MODEL, "latent_dim": 4 + number})
        pictures = np.full((10, 64, 64, 3), 90 + number, np.uint8)
        np.savez(folder / "preview.npz", inputs=np.zeros_like(pictures), reconstructions=pictures, samples=pictures)
    running = server()

    def open_page(query: str = "") -> Page:
        page.goto(f"{running.url}/train{query}")
        expect(page.get_by_text("New run")).to_be_visible(timeout=60_000)
        return page

    return open_page


def drawn(page: Page, key: str, traces: str) -> None:
    page.wait_for_function(f"([key, traces]) => ({TRACES})(key) === traces", arg=[key, traces], timeout=60_000)


def test_the_axis_the_smoothing_and_the_table_of_all_rows(train):
    page = train("?run=first")
    drawn(page, "chart_kl", "train,validation")
    page.get_by_role("button", name="View", exact=True).click()
    page.get_by_role("radio", name="steps").or_(page.get_by_role("button", name="steps")).first.click()
    expect(page.get_by_text("nats per image, over steps")).to_be_visible(timeout=60_000)
    page.wait_for_function("document.querySelector('.st-key-train_chart_kl .js-plotly-plot').data[0].x.at(-1) === 99")
    page.get_by_role("slider", name="Smoothing").press("ArrowRight")
    drawn(page, "chart_kl", "raw,train,validation")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download all rows as CSV").click()
    lines = download.value.path().read_text().splitlines()
    assert lines[0].startswith("kind,step,epoch,time") and len(lines) == 1 + len(list(finished_rows()))
    assert download.value.suggested_filename == "first.csv"


def test_the_other_curves_unfold_and_a_picture_of_all_of_them_is_saved(train):
    page = train("?run=first")
    page.get_by_text("Total loss, ELBO").click()
    drawn(page, "chart_images_per_second", "train")
    page.get_by_text("All curves as a picture").click()
    expect(page.locator(".modebar-btn[data-title*='png' i]")).to_be_visible(timeout=60_000)
    with page.expect_download() as download:
        page.locator(".modebar-btn[data-title*='png' i]").click()
    assert download.value.path().read_bytes().startswith(b"\x89PNG") and "first" in download.value.suggested_filename


@pytest.mark.firefox
def test_runs_are_ticked_with_the_keyboard_and_compared_and_the_address_restores_it(train):
    page = train("?run=first")
    box = page.get_by_role("checkbox", name="Compare")
    box.focus()
    box.press("Space")
    expect(page.get_by_text("Tick two or more runs")).to_be_visible(timeout=60_000)
    other = page.get_by_role("checkbox", name="third")
    other.focus()
    other.press("Space")
    expect(page.get_by_text("Comparing 2 runs")).to_be_visible(timeout=60_000)
    page.wait_for_url("**compare=first*third*")
    for _ in range(2):
        drawn(page, "compared_KL", "first,first, validation,third,third, validation")
        expect(page.get_by_test_id("stDataFrame")).to_be_visible(timeout=60_000)
        expect(page.get_by_role("img", name="reconstructions of third")).to_be_visible(timeout=60_000)
        expect(page.get_by_text("Rate against distortion")).to_be_visible(timeout=60_000)
        expect(page.get_by_role("checkbox", name="third")).to_be_checked()
        page.reload()
    page.get_by_role("button", name="Done").click()
    expect(page.locator(".st-key-train_head")).to_contain_text("first")
    page.wait_for_function("!location.search.includes('compare')")
