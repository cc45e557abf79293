"""A published page: from a plain static server, with the network cut, and as a single file from the disk."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect
from read_screen import COMPARED, PIXELS, at, background, differs, slider, value

from vae_core.cli.publish import COMPONENTS
from vae_core.images import read_upload
from vae_core.publish.write_page import Sources, Words, make_page, write_folder, write_single_file

WORDS = Words(title="Digits & letters", text="Two small models.", link="https://example.org/paper", author="Ada Lovelace")
PHONE = {"width": 390, "height": 844}
SLOW = 60_000  # ms: onnxruntime-web starts on a busy machine


@dataclass(frozen=True)
class Site:
    """What was published: a folder on a static server, and a file."""

    url: str
    file: Path


class QuietFiles(SimpleHTTPRequestHandler):
    """Static files, and nothing else."""

    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".js": "text/javascript"}  # noqa: RUF012

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, make_model: Callable[..., Path]) -> Iterator[Site]:
    """Two models of four dimensions, published once for all tests."""
    folder = tmp_path_factory.mktemp("published")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("VAE_RUNS", str(folder / "runs"))
        models = [(name, make_model(folder / f"{name}.safetensors", seed=seed)) for seed, name in enumerate(("first", "second"))]
        sources = Sources.of(COMPONENTS)
        page = make_page(models, WORDS, sources)
    write_folder(page, folder / "site")
    write_single_file(page, folder / "page.html", sources)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietFiles, directory=str(folder / "site")))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Site(f"http://127.0.0.1:{server.server_port}/", folder / "page.html")
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def quiet(page: Page) -> Iterator[Page]:
    """A tab in which nothing is reported to the console as an error, and which asks no other server for anything."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    yield page
    assert said == []
    foreign = [url for url in asked if not url.startswith(("http://127.0.0.1", "file:", "blob:", "data:"))]
    assert foreign == []


def draws(page: Page) -> None:
    """Until the page's own decoder draws."""
    expect(page.get_by_test_id("live-status")).to_have_attribute("data-state", "live", timeout=SLOW)


def opened(page: Page, address: str) -> Page:
    page.goto(address)
    draws(page)
    return page


def pins(page: Page) -> Locator:
    return page.get_by_role("list", name="Pins").get_by_role("listitem")


def draw_a_stroke(page: Page) -> None:
    area = page.get_by_test_id("drawing").bounding_box()
    assert area is not None
    page.mouse.move(area["x"] + 150, area["y"] + 50)
    page.mouse.down()
    page.mouse.move(area["x"] + 130, area["y"] + 230, steps=6)
    page.mouse.up()


OFFERED = """() => {
  delete window.offered;
  window.makeUrl ??= URL.createObjectURL;
  URL.createObjectURL = (blob) => { window.offered = blob; return window.makeUrl.call(URL, blob); };
}"""


def drive(page: Page, tmp_path: Path) -> None:
    """Sliders, random, reset, undo, map, pins, paths, playing, export, gallery, link, keys, an own drawing."""
    first = page.evaluate(PIXELS)
    slider(page, 1).focus()
    page.keyboard.press("Shift+ArrowRight")
    moved = differs(page, PIXELS, first)
    page.keyboard.press("r")
    differs(page, PIXELS, first, moved)
    page.keyboard.press("Control+z")
    page.wait_for_function(f"wanted => ({PIXELS})() === wanted", arg=moved)
    page.keyboard.press("o")
    assert [value(page, i) for i in range(4)] == [0, 0, 0, 0]
    page.keyboard.press("p")
    background(page)
    page.mouse.click(*at(page, 0.7, 0.3))
    expect(pins(page)).to_have_count(1)
    page.wait_for_function("() => !location.search.includes('z=0,0,0,0') || location.protocol === 'file:'")
    page.keyboard.press("p")
    expect(pins(page)).to_have_count(2)
    kinds = page.get_by_label("kind of path").first
    assert kinds.locator("option").all_inner_texts() == ["linear", "spherical"]  # a geodesic needs Python
    kinds.select_option("spherical")
    expect(page.get_by_test_id("path")).to_have_attribute("aria-valuetext", re.compile("spherical"))
    before = page.evaluate(PIXELS)
    page.get_by_role("button", name="play the path").click()
    differs(page, PIXELS, before)
    exports(page, tmp_path)
    page.keyboard.press("s")
    page.keyboard.press("g")
    expect(page.get_by_label("note of snapshot 1")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("where")).not_to_have_attribute("data-verdict", "measuring")
    own_drawing(page)


def exports(page: Page, tmp_path: Path) -> None:
    for what, begins in (("gif", b"GIF89a"), ("sheet", b"\x89PNG"), ("npz", b"PK")):
        page.get_by_role("button", name="Export").click()
        (tmp_path / what).write_bytes(saved(page, page.locator(f'[data-what="{what}"]:visible'), tmp_path / what))
        assert (tmp_path / what).read_bytes().startswith(begins)
    with np.load(tmp_path / "npz") as arrays:
        assert arrays["z"].shape[1] == 4


def saved(page: Page, choice: Locator, path: Path) -> bytes:
    """The bytes of the file that a click saves. Playwright hears of none in an installed Firefox: what is offered is read."""
    if page.context.browser is not None and page.context.browser.browser_type.name == "firefox":
        page.evaluate(OFFERED)
        choice.click()
        page.wait_for_function("() => window.offered !== undefined")
        return bytes(page.evaluate("async () => [...new Uint8Array(await window.offered.arrayBuffer())]"))
    with page.expect_download() as download:
        choice.click()
    download.value.save_as(path)
    return path.read_bytes()


def own_drawing(page: Page) -> None:
    page.get_by_role("button", name="Your image").click()
    draw_a_stroke(page)
    found = page.get_by_test_id("encoded")
    expect(found).to_be_visible(timeout=SLOW)
    expect(found.get_by_role("row")).to_have_count(4)
    first = found.get_by_role("row").first
    said = re.match(r"z(\d)\s+(−?[\d.]+) ± [\d.]+", first.inner_text().replace("\n", " "))
    assert said is not None, first.inner_text()
    page.get_by_role("button", name="Go there").click()
    assert value(page, int(said[1])) == pytest.approx(float(said[2].replace("−", "-")), abs=0.006)
    expect(page.get_by_text("how sure the encoder is about your drawing")).to_be_visible()


@pytest.mark.firefox
def test_a_folder_on_a_static_server_does_everything_with_the_network_cut(site, quiet, tmp_path):
    opened(quiet, site.url)
    expect(quiet.get_by_role("heading", name="Digits & letters")).to_be_visible()
    expect(quiet.get_by_role("link", name="example.org/paper")).to_have_attribute("href", "https://example.org/paper")
    quiet.wait_for_function("() => document.documentElement.dataset.read === 'all'")
    quiet.context.set_offline(True)
    drive(quiet, tmp_path)


@pytest.mark.firefox
def test_a_single_file_does_the_same_from_the_disk(site, quiet, tmp_path):
    quiet.context.set_offline(True)
    drive(opened(quiet, site.file.as_uri()), tmp_path)


def test_two_models_are_switched_and_stand_side_by_side(site, quiet):
    opened(quiet, site.url)
    quiet.keyboard.press("c")
    quiet.get_by_role("dialog", name="Compare with another model").get_by_role("button", name="second").click()
    expect(quiet.locator(".lw-stage")).to_have_attribute("data-compare", "live", timeout=SLOW)
    quiet.wait_for_function("() => document.querySelector('[data-testid=compared]').dataset.seq !== '0'", timeout=SLOW)
    assert quiet.evaluate(PIXELS) != quiet.evaluate(COMPARED)
    quiet.get_by_role("button", name="Off", exact=True).click()
    before = quiet.evaluate(PIXELS)
    quiet.get_by_label("Model", exact=True).select_option("second")
    differs(quiet, PIXELS, before)
    expect(quiet.get_by_role("heading", name="The model: second")).to_be_visible()
    quiet.wait_for_url(re.compile("model=second"))


def test_a_link_restores_the_view_and_a_bad_one_says_so(site, quiet):
    opened(quiet, f"{site.url}?model=second&z=1,-0.5,0.25,0&pins=0,0,0,0;1,1,1,1")
    assert [value(quiet, i) for i in range(3)] == [1, -0.5, 0.25]
    expect(pins(quiet)).to_have_count(2)
    quiet.keyboard.press("l")
    link = quiet.get_by_role("textbox", name="link to this view").input_value()
    assert link.startswith(f"{site.url}?model=second&hash=")
    expect(quiet.get_by_text("In Python")).to_be_hidden()
    quiet.goto(f"{site.url}?model=nobody&z=1")
    expect(quiet.get_by_text("which is not on this page. Opened first instead.")).to_be_visible()
    quiet.goto(f"{site.url}?z=1,2")
    expect(quiet.get_by_text("first takes 4 numbers")).to_be_visible()


def test_what_needs_python_is_absent(site, quiet):
    opened(quiet, site.url)
    quiet.keyboard.press("l")
    expect(quiet.get_by_text("Publish as a page")).to_have_count(0)
    quiet.keyboard.press("Escape")
    quiet.wait_for_function("() => performance.getEntriesByName('map-open').length > 0", timeout=SLOW)
    planes = quiet.locator("option").all_inner_texts()
    assert not [name for name in planes if "t-SNE" in name or "UMAP" in name or "geodesic" in name]


def test_dark_and_light_follow_the_system_until_the_visitor_says_otherwise(site, quiet):
    quiet.emulate_media(color_scheme="dark")
    opened(quiet, site.url)
    dark = "() => getComputedStyle(document.body).backgroundColor"
    assert quiet.evaluate(dark) == "rgb(15, 18, 24)"
    quiet.get_by_role("button", name="Light or dark").click()
    assert quiet.evaluate(dark) == "rgb(251, 251, 252)"
    quiet.reload()
    quiet.wait_for_function("() => document.documentElement.dataset.theme === 'light'")


def test_on_a_phone_nothing_is_wider_than_the_screen_and_a_frame_holds_the_page(site, quiet):
    quiet.set_viewport_size(PHONE)
    opened(quiet, site.url)
    assert quiet.evaluate("() => document.documentElement.scrollWidth") <= PHONE["width"]
    quiet.get_by_role("button", name="Your image").click()
    assert quiet.evaluate("() => document.querySelector('dialog[open]').scrollWidth") <= PHONE["width"]
    quiet.set_content(f'<iframe src="{site.url}" width="380" height="800"></iframe>')
    frame = quiet.frame_locator("iframe")
    expect(frame.get_by_test_id("live-status")).to_have_attribute("data-state", "live", timeout=SLOW)


def test_facts_and_a_citation_stand_under_the_explorer(site, quiet):
    opened(quiet, site.url)
    expect(quiet.get_by_test_id("facts")).to_contain_text("−95.40 ± 0.20 nats per image, 100 test images")
    entry = quiet.get_by_label("BibTeX").input_value()
    assert entry.startswith("@misc{lovelace2025first,")
    assert r"title        = {{Digits \& letters}}" in entry
    assert r"\url{https://example.org/paper}" in entry


PICTURES = {  # what people have: ink on paper, a photograph's shape, a clean digit, transparency
    "ink": lambda: _stroke(200, 260, paper=228, ink=40),
    "small": lambda: _stroke(28, 28, paper=0, ink=255),
    "wide": lambda: _stroke(320, 150, paper=250, ink=10),
    "clear": lambda: _clear(),
}


def _stroke(width: int, height: int, *, paper: int, ink: int) -> Image.Image:
    x, y = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    near = np.abs(np.hypot(x * 1.4, y) - 0.55) < 0.13
    return Image.fromarray(np.where(near, ink, paper + 4 * np.sin(9 * x)).clip(0, 255).astype(np.uint8)).convert("RGB")


def _clear() -> Image.Image:
    picture = _stroke(90, 90, paper=255, ink=0).convert("RGBA")
    pixels = np.asarray(picture).copy()
    pixels[..., 3] = np.where(pixels[..., 0] > 128, 0, 255)
    return Image.fromarray(pixels)


@pytest.mark.parametrize("name", PICTURES)
def test_the_browser_prepares_an_image_as_python_does(name, site, page):
    page.goto(site.url)
    picture = PICTURES[name]()
    data = picture.convert("RGBA")
    given = {"width": data.width, "height": data.height, "channels": 4, "data": list(data.tobytes())}
    script = """async (picture) => {
      const { preprocessed } = await import('/published_page/own_image/preprocess.js');
      picture.data = Uint8ClampedArray.from(picture.data);
      const found = preprocessed(picture, { height: 28, width: 28, channels: 1, ink: { share: 20 / 28, centre: 'mass' } });
      return JSON.stringify([...found.values]);
    }"""
    seen = np.array(json.loads(page.evaluate(script, given))).reshape(1, 28, 28)
    from vae_core.data.catalog import dataset_info
    from vae_core.images.pixels import to_png

    wanted = read_upload(to_png(np.asarray(picture)), height=28, width=28, channels=1, ink=dataset_info("mnist").ink).x
    assert np.abs(seen - wanted).max() <= 2 / 255
