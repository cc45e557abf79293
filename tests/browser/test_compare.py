"""Two models in a real browser: at the same z on Explore, with one picture on Encode; and a second model that goes away."""

from __future__ import annotations

import shutil

import pytest
from playwright.sync_api import Page, expect
from read_screen import COMPARED, DIFFERENCE, PIXELS, again_until, at, background, live, settled, slider, still

TOGETHER = """() => {
  const pixels = (name) => {
    const canvas = document.querySelector(`[data-testid="${name}"]`);
    return canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  };
  const [a, b] = [pixels('decoded'), pixels('compared')];
  return a.reduce((sum, value, i) => sum + (i % 4 < 3 ? Math.abs(value - b[i]) : 0), 0) / (a.length / 4) / 3 / 255;
}"""
BOXES = """() => [...document.querySelectorAll('.lw-stage, .lw-under, .lw-rail-card, .lw-map-card, .lw-tray')].map((element) => {
  const {x, y, width, height} = element.getBoundingClientRect();
  return [x, y, width, height];
})"""


@pytest.fixture(scope="module")
def models(steady, make_model):
    """A server with tiny, its twin of the same content, another of the same size, a wider one, and one of coloured shapes."""
    folder = steady.folder / "checkpoints"
    shutil.copy(folder / "tiny.safetensors", folder / "twin.safetensors")
    make_model(folder / "other.safetensors", seed=5)
    make_model(folder / "wide.safetensors", latent_dim=6)
    make_model(folder / "shapes.safetensors", data="shapes", codes=False)  # its test images are drawn on the spot
    return steady


@pytest.fixture
def tiny(models, page) -> Page:
    return at_origin(models, page)


@pytest.fixture
def own(server, make_model):
    """A server of the test's own, with tiny and another of the same size: its files and its life are the test's."""
    make_model(server.folder / "checkpoints" / "tiny.safetensors")
    make_model(server.folder / "checkpoints" / "other.safetensors", seed=5)
    return server()


def at_origin(server, page: Page) -> Page:
    page.goto(f"{server.url}/?model=tiny&z=0,0,0,0")
    live(page)
    return page


def compare(page: Page, name: str) -> None:
    page.keyboard.press("c")
    page.get_by_role("dialog", name="Compare with another model").get_by_role("button", name=name).click()


def beside(page: Page, name: str = "other") -> None:
    compare(page, name)
    expect(page.locator(".lw-stage")).to_have_attribute("data-compare", "live")
    page.wait_for_function("() => Number(document.querySelector('[data-testid=compared]').dataset.seq) > 0")


def changed(page: Page, before: list[int]) -> list[int]:
    """The three pictures, once every one of them is another one."""
    for script, old in zip((PIXELS, COMPARED, DIFFERENCE), before, strict=True):
        page.wait_for_function(f"old => ({script})() !== old", arg=old)
    return pictures(page)


def pictures(page: Page) -> list[int]:
    return [page.evaluate(script) for script in (PIXELS, COMPARED, DIFFERENCE)]


def in_step(page: Page) -> None:
    """The number says what the two pictures on the screen say."""
    page.wait_for_function(
        f"() => Math.abs(Number(document.querySelector('[data-testid=mean-difference]').textContent) - ({TOGETHER})()) < 0.001"
    )


def test_both_pictures_and_their_difference_follow_the_slider_while_it_is_held(tiny):
    beside(tiny)
    seen = pictures(tiny)
    box = slider(tiny, 1).bounding_box()
    y = box["y"] + box["height"] / 2
    tiny.mouse.move(box["x"] + box["width"] / 2, y)
    tiny.mouse.down()
    for share in (0.6, 0.75, 0.9):
        tiny.mouse.move(box["x"] + box["width"] * share, y)
        seen = changed(tiny, seen)
    tiny.mouse.up()
    in_step(tiny)
    assert tiny.evaluate(TOGETHER) > 0.01


def test_the_comparison_follows_the_map_the_path_and_the_animation(tiny):
    background(tiny)
    beside(tiny)
    start = pictures(tiny)
    tiny.mouse.move(*at(tiny, 0.15, 0.2))
    changed(tiny, start)
    tiny.mouse.move(20, 690)
    same_now(tiny, start)
    tiny.keyboard.press("p")
    tiny.keyboard.press("r")
    settled(tiny)
    tiny.keyboard.press("p")
    tiny.get_by_role("button", name="play the path").click()
    playing = changed(tiny, pictures(tiny))
    changed(tiny, playing)
    tiny.keyboard.press("o")
    tiny.keyboard.press("a")
    changed(tiny, changed(tiny, pictures(tiny)))
    tiny.keyboard.press("a")
    in_step(tiny)


def test_the_same_content_under_another_name_differs_by_exactly_nothing(tiny):
    beside(tiny, "twin")
    before = tiny.evaluate(PIXELS)
    tiny.keyboard.press("r")
    tiny.wait_for_function(f"old => ({PIXELS})() !== old && ({TOGETHER})() === 0", arg=before)
    expect(tiny.get_by_test_id("mean-difference")).to_have_text("0")
    expect(tiny.get_by_test_id("difference")).to_have_attribute("aria-label", "no difference: every pixel is the same")


def test_nothing_moves_when_the_comparison_comes_and_goes(tiny):
    settled(tiny)
    before = still(tiny, BOXES)
    beside(tiny)
    assert tiny.evaluate(BOXES) == before
    canvases = [tiny.get_by_test_id(name).bounding_box() for name in ("decoded", "compared", "difference")]
    assert canvases[0]["width"] == canvases[1]["width"] == canvases[2]["width"] > 100
    tiny.get_by_role("button", name="Off", exact=True).click()
    expect(tiny.get_by_test_id("compared")).to_be_hidden()
    expect(tiny.get_by_label("Compare with another model at the same z (C)")).to_be_focused()
    assert tiny.evaluate(BOXES) == before


def test_another_latent_size_is_offered_with_the_same_picture_and_another_shape_not_at_all(tiny):
    tiny.keyboard.press("c")
    sheet = tiny.get_by_role("dialog", name="Compare with another model")
    group = sheet.get_by_role("region", name="With the same input image, on the Encode page")
    expect(group).to_contain_text("it has 6 latent dimensions, here there are 4")
    never = sheet.get_by_role("region", name="Not comparable with this model")
    expect(never).to_contain_text("its pictures are 64 × 64 in colour, here they are 28 × 28 in grey")
    expect(never.get_by_role("button")).to_have_count(0)
    group.get_by_role("button", name="wide").click()
    tiny.wait_for_url("**/encode*")
    expect(tiny.get_by_text("The same for wide, beside it.")).to_be_visible()


def test_models_of_other_data_come_after_those_of_the_same_and_the_sheet_says_what_the_same_z_means(tiny, models, make_model):
    make_model(models.folder / "checkpoints" / "clothes.safetensors", data="fashion-mnist", seed=3)
    tiny.reload()
    live(tiny)
    tiny.keyboard.press("c")
    sheet = tiny.get_by_role("dialog", name="Compare with another model")
    expect(sheet).to_contain_text("Each model has its own latent space")
    same = sheet.get_by_role("region", name="At the same z, trained on the same data")
    other = sheet.get_by_role("region", name="At the same z, trained on other data")
    expect(same).to_contain_text("twin")
    expect(same).not_to_contain_text("clothes")
    assert same.bounding_box()["y"] < other.bounding_box()["y"]
    other.get_by_role("button", name="clothes").click()
    expect(tiny.locator(".lw-stage")).to_have_attribute("data-compare", "live")
    expect(tiny.get_by_test_id("compare-status")).to_have_text("trained on other data: same z, another meaning")


def test_a_test_image_goes_along_to_the_encode_page(models, page, make_model):
    make_model(models.folder / "checkpoints" / "shapes6.safetensors", data="shapes", latent_dim=6, codes=False)
    page.goto(f"{models.url}/?model=shapes&z=0,0,0,0")
    live(page)
    page.keyboard.press("t")
    band = page.get_by_text("blue band: how sure the encoder is about test image")
    expect(band).to_be_visible()
    title = band.inner_text().split(" about ")[-1]
    settled(page)
    compare(page, "shapes6")
    page.wait_for_url("**/encode*")
    expect(page.get_by_text(title, exact=True).first).to_be_visible()
    expect(page.get_by_alt_text("reconstruction from mu by shapes6")).to_be_visible()
    expect(page.get_by_role("row", name="ELBO")).to_contain_text("−")


def test_another_first_model_is_compared_anew(tiny):
    beside(tiny)
    before = pictures(tiny)
    tiny.goto(tiny.url.replace("model=tiny", "model=twin"))
    live(tiny)
    beside(tiny)
    assert pictures(tiny) == before
    choose_model(tiny, "wide")
    expect(slider(tiny, 5)).to_have_count(1)
    expect(tiny.get_by_test_id("compared")).to_be_hidden()
    choose_model(tiny, "bare")
    expect(tiny.locator(".lw-stage")).to_have_attribute("data-compare", "live")
    tiny.get_by_role("button", name="Reset").click()  # a model that is chosen opens at a point of its own
    same_now(tiny, before)


def choose_model(page: Page, name: str) -> None:
    page.get_by_role("combobox", name="Model").click()
    page.get_by_role("option", name=name).click()


def same_now(page: Page, wanted: list[int]) -> None:
    for script, one in zip((PIXELS, COMPARED, DIFFERENCE), wanted, strict=True):
        page.wait_for_function(f"one => ({script})() === one", arg=one)


def test_the_choice_is_kept_by_the_session(tiny):
    beside(tiny)
    settled(tiny)
    tiny.get_by_role("link", name="Encode").click()
    expect(tiny.get_by_text("Nothing to see yet")).to_be_visible()
    tiny.get_by_role("link", name="Explore").click()
    expect(tiny.locator(".lw-stage")).to_have_attribute("data-compare", "live")
    expect(tiny.get_by_test_id("compared")).to_be_visible()


def test_a_replaced_second_model_is_drawn_anew(own, page, make_model):
    tiny = at_origin(own, page)
    beside(tiny)
    before = tiny.evaluate(COMPARED)
    replace(make_model, own, seed=9)
    slider(tiny, 0).focus()

    def away_and_back():
        tiny.keyboard.press("ArrowRight")
        tiny.keyboard.press("0")
        in_step(tiny)

    again_until(lambda: tiny.evaluate(COMPARED) != before, away_and_back)


def test_a_second_model_of_another_size_or_none_is_said_in_words_and_can_come_back(own, page, make_model):
    tiny = at_origin(own, page)
    beside(tiny)
    replace(make_model, own, latent_dim=5)
    said = tiny.get_by_test_id("compare-status")
    again_until(lambda: "it has 5" in said.inner_text(), lambda: tiny.keyboard.press("r"))
    expect(said).to_contain_text("other: it has 5 latent dimensions, here there are 4.")
    replace(make_model, own, seed=5)
    tiny.keyboard.press("r")
    expect(tiny.locator(".lw-stage")).to_have_attribute("data-compare", "live")
    (own.folder / "checkpoints" / "other.safetensors").unlink()
    again_until(lambda: "no longer" in said.inner_text(), lambda: tiny.keyboard.press("r"))
    expect(said).to_have_text("other is no longer there.")
    live(tiny)


def replace(make_model, server, **options) -> None:
    """Another file under the name of the second model, in one step as a training run does it."""
    folder = server.folder / "checkpoints"
    make_model(server.folder / "other.safetensors", **options)
    (server.folder / "other.safetensors").replace(folder / "other.safetensors")


def test_a_restarted_server_brings_the_comparison_back(own, page):
    tiny = at_origin(own, page)
    beside(tiny)
    own.kill()
    expect(tiny.get_by_test_id("compare-status")).to_have_text("offline · reconnecting")
    own.start()
    expect(tiny.locator(".lw-stage")).to_have_attribute("data-compare", "live", timeout=30_000)
    before = pictures(tiny)
    tiny.keyboard.press("r")
    changed(tiny, before)


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 720), (1920, 1080)])
def test_the_comparison_fits_the_screen(tiny, width, height):
    tiny.set_viewport_size({"width": width, "height": height})
    beside(tiny)
    for name in ("decoded", "compared", "difference", "mean-difference"):
        box = tiny.get_by_test_id(name).bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width and box["y"] + box["height"] <= height, name
    for word in ("Change", "Off"):
        box = tiny.get_by_role("button", name=word, exact=True).bounding_box()
        assert box["y"] + box["height"] <= height
    if width > 760:
        main = tiny.evaluate("() => { const m = document.querySelector('.stMain'); return [m.scrollHeight, m.clientHeight]; }")
        assert main[0] <= main[1]
