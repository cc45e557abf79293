"""Remembering and sharing in a real browser: undo, A/B, the gallery, links between two servers, keys."""

from __future__ import annotations

import re
import shutil

import numpy as np
import onnxruntime
import pytest
from playwright.sync_api import Page, expect
from read_screen import COMPARED, MAP, PIXELS, address_z, background, box, hash_of, live, same, settled, slider, still, value

STRIP = hash_of(".lw-strip")


@pytest.fixture
def tiny(steady, page) -> Page:
    page.goto(f"{steady.url}/?model=tiny&z=0,0,0,0")
    live(page)
    return page


def press(page: Page, dimension: int, keys: str = "Shift+ArrowRight") -> None:
    slider(page, dimension).focus()
    page.keyboard.press(keys)
    settled(page)


def test_undo_and_redo_walk_through_what_was_committed(tiny):
    start = tiny.evaluate(PIXELS)
    press(tiny, 0)
    first = value(tiny, 0)
    press(tiny, 1)
    tiny.keyboard.press("Control+z")
    assert value(tiny, 0) == first and value(tiny, 1) == 0
    tiny.keyboard.press("Control+z")
    same(tiny, PIXELS, start)
    tiny.keyboard.press("Control+y")
    assert value(tiny, 0) == first
    expect(tiny.get_by_label("Redo (Ctrl+Y)")).to_be_enabled()


def test_quick_actions_are_all_kept_by_the_session(tiny):
    for key in ("p", "r", "p", "r", "p", "r"):
        tiny.keyboard.press(key)
    settled(tiny)
    picture, z = still(tiny, PIXELS), address_z(tiny)
    tiny.get_by_role("link", name="Encode").click()
    expect(tiny.get_by_test_id("decoded")).to_have_count(0)
    tiny.get_by_role("link", name="Explore").click()
    live(tiny)
    same(tiny, PIXELS, picture)
    assert address_z(tiny) == z
    expect(tiny.get_by_role("list", name="Pins").get_by_role("listitem")).to_have_count(3)


def test_a_and_b_change_places(tiny):
    tiny.keyboard.press("b")
    press(tiny, 0)
    there = value(tiny, 0)
    tiny.keyboard.press("b")
    assert value(tiny, 0) == 0
    tiny.keyboard.press("b")
    assert value(tiny, 0) == there


def test_a_snapshot_with_its_note_survives_a_reload(tiny):
    press(tiny, 1)
    there = value(tiny, 1)
    tiny.keyboard.press("s")
    tiny.keyboard.press("g")
    note = tiny.get_by_label("note of snapshot 1")
    note.fill("a thin one")
    note.press("Tab")
    tiny.reload()
    live(tiny)
    tiny.keyboard.press("o")
    tiny.keyboard.press("g")
    expect(tiny.get_by_label("note of snapshot 1")).to_have_value("a thin one")
    with tiny.expect_download() as download:
        tiny.get_by_role("button", name="Export as a page").click()
    page = download.value.path().read_text()
    assert "a thin one" in page and "data:image/png" in page and "http" not in page
    tiny.get_by_title("Go there").click()
    assert value(tiny, 1) == there


def test_a_link_made_on_one_server_restores_the_same_pixels_on_another(tiny, steady, server):
    background(tiny)
    tiny.keyboard.press("t")  # the code of a test image has more digits than a link
    expect(tiny.get_by_text("blue band")).to_be_visible()
    tiny.get_by_role("button", name="remove", exact=True).click()
    tiny.get_by_label("background of the map").select_option("none")
    area = box(tiny)
    tiny.mouse.move(area["x"] + 200, area["y"] + 150)
    tiny.mouse.wheel(0, -300)
    tiny.mouse.move(20, 690)
    settled(tiny)
    link = link_of(tiny)
    picture, plane = still(tiny, PIXELS), still(tiny, MAP)
    shutil.copytree(steady.folder / "checkpoints", server.folder / "checkpoints", dirs_exist_ok=True)
    tiny.goto(link.replace(steady.url, server().url))
    live(tiny)
    same(tiny, PIXELS, picture)
    same(tiny, MAP, plane)


def test_a_link_brings_pins_the_kind_of_path_the_seed_and_the_second_model_along(tiny, steady, server):
    for key in ("p", "r", "p", "r", "p"):
        tiny.keyboard.press(key)
    tiny.get_by_role("button", name="path through pin 2").click()
    tiny.get_by_label("kind of path").first.select_option("spherical")
    expect(tiny.get_by_test_id("path")).to_have_attribute("aria-valuetext", re.compile("spherical"))
    tiny.get_by_role("button", name="Samples").click()
    tiny.get_by_label("seed").fill("41")
    tiny.get_by_label("seed").press("Enter")
    tiny.keyboard.press("Escape")
    tiny.keyboard.press("c")
    tiny.get_by_role("dialog", name="Compare with another model").get_by_role("button", name="bare").click()
    expect(tiny.locator(".lw-stage")).to_have_attribute("data-compare", "live")
    settled(tiny)
    link = link_of(tiny)
    pictures = [still(tiny, script) for script in (PIXELS, COMPARED, STRIP)]
    shutil.copytree(steady.folder / "checkpoints", server.folder / "checkpoints", dirs_exist_ok=True)
    tiny.goto(link.replace(steady.url, server().url))
    live(tiny)
    for script, wanted in zip((PIXELS, COMPARED, STRIP), pictures, strict=True):
        same(tiny, script, wanted)
    expect(tiny.get_by_role("list", name="Pins").get_by_role("listitem")).to_have_count(3)
    expect(tiny.get_by_role("button", name="path through pin 2")).to_have_attribute("aria-pressed", "false")
    expect(tiny.get_by_label("kind of path").first).to_have_value("spherical")
    tiny.get_by_role("button", name="Samples").click()
    expect(tiny.get_by_label("seed")).to_have_value("41")


def link_of(page: Page) -> str:
    page.keyboard.press("l")
    link = page.get_by_role("textbox", name="link to this view").input_value()
    page.keyboard.press("Escape")
    return link


def test_a_link_to_another_model_of_the_same_name_says_so(steady, page):
    page.goto(f"{steady.url}/?model=tiny&hash=000000000000&z=0,0,0,0")
    expect(page.get_by_text("another model that is also called tiny")).to_be_visible()


def test_the_python_offered_names_the_model_file_and_the_point(tiny):
    press(tiny, 0)
    tiny.keyboard.press("l")
    code = tiny.get_by_label("Python that draws this picture").input_value()
    assert "open_model(" in code and "tiny.safetensors" in code and f"{value(tiny, 0):g}" in code


def test_the_question_mark_lists_the_keys_and_escape_closes(tiny):
    tiny.keyboard.press("?")
    sheet = tiny.get_by_role("dialog", name="Keys")
    expect(sheet).to_contain_text("Ctrl+Z")
    for words in ("Gallery", "On a pin", "On the path", "On the map", "Pin this point", "Compare with another model"):
        expect(sheet).to_contain_text(words)
    tiny.keyboard.press("Escape")
    expect(sheet).to_be_hidden()


def test_keys_typed_into_a_field_do_nothing_else(tiny):
    before = tiny.evaluate(PIXELS)
    field = tiny.get_by_label("value of z0")
    field.click()
    field.type("r")
    tiny.wait_for_timeout(200)
    assert tiny.evaluate(PIXELS) == before


def test_the_decoder_is_saved_as_onnx_from_the_share_sheet(tiny):
    tiny.get_by_role("button", name="Share").click()
    with tiny.expect_download(timeout=180_000) as saved:
        tiny.get_by_role("button", name="Download decoder").click()
    session = onnxruntime.InferenceSession(saved.value.path(), providers=["CPUExecutionProvider"])
    assert saved.value.suggested_filename == "tiny.onnx"
    assert session.run(None, {"z": np.zeros((1, 4), np.float32)})[0].shape == (1, 1, 28, 28)
    expect(tiny.get_by_text("The decoder is saved")).to_be_visible()
