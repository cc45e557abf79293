"""A map without an inverse and the plane through three pins, in a real browser: t-SNE computed by a real child process."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from read_screen import MAP, OVERLAY, PIXELS, address_z, at, background, box, differs, live, same, slider, still, value

from vae_core.latent.neighbour_embeddings import Embedding, write

PINS = "1,0,0,0;0,1,0,0;0,0,1,0"

LISTEN = """() => {
  const note = document.querySelector('.lw-map-note');
  window.said = [];
  new MutationObserver(() => window.said.push(note.textContent)).observe(note, {childList: true});
}"""


@pytest.fixture
def opened(steady, page):
    """opened(query) is Explore with the four-dimensional model, its map drawn with its background unless that is hidden."""

    def open_page(query: str = "", drawn: bool = True) -> Page:
        page.goto(f"{steady.url}/?model=tiny&z=0,0,0,0{query}")
        live(page)
        if drawn:
            background(page)
        return page

    return open_page


def planes(page: Page):
    return page.get_by_label("plane of the map")


def note(page: Page):
    return page.locator(".lw-map-note")


def scattered(page: Page, kind: str = "tsne") -> Page:
    """Turns to the map and waits until the child has computed it."""
    before = page.evaluate(MAP)
    planes(page).select_option(kind)
    expect(note(page)).to_contain_text("has no inverse", timeout=60_000)
    differs(page, MAP, before)
    return page


def to_a_point(page: Page) -> None:
    """Sweeps over the map until the pointer is on a point."""
    area = box(page)
    for step in range(2000):
        page.mouse.move(area["x"] + 20 + (step * 9) % (area["width"] - 40), area["y"] + 20 + (step // 30) * 9)
        if page.locator(".lw-tip").is_visible():
            return
    raise AssertionError("no point was met")


def test_choosing_t_sne_tells_how_far_it_is_and_then_shows_points_and_why_only_they_decode(opened):
    page = opened()
    page.evaluate(LISTEN)
    scattered(page)
    words = page.evaluate("() => window.said")
    assert any(text.startswith("Computing t-SNE of 200 points in the background") for text in words)
    expect(note(page)).to_contain_text("no latent vector belongs to the empty places, so they cannot be decoded")
    expect(page.get_by_label("background of the map")).to_be_hidden()


def test_hovering_a_point_previews_its_code_and_leaving_restores(opened):
    page = scattered(opened())
    before, values = page.evaluate(PIXELS), [value(page, d) for d in range(4)]
    to_a_point(page)
    differs(page, PIXELS, before)
    expect(page.locator(".lw-tip")).to_contain_text("test image")
    assert [value(page, d) for d in range(4)] == values, "one only looks"
    page.mouse.move(20, 690)
    same(page, PIXELS, before)
    assert [value(page, d) for d in range(4)] == values and address_z(page) == [0, 0, 0, 0]


def test_a_click_goes_to_the_point_and_a_click_on_an_empty_place_does_nothing(opened):
    page = scattered(opened())
    before = page.evaluate(PIXELS)
    page.mouse.click(*at(page, 0.005, 0.005))
    page.wait_for_timeout(300)
    assert page.evaluate(PIXELS) == before and address_z(page) == [0, 0, 0, 0]
    to_a_point(page)
    page.mouse.down()
    page.mouse.up()
    page.wait_for_function("() => !location.search.includes('z=0,0,0,0')")
    assert address_z(page) == pytest.approx([value(page, d) for d in range(4)], abs=1e-3)


def test_the_cross_is_drawn_only_on_a_point(opened):
    page = scattered(opened())
    before = still(page, OVERLAY)
    slider(page, 0).focus()
    page.keyboard.press("Shift+ArrowRight")
    page.wait_for_function("() => !location.search.includes('z=0,0,0,0')")
    assert still(page, OVERLAY) == before, "neither the origin nor its neighbour is an encoded image"
    to_a_point(page)
    page.mouse.down()
    page.mouse.up()
    page.mouse.move(20, 690)
    expect(page.locator(".lw-tip")).to_be_hidden()
    differs(page, OVERLAY, before)


def test_the_arrow_keys_hop_from_point_to_point(opened):
    page = scattered(opened())
    page.get_by_test_id("map").focus()
    visited = set()
    for _ in range(3):
        before = page.url
        page.keyboard.press("ArrowRight")
        page.wait_for_function("before => location.href !== before", arg=before)
        expect(page.locator(".lw-tip")).to_contain_text("test image")
        visited.add(page.locator(".lw-tip").inner_text())
    assert len(visited) == 3


def test_a_plane_comes_back_with_its_background_and_the_note_goes(opened):
    page = scattered(opened())
    drawn = page.evaluate("() => performance.getEntriesByName('map-background').length")
    planes(page).select_option("pc:0:1")
    background(page, drawn + 1)
    expect(note(page)).to_be_hidden()
    expect(page.get_by_label("background of the map")).to_be_visible()
    before = page.evaluate(PIXELS)
    page.mouse.move(*at(page, 0.15, 0.2))
    differs(page, PIXELS, before)


def test_a_link_opens_the_map_without_an_inverse(opened):
    page = opened("&plane=tsne", drawn=False)
    expect(note(page)).to_contain_text("has no inverse", timeout=60_000)
    assert planes(page).input_value() == "tsne"


def test_a_map_that_cannot_be_computed_says_why_and_the_plane_stays(opened):
    page = opened()
    page.route(
        "**/map/embedding?*", lambda route: route.fulfill(status=501, body="UMAP needs umap-learn, which is not installed.")
    )
    planes(page).select_option("umap")
    expect(note(page)).to_have_text("UMAP needs umap-learn, which is not installed.")
    assert planes(page).input_value() == "pc:0:1"
    before = page.evaluate(PIXELS)
    page.mouse.move(*at(page, 0.15, 0.2))
    differs(page, PIXELS, before)
    planes(page).select_option("pc:0:2")
    expect(note(page)).to_be_hidden()


def test_umap_from_an_earlier_server_is_shown_without_the_library(steady, opened):
    from ui.shared.cached_models import HASH_DIGITS, _hash

    folder = steady.folder / "runs" / ".maps"
    folder.mkdir(exist_ok=True)
    spread = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32)
    name = _hash(steady.folder / "checkpoints" / "tiny.safetensors")[:HASH_DIGITS]
    write(folder / f"{name}-umap.npz", Embedding(np.arange(200, dtype=np.uint32), spread))
    page = scattered(opened(), "umap")
    expect(note(page)).to_contain_text("UMAP keeps images with similar codes together")


def test_three_chosen_pins_span_a_plane_of_the_map_that_a_link_restores(opened):
    page = opened(f"&pins={PINS}")
    button = page.get_by_role("button", name="Plane", exact=True)
    before = page.evaluate(MAP)
    button.click()
    differs(page, MAP, before)
    assert planes(page).locator("option:checked").inner_text() == "through pins 1, 2, 3"
    assert planes(page).input_value() == "through:" + PINS
    page.mouse.click(*at(page, 0.3, 0.6))
    page.wait_for_function("() => !location.search.includes('z=0,0,0,0')")
    assert sum(address_z(page)[:3]) == pytest.approx(1, abs=0.01), "the plane through the three unit vectors"
    page.get_by_label("path through pin 2").click()
    expect(button).to_be_hidden()
    opened(f"&plane=through:{PINS}")
    assert planes(page).locator("option:checked").inner_text() == "through three pins"


def test_three_pins_on_a_line_are_told_so(opened):
    page = opened("&pins=0,0,0,0;1,1,0,0;2,2,0,0")
    page.get_by_role("button", name="Plane", exact=True).click()
    expect(page.get_by_text("These three pins lie on one line, and many planes hold it; choose another pin.")).to_be_visible()
    assert planes(page).input_value() == "pc:0:1"
