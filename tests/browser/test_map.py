"""The map and what belongs to it, in a real browser: previewing, committing, zooming, points, backgrounds, strips, keys."""

from __future__ import annotations

import math
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect
from read_screen import MAP, OVERLAY, PIXELS, address_z, at, background, differs, live, settled, slider, value

DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="  # one black pixel


@pytest.mark.firefox
def test_a_click_on_the_map_commits_the_point_under_it(mapped):
    before = mapped.evaluate(PIXELS)
    mapped.mouse.click(*at(mapped, 0.2, 0.25))
    mapped.wait_for_function("() => !location.search.includes('z=0,0,0,0')")
    mapped.mouse.move(20, 690)
    settled(mapped)
    differs(mapped, PIXELS, before)
    assert address_z(mapped) == pytest.approx([value(mapped, d) for d in range(4)], abs=1e-3)


@pytest.mark.firefox
def test_dragging_on_the_map_changes_the_picture_under_way(mapped):
    mapped.mouse.move(*at(mapped, 0.1, 0.1))
    mapped.mouse.down()
    seen = [mapped.evaluate(PIXELS)]
    for step in range(8):
        mapped.mouse.move(*at(mapped, 0.15 + 0.08 * step, 0.15 + 0.07 * step))
        seen.append(differs(mapped, PIXELS, *seen))  # during the drag, not only at its end
    mapped.mouse.up()


@pytest.mark.firefox
def test_a_slider_moves_the_cross(mapped):
    before = mapped.evaluate(OVERLAY)
    slider(mapped, 0).focus()
    mapped.keyboard.press("Shift+ArrowRight")
    differs(mapped, OVERLAY, before)


@pytest.mark.firefox
def test_zooming_draws_the_pictures_anew_and_sharp(mapped):
    before = mapped.evaluate(MAP)
    drawn = mapped.evaluate("() => performance.getEntriesByName('map-background').length")
    mapped.mouse.move(*at(mapped, 0.5, 0.5))
    mapped.mouse.wheel(0, -600)
    background(mapped, drawn + 1)
    differs(mapped, MAP, before)


@pytest.mark.parametrize("kind", ["quantiles", "density", "holes", "none"])
def test_every_background_looks_different(mapped, kind):
    before = mapped.evaluate(MAP)
    mapped.get_by_label("background of the map").select_option(kind)
    differs(mapped, MAP, before)


def test_every_background_is_explained(mapped):
    caption = mapped.locator(".lw-caption")
    expect(caption).to_contain_text("Points: the codes of 200 test images, projected onto this plane.")
    expect(caption).to_contain_text("Background: what the decoder draws on the slice through your point")
    drawn = mapped.evaluate("() => performance.getEntriesByName('map-background').length")
    mapped.get_by_label("background of the map").select_option("density")
    background(mapped, drawn + 1)
    expect(caption).to_contain_text(re.compile(r"how dense the codes .* log q\(z\).*[−\d]+ *[−\d]+ nats", re.S))
    expect(caption.locator(".lw-ramp")).to_be_visible()
    mapped.get_by_label("background of the map").select_option("holes")
    expect(caption).to_contain_text("farther from real codes than 90 % of test images")
    expect(mapped.locator(".lw-axis-x")).to_have_text("PC 1")
    expect(mapped.locator(".lw-axis-y")).to_have_text("PC 2")


@pytest.mark.firefox
def test_the_legend_and_the_box_switch_points(mapped):
    before = mapped.evaluate(MAP)
    legend = mapped.get_by_role("group", name="classes shown").locator(".lw-class")
    assert legend.count() == 10
    legend.first.click()
    differs(mapped, MAP, before)
    expect(legend.first).to_have_attribute("aria-pressed", "false")
    mapped.get_by_label("points").uncheck()
    without = mapped.evaluate(MAP)
    assert without != before


def test_a_double_click_or_alt_and_a_click_shows_one_class_alone_and_again_all(mapped):
    legend = mapped.get_by_role("group", name="classes shown")
    shown = legend.locator(".lw-class[aria-pressed=true]")
    legend.get_by_role("button", name="3", exact=True).dblclick()
    expect(shown).to_have_text(["3"])
    legend.get_by_role("button", name="5", exact=True).click(modifiers=["Alt"])
    expect(shown).to_have_text(["5"])
    legend.get_by_role("button", name="5", exact=True).dblclick()
    expect(shown).to_have_count(10)
    legend.get_by_role("button", name="5", exact=True).click()
    legend.get_by_role("button", name="show all classes").click()
    expect(shown).to_have_count(10)


def test_another_plane_shows_another_map(mapped):
    before = mapped.evaluate(MAP)
    planes = mapped.get_by_label("plane of the map")
    words = planes.locator("option").all_inner_texts()
    assert words[0] == "PC 1 × PC 2" and any("z0" in text and "×" in text for text in words)
    planes.select_option(next(text for text in words if text.startswith("z")))
    differs(mapped, MAP, before)


@pytest.mark.firefox
def test_the_arrow_keys_walk_over_the_map(mapped):
    mapped.get_by_test_id("map").focus()
    before = mapped.evaluate(PIXELS)
    for _ in range(5):
        mapped.keyboard.press("Shift+ArrowLeft")
    differs(mapped, PIXELS, before)
    mapped.wait_for_function("() => !location.search.includes('z=0,0,0,0')")


@pytest.mark.firefox
def test_strips_behind_the_sliders_show_where_they_lead(mapped):
    mapped.wait_for_function("() => performance.getEntriesByName('film-refresh').length >= 1")
    film = "() => document.querySelector('.lw-dim .lw-film').toDataURL()"
    before = mapped.evaluate(film)
    slider(mapped, 1).focus()
    mapped.keyboard.down("Shift")
    mapped.keyboard.press("ArrowRight")
    mapped.keyboard.up("Shift")
    mapped.wait_for_function(f"before => ({film})() !== before", arg=before)


def test_the_indicator_says_no_more_than_the_model_allows(mapped):
    where, figures = mapped.get_by_test_id("where"), mapped.locator(".lw-figures")
    expect(where).to_have_attribute("data-verdict", "unsaid")  # nobody trained this model
    expect(where).to_be_hidden()
    expect(figures).to_have_text(re.compile(r"^nearer to real codes than \d+ % of test images$"))
    mapped.get_by_role("button", name="details").click()
    prior = f"−{2 * math.log(2 * math.pi):.1f}"  # log density of four dimensions at the origin
    more = mapped.locator(".lw-where-more")
    expect(more).to_contain_text(re.compile(rf"No verdict: .*log p\(z\), the prior's density: {prior} nats"))
    picture = mapped.get_by_test_id("decoded").bounding_box()
    box = more.bounding_box()
    assert box["y"] >= 0 and box["y"] + box["height"] <= 720 and box["width"] > 200, "on the screen, wherever the line is"
    mapped.keyboard.press("Escape")
    expect(more).to_be_hidden()
    assert mapped.get_by_test_id("decoded").bounding_box() == picture
    mapped.goto(mapped.url.replace("z=0,0,0,0", "z=9,9,9,0"))
    live(mapped)
    expect(figures).to_have_text("nearer to real codes than 0 % of test images")


def test_the_nearest_real_images_follow_the_point_in_pixels_and_in_latents(mapped):
    asked = []

    def answer(route) -> None:
        asked.append(parse_qs(urlsplit(route.request.url).query))
        space = asked[-1]["space"][0]
        found = [{"png": DOT, "label": 3 if space == "pixels" else 5, "distance": 1.25}]
        route.fulfill(json={"source": "54,000 training images", "found": found})

    mapped.route("**/map/nearest?*", answer)
    mapped.keyboard.press("r")
    nearest = mapped.get_by_test_id("nearest")
    expect(nearest.get_by_alt_text("a real 3")).to_be_visible()
    settled(mapped)
    assert [float(part) for part in asked[-1]["z"][0].split(",")] == address_z(mapped)
    nearest.get_by_role("button", name="in pixels").click()
    expect(nearest.get_by_alt_text("a real 5")).to_have_attribute("title", re.compile("1.25\nsearched among 54,000"))
    mapped.unroute("**/map/nearest?*")
    mapped.route("**/map/nearest?*", lambda route: route.fulfill(status=404, body="The images of 'mnist' are not here."))
    mapped.keyboard.press("r")
    expect(nearest).to_contain_text("The images of 'mnist' are not here.")


def test_the_nearest_images_are_asked_for_again_when_the_server_had_too_much_to_do(mapped):
    nearest = mapped.get_by_test_id("nearest")
    refusals = iter([{"status": 503, "headers": {"Retry-After": "1"}, "body": "Too much waits already."}])
    found = {"found": [{"png": "", "label": 6, "distance": 1.0}], "source": "54,000 images"}

    def answer(route):
        route.fulfill(**next(refusals, {"status": 200, "json": found}))

    mapped.route("**/map/nearest?*", answer)
    mapped.keyboard.press("r")
    expect(nearest.get_by_alt_text("a real 6")).to_be_visible()


def test_a_principal_component_moves_several_sliders(mapped):
    mapped.get_by_text("principal components").click()
    component = mapped.get_by_label("PC 1", exact=True)
    before = mapped.evaluate(PIXELS)
    component.focus()
    mapped.keyboard.press("Shift+ArrowRight")
    differs(mapped, PIXELS, before)
    assert sum(abs(value(mapped, d)) > 0.01 for d in range(4)) >= 2


def test_a_locked_slider_stays_and_a_muted_one_comes_back(mapped):
    slider(mapped, 2).focus()
    mapped.keyboard.press("Shift+ArrowRight")
    moved = value(mapped, 2)
    assert moved != 0
    menu = mapped.get_by_label("z2: lock, solo, mute, animate")
    menu.click()
    mapped.get_by_role("menuitemcheckbox", name="Lock").click()
    mapped.get_by_role("button", name="Reset").click()
    assert value(mapped, 2) == moved and slider(mapped, 2).is_disabled()
    menu.click()
    mapped.get_by_role("menuitemcheckbox", name="Lock").click()
    menu.click()
    mapped.get_by_role("menuitemcheckbox", name="Mute to zero").click()
    assert value(mapped, 2) == 0
    menu.click()
    mapped.get_by_role("menuitemcheckbox", name="Mute to zero").click()
    assert value(mapped, 2) == moved


def test_the_traversal_is_one_picture_that_can_be_clicked_and_saved(mapped):
    mapped.keyboard.press("v")
    picture = mapped.get_by_test_id("traversal")
    mapped.wait_for_function("() => document.querySelector('[data-testid=traversal]').width > 400")
    with mapped.expect_download() as download:
        mapped.get_by_role("button", name="Download PNG").click()
    assert download.value.path().read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    picture.click(position={"x": 60, "y": 40})
    mapped.wait_for_function("() => !location.search.includes('z=0,0,0,0')")


def test_a_model_without_encoded_images_says_why_there_is_no_map(steady, page):
    page.goto(f"{steady.url}/?model=bare")
    live(page)
    expect(page.locator(".lw-map-note")).to_contain_text("carries no encoded images")
