"""A newcomer's first minute: a crisp picture, the guide's three moves, what the page says of itself, and the picture alone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect
from read_screen import PIXELS, at, differs, live, same, settled, slider, still

PLACE = "() => JSON.stringify(document.querySelector('[data-testid=decoded]').getBoundingClientRect())"


@pytest.fixture
def tiny(steady, page) -> Page:
    page.goto(f"{steady.url}/?model=tiny")
    live(page)
    return page


def guide(page: Page) -> Locator:
    return page.get_by_test_id("guide")


def drag(page: Page, dimension: int) -> None:
    box = slider(page, dimension).bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 15)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 15, steps=3)
    page.mouse.up()


def test_a_model_opens_at_a_test_image_which_stands_beside_its_decoding(tiny):
    words = tiny.locator(".lw-note")
    expect(words).to_contain_text(re.compile(r"blue band: how sure the encoder is about test image \d+ \(an? \d\)"))
    described = tiny.get_by_test_id("decoded").get_attribute("aria-label")
    assert re.fullmatch(r"decoded picture at z = (−?[\d.]+, ){3}−?[\d.]+, test image \d+ \(an? \d\)", described)
    source = tiny.locator(".lw-real").get_attribute("src")
    assert re.search(r"map/image\?model=tiny&index=\d+", source)
    tiny.get_by_role("button", name="Reset").click()
    expect(tiny.get_by_test_id("decoded")).to_have_attribute("aria-label", "decoded picture at z = 0.00, 0.00, 0.00, 0.00")
    expect(words).to_be_hidden()


def test_the_guide_leads_through_three_moves_goes_away_and_comes_back_when_called(tiny):
    layout = tiny.locator(".lw-explorer").bounding_box()
    expect(guide(tiny)).to_contain_text("Drag a strip")
    drag(tiny, 2)
    expect(guide(tiny)).to_contain_text("Press on the map")
    settled(tiny)
    tiny.mouse.click(*at(tiny, 0.4, 0.4))
    expect(guide(tiny)).to_contain_text("Press Pin")
    for key in ("p", "r", "p"):
        tiny.keyboard.press(key)
        settled(tiny)
    expect(guide(tiny)).to_contain_text("That is all it takes")
    assert tiny.locator(".lw-explorer").bounding_box() == layout
    expect(guide(tiny)).to_be_hidden()  # by itself
    tiny.reload()
    live(tiny)
    expect(guide(tiny)).to_be_hidden()
    tiny.get_by_role("button", name="guide", exact=True).click()
    expect(guide(tiny)).to_contain_text("1 of 3")
    tiny.get_by_role("button", name="Skip").click()
    expect(guide(tiny)).to_contain_text("2 of 3")
    tiny.get_by_role("button", name="Close the guide").click()
    expect(guide(tiny)).to_be_hidden()


def test_without_a_map_the_guide_leaves_its_move_out(steady, page):
    page.goto(f"{steady.url}/?model=bare&z=0,0,0,0")
    live(page)
    expect(page.locator(".lw-map-note")).to_be_visible()
    drag(page, 1)
    expect(guide(page)).to_contain_text("Press Pin")


def test_a_snapshot_is_confirmed_and_a_refused_one_says_why(tiny):
    toast = tiny.locator(".lw-toast")
    tiny.keyboard.press("s")
    expect(toast).to_have_text("Snapshot taken: the gallery holds 1.")
    expect(toast).to_be_hidden()
    tiny.evaluate("() => { Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); }; }")
    tiny.keyboard.press("s")
    expect(toast).to_contain_text("The browser did not keep the snapshot")


def test_the_picture_alone_fills_the_window_until_escape(tiny):
    at_rest = re.compile("like|unusual|unsaid")  # not "measuring"
    expect(tiny.get_by_test_id("where")).to_have_attribute("data-verdict", at_rest)
    picture = still(tiny, PIXELS)
    still(tiny, PLACE)
    place = tiny.get_by_test_id("decoded").bounding_box()
    tiny.keyboard.press("f")
    box = tiny.get_by_test_id("decoded").bounding_box()
    assert box["height"] == pytest.approx(720, abs=1) and box["y"] == pytest.approx(0, abs=1)
    for x, y in ((20, 20), (640, 30), (640, 700), (1200, 400)):  # nothing lies over it, or shows beside it
        assert tiny.evaluate(f"document.elementFromPoint({x}, {y}).closest('.lw-stage') !== null")
    tiny.keyboard.press("Escape")
    assert tiny.get_by_test_id("decoded").bounding_box() == place
    tiny.get_by_role("button", name="present").click()
    tiny.keyboard.press("r")  # the keys go on working
    differs(tiny, PIXELS, picture)
    tiny.get_by_role("button", name="Leave").click()
    assert tiny.get_by_test_id("decoded").bounding_box()["height"] < 400


def test_the_speed_is_told_behind_the_status(tiny):
    expect(tiny.get_by_test_id("readout")).to_be_hidden()
    drag(tiny, 2)
    tiny.get_by_test_id("live-status").click()
    expect(tiny.get_by_test_id("readout")).to_have_text(re.compile(r"\d+ pictures?/s · p50 [\d.]+ · p95 [\d.]+ ms"))
    expect(tiny.get_by_test_id("readout")).to_be_visible()


def test_starting_and_stopping_an_animation_moves_no_button(tiny):
    boxes = "() => [...document.querySelectorAll('.lw-under button')].map((e) => e.getBoundingClientRect().x)"
    before = tiny.evaluate(boxes)
    picture = tiny.evaluate(PIXELS)
    tiny.get_by_role("button", name="Animate z2").click()
    differs(tiny, PIXELS, picture)
    assert tiny.evaluate(boxes) == before
    tiny.get_by_role("button", name="Stop z2").click()
    same(tiny, PIXELS, still(tiny, PIXELS))
    assert tiny.evaluate(boxes) == before


def test_what_cannot_be_a_snapshot_is_left_out_of_the_gallery(tiny):
    good = '{"z": [0, 0, 0, 0], "picture": "data:image/png;base64,", "note": "kept", "when": "2025-06-01"}'
    tiny.evaluate(f"localStorage.setItem('latent-walk.gallery.tiny', '[null, 3, {{}}, {{\"z\": [null]}}, {good}]')")
    tiny.keyboard.press("g")
    expect(tiny.get_by_label("note of snapshot 1")).to_have_value("kept")
    expect(tiny.locator(".lw-snap")).to_have_count(1)
