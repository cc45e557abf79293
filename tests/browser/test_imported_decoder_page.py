"""An imported decoder in a real browser: dropped, its preview corrected, kept, and explored live."""

from contextlib import suppress

import pytest
from playwright.sync_api import Page, TimeoutError, expect
from read_screen import PIXELS, differs, live, slider

from tests.core import onnx_files

DRAWS = "document.querySelector('img.lw-draws')?.src"


@pytest.fixture
def train(server, page) -> Page:
    running = server()
    page.goto(f"{running.url}/train")
    expect(page.get_by_text("New run")).to_be_visible(timeout=60_000)
    return page


def drop(page: Page, name: str, data: bytes) -> None:
    file = {"name": name, "mimeType": "application/octet-stream", "buffer": data}
    page.locator('.st-key-train_list input[type="file"]').first.set_input_files(file)


def choose(page: Page, values: str) -> None:
    """A list that is opened while the page is still being drawn closes again."""
    option = page.get_by_role("option", name=values)
    for _ in range(10):
        page.get_by_role("combobox", name="Values").click()
        with suppress(TimeoutError):
            option.click(timeout=3_000)
            return
    raise AssertionError(f"no {values!r} to choose")


def test_an_imported_decoder_is_explored(train):
    page = train
    drop(page, "evil.onnx", onnx_files.broken()["outside"][0])
    expect(page.get_by_text("lies in another file, which is never opened")).to_be_visible(timeout=90_000)

    drop(page, "faces.onnx", onnx_files.dcgan())
    expect(page.locator("img.lw-draws")).to_be_visible(timeout=90_000)
    before = page.evaluate(DRAWS)
    expect(page.locator(".st-key-train_decoder")).to_contain_text("100 numbers to 64 × 64 in colour")
    choose(page, "from 0 to 1")
    page.wait_for_function(f"before => {{ const now = {DRAWS}; return now && now !== before; }}", arg=before)
    choose(page, "from −1 to 1")
    page.wait_for_function(f"before => {DRAWS} === before", arg=before)
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.get_by_text("faces is ready to explore.")).to_be_visible(timeout=30_000)
    page.get_by_role("button", name="faces", exact=True).click()

    expect(page.get_by_test_id("live-status")).to_be_visible(timeout=120_000)  # the server's first model: it loads torch
    live(page)
    box = slider(page, 3).bounding_box()
    y = box["y"] + box["height"] / 2
    seen = [page.evaluate(PIXELS)]
    page.mouse.move(box["x"] + box["width"] / 2, y)
    page.mouse.down()
    for step in range(1, 4):
        page.mouse.move(box["x"] + box["width"] * (0.5 + 0.15 * step), y)
        seen.append(differs(page, PIXELS, *seen))  # while the button is down
    page.mouse.up()
    page.get_by_role("button", name="Random", exact=True).click()
    differs(page, PIXELS, *seen)
    assert page.locator("select.lw-kind option:not([hidden])").all_inner_texts() == ["linear", "spherical"]
