"""A person's own picture in a real browser: uploaded, encoded, refused, carried to the sliders; light and dark."""

import io
import re
import struct

import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import expect

from tests.browser.conftest import Server
from tests.conftest import save_model

pytestmark = pytest.mark.browser
SETTLED = "() => document.querySelector('[data-test-script-state]')?.dataset.testScriptState === 'notRunning'"


def drawing(kind="PNG", **options):
    """A dark 7 on grey paper, as a person would photograph it."""
    image = Image.new("L", (400, 300), 210)
    ImageDraw.Draw(image).line([(140, 60), (260, 60), (190, 240)], fill=40, width=20)
    return as_file(image, kind, **options)


def as_file(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def bmp_claiming(width, height):
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """One server for this file, with one 4-dimensional model and no datasets: what a person does stays in their session."""
    folder = tmp_path_factory.mktemp("encode")
    for name in ("checkpoints", "runs"):
        (folder / name).mkdir()
    save_model(folder / "checkpoints" / "tiny.safetensors")
    server = Server(folder, {"VAE_DATA": str(folder / "no-data")}).start()
    yield server
    server.kill()


@pytest.fixture
def encode_page(running, page):
    """The Encode page, fresh."""
    page.goto(f"{running.url}/encode")
    page.get_by_test_id("stFileUploader").wait_for()
    return page


def upload(page, data, name="seven.png"):
    page.wait_for_function(SETTLED)  # an upload within milliseconds of the last answer is lost by Streamlit now and then
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": "image/png", "buffer": data})


def pixels(page, kind):
    """The pixels of one of the three pictures, as the browser has decoded them."""
    return page.locator(f"img.{kind}").evaluate(
        """async image => { await image.decode();
            const [width, height] = [image.naturalWidth, image.naturalHeight];
            const canvas = Object.assign(document.createElement('canvas'), {width, height});
            const context = canvas.getContext('2d'); context.drawImage(image, 0, 0);
            return Array.from(context.getImageData(0, 0, canvas.width, canvas.height).data); }"""
    )


def background(page, selector):
    return page.locator(selector).first.evaluate("element => getComputedStyle(element).backgroundColor")


@pytest.mark.firefox
def test_an_uploaded_png_shows_pictures_bars_to_scale_and_nats(encode_page):
    page = encode_page
    expect(page.get_by_text("Nothing to see yet")).to_be_visible()
    upload(page, drawing())
    expect(page.locator(".enc-bar[data-dim]")).to_have_count(4)
    for d in range(4):
        label = page.locator(f'.enc-bar[data-dim="{d}"]').get_attribute("aria-label")
        mu, sigma = (float(value) for value in re.findall(r"(?:mu|sigma) (-?[\d.]+)", label))
        axis = page.locator(f'.enc-bar[data-dim="{d}"] .enc-ax').bounding_box()
        bar = page.locator(f'.enc-bar[data-dim="{d}"] .enc-ax i').bounding_box()
        assert (bar["x"] - axis["x"]) / axis["width"] == pytest.approx((mu - sigma + 3) / 6, abs=0.01), label
        assert bar["width"] / axis["width"] == pytest.approx(sigma / 3, abs=0.01), label
    x = np.array(pixels(page, "enc-x")).reshape(28, 28, 4)[..., 0]
    assert x[0].max() == 0 and x.max() == 255, "the paper became black and the ink white"
    assert 15 < (x > 128).any(axis=1).sum() <= 20, "as tall as a digit of the dataset"
    expect(page.locator(".enc-steps small").last).to_have_text("28 × 28")
    expect(page.get_by_text("likely than")).to_be_visible()


@pytest.mark.firefox
def test_changing_a_step_changes_the_pixels_of_the_page(encode_page):
    page = encode_page
    upload(page, drawing())
    page.locator(".enc-bar[data-dim]").first.wait_for()
    before, reconstruction = pixels(page, "enc-x"), pixels(page, "enc-xhat")
    page.get_by_role("button", name="Change the steps").click()
    page.get_by_role("combobox", name="Turn").click()
    page.get_by_role("option", name="90° clockwise").click()
    expect(page.locator(".enc-steps small", has_text="turned")).to_be_visible()
    page.wait_for_function(SETTLED)
    assert pixels(page, "enc-x") != before and pixels(page, "enc-xhat") != reconstruction


def test_every_bad_upload_gets_a_sentence_and_the_page_still_works(encode_page):
    page = encode_page
    upload(page, drawing(), "good.png")
    expect(page.locator(".enc-bar[data-dim]")).to_have_count(4)
    good = pixels(page, "enc-x")
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8))
    bad = {
        "letter.txt": (b"dear reader", "not an image"),
        "half.png": (as_file(noise)[:3000], "damaged or cut short"),
        "half.jpg": (as_file(noise, "JPEG")[:800], "damaged or cut short"),
        "bomb.bmp": (bmp_claiming(30000, 30000), "at most 50 million"),
        "empty.png": (b"", "empty"),
        "photo.heic": (b"\0\0\0\x18ftypheic" + bytes(50), "export it as JPEG"),
    }
    for name, (data, words) in bad.items():
        upload(page, data, name)
        alert = page.get_by_test_id("stAlert")
        expect(alert).to_contain_text(f"{name}: ")
        expect(alert).to_contain_text(words)
        assert "Traceback" not in page.inner_text("body") and "Error:" not in page.inner_text("body")
        assert pixels(page, "enc-x") == good, "what was there is not lost"
    for name, size in (("dot.png", (1, 1)), ("ribbon.png", (20000, 10)), ("again.png", (90, 90))):
        upload(page, as_file(Image.new("L", size, 128)), name)
        expect(page.locator("h2", has_text=name)).to_be_visible()
        expect(page.get_by_test_id("stAlert")).to_have_count(0)
        expect(page.locator(".enc-bar[data-dim]")).to_have_count(4)


def test_more_than_32_megabytes_are_refused_before_they_are_sent(encode_page, tmp_path):
    huge = tmp_path / "huge.png"
    with huge.open("wb") as file:
        file.truncate(33 * 2**20)
    encode_page.locator("input[type=file]").set_input_files(huge)
    expect(encode_page.get_by_text("File must be 32.0MB or smaller.")).to_be_visible()
    upload(encode_page, drawing())
    expect(encode_page.locator(".enc-bar[data-dim]")).to_have_count(4)


def test_other_formats_arrive_the_same(encode_page):
    for kind in ("JPEG", "WEBP", "GIF", "BMP", "TIFF"):
        upload(encode_page, drawing(kind), f"seven.{kind.lower()}")
        expect(encode_page.locator(".enc-steps img").first).to_have_attribute("alt", f"file: {kind}, 400 × 300")
        expect(encode_page.locator(".enc-bar[data-dim]")).to_have_count(4)


@pytest.mark.firefox
def test_draws_come_on_request_and_differ_with_the_seed(encode_page):
    page = encode_page
    upload(page, drawing())
    page.get_by_role("button", name="8 draws").click()
    expect(page.locator(".enc-draws img")).to_have_count(8)
    expect(page.get_by_text("seed 0")).to_be_visible()
    first = page.locator(".enc-draws img").first.get_attribute("src")
    page.get_by_role("button", name="Draw again").click()
    expect(page.get_by_text("seed 1")).to_be_visible()
    expect(page.locator(".enc-draws img").first).not_to_have_attribute("src", first)


@pytest.mark.firefox
def test_explore_from_here_puts_the_sliders_at_mu(encode_page):
    page = encode_page
    upload(page, drawing())
    label = page.locator('.enc-bar[data-dim="1"]').get_attribute("aria-label")
    mu = float(re.search(r"mu (-?[\d.]+)", label).group(1))
    page.get_by_role("button", name="Explore from here").click()
    slider = page.locator('input[type=range][aria-label="z1"]')
    slider.wait_for()
    assert float(slider.input_value()) == pytest.approx(mu, abs=0.02)
    page.get_by_role("link", name="Encode").click()
    expect(page.locator(".enc-bar[data-dim]")).to_have_count(4)  # the picture is still there


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_1280x720_without_scrolling_and_390_without_scrolling_sideways(encode_page, scheme):
    page = encode_page
    page.emulate_media(color_scheme=scheme)
    upload(page, drawing())
    page.get_by_role("button", name="8 draws").click()
    expect(page.locator(".enc-draws img")).to_have_count(8)
    page.wait_for_function(SETTLED)
    assert page.evaluate("(m => m.scrollHeight - m.clientHeight)(document.querySelector('[data-testid=stMain]'))") <= 0
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.locator(".enc-bar[data-dim]").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for image in page.locator(".enc-tri img").all():
        box = image.bounding_box()
        assert box["width"] > 80 and box["x"] >= 0 and box["x"] + box["width"] <= 390


def test_the_bars_follow_the_theme(encode_page):
    page = encode_page
    colours = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.reload()
        page.get_by_test_id("stFileUploader").wait_for()
        upload(page, drawing())
        page.locator(".enc-bar[data-dim]").first.wait_for()
        colours += [background(page, ".enc-ax b"), background(page, ".st-key-encode-source")]
    assert len(set(colours)) == 4 and "rgba(0, 0, 0, 0)" not in colours
