"""No page keeps people out: axe-core finds nothing serious or critical, in light and dark; the keyboard is seen in the header."""

from __future__ import annotations

import io
import time
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect
from read_screen import live

from tests import awful_zip
from tests.browser.conftest import Server
from tests.conftest import save_model
from tests.place_runs import finished_rows, place_run

AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text()
RUN = """async () => {
  const {violations} = await axe.run(document, {resultTypes: ['violations']});
  return violations.filter(({impact}) => ['serious', 'critical'].includes(impact)).flatMap(({id, nodes}) =>
    nodes.map(({target, any}) => `${id}: ${target.join(' ')} ${any.map(({message}) => message).join(' ').slice(0, 200)}`));
}"""
READY = "() => document.querySelector('[data-test-script-state]')?.dataset.testScriptState === 'notRunning'"
CONTRAST = """() => { const {outlineStyle, outlineWidth, boxShadow} = getComputedStyle(document.activeElement);
  return [document.activeElement.textContent, outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2]; }"""


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Server:
    """One server with a model, a finished run, a failed one and one that was killed."""
    folder = tmp_path_factory.mktemp("accessible")
    for name in ("checkpoints", "runs"):
        (folder / name).mkdir()
    model = save_model(folder / "checkpoints" / "tiny.safetensors")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAE_RUNS", str(folder / "runs"))
        place_run("finished", rows=finished_rows(), checkpoint=model, created=3.0)
        place_run("failed", "failed", message="The loss was not finite at step 212.", log="line", created=2.0)
        place_run("killed", "running", log="Killed", created=1.0)
    running = Server(folder, {"VAE_DATA": str(folder / "no-data")}).start()
    yield running
    running.kill()


def drawing() -> bytes:
    image = Image.new("L", (400, 300), 210)
    ImageDraw.Draw(image).line([(140, 60), (260, 60), (190, 240)], fill=40, width=20)
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def explore(page: Page, url: str) -> None:
    page.goto(f"{url}/?model=tiny&z=0.5,0,0,0")
    live(page)


def encode(page: Page, url: str) -> None:
    page.goto(f"{url}/encode")
    page.get_by_test_id("stFileUploader").wait_for()
    page.locator("input[type=file]").set_input_files({"name": "seven.png", "mimeType": "image/png", "buffer": drawing()})
    expect(page.locator(".enc-bar[data-dim]")).to_have_count(4)


def encode_empty(page: Page, url: str) -> None:
    page.goto(f"{url}/encode")
    expect(page.get_by_text("Nothing to see yet")).to_be_visible()


def train(page: Page, url: str) -> None:
    page.goto(f"{url}/train?run=finished")
    expect(page.locator(".st-key-train_chart_dims .js-plotly-plot")).to_be_visible()
    page.get_by_label("Latent size", exact=True).first.fill("0")
    page.get_by_label("Latent size", exact=True).first.press("Tab")
    expect(page.get_by_text("Give a whole number from 1 to 256, not 0.")).to_be_visible()


def failed(page: Page, url: str) -> None:
    page.goto(f"{url}/train?run=failed")
    expect(page.get_by_text("not finite at step 212")).to_be_visible()


def own_pictures(page: Page, url: str) -> None:
    page.goto(f"{url}/train?own=new")
    file = {"name": "awful.zip", "mimeType": "application/zip", "buffer": awful_zip.awful_zip()}
    page.locator('.st-key-own_take input[type="file"]').set_input_files(file)
    expect(page.locator(".own-left-out")).to_be_visible()


PAGES = [explore, encode, encode_empty, train, failed, own_pictures]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("open_page", PAGES, ids=lambda function: function.__name__)
def test_axe_finds_nothing_serious(site, page, open_page, scheme):
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    open_page(page, site.url)
    page.wait_for_function(READY)
    page.evaluate(AXE)
    deadline = time.monotonic() + 20
    while (found := page.evaluate(RUN)) and time.monotonic() < deadline:  # Streamlit fades what it draws anew: look again
        page.wait_for_function(READY)
    assert found == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_link_of_the_open_page_shows_that_it_has_the_keyboard(site, page, scheme):
    page.emulate_media(color_scheme=scheme)
    encode_empty(page, site.url)
    seen = {}
    for _ in range(4):
        page.keyboard.press("Tab")
        name, outlined = page.evaluate(CONTRAST)
        seen[name] = outlined
    assert {name: outlined for name, outlined in seen.items() if name.endswith(("Explore", "Encode", "Train"))}
    assert all(outlined for name, outlined in seen.items() if name.endswith(("Explore", "Encode", "Train"))), seen
