"""The map and what belongs to it, in a real browser: previewing, committing, zooming, points, backgrounds, strips, keys."""

from __future__ import annotations

import math
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect
from screen import MAP, OVERLAY, PIXELS, address_z, at, background, box, differs, live, same, settled, slider, still, value

DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="  # one black pixel


def test_moving_over_the_map_previews_and_leaving_restores(mapped):
    before, values = mapped.evaluate(PIXELS), [value(mapped, d) for d in range(4)]
    mapped.mouse.move(*at(mapped, 0.15, 0.2))
    differs(mapped, PIXELS, before)
    mapped.wait_for_function("document.querySelector('input[aria-label=z0]').valueAsNumber !== 0")  # the sliders follow
    mapped.mouse.move(20, 690)
    same(mapped, PIXELS, before)
    assert [value(mapped, d) for d in range(4)] == values
    assert address_z(mapped) == [0, 0, 0, 0]


def test_a_click_on_the_map_commits_the_point_under_it(mapped):
    before = mapped.evaluate(PIXELS)
    mapped.mouse.click(*at(mapped, 0.2, 0.25))
    mapped.wait_for_function("() => !location.search.includes('z=0,0,0,0')")
    mapped.mouse.move(20, 690)
    settled(mapped)
    differs(mapped, PIXELS, before)
    assert address_z(mapped) == pytest.approx([value(mapped, d) for d in range(4)], abs=1e-3)


def test_dragging_on_the_map_changes_the_picture_under_way(mapped):
    mapped.mouse.move(*at(mapped, 0.1, 0.1))
    mapped.mouse.down()
    seen = [mapped.evaluate(PIXELS)]
    for step in range(8):
        mapped.mouse.move(*at(mapped, 0.15 + 0.08 * step, 0.15 + 0.07 * step))
        seen.append(differs(mapped, PIXELS, *seen))  # during the drag, not only at its end
    mapped.mouse.up()


def test_a_slider_moves_the_cross(mapped):
    before = mapped.evaluate(OVERLAY)
    slider(mapped, 0).focus()
    mapped.keyboard.press("Shift+ArrowRight")
    differs(mapped, OVERLAY, before)


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


def test_the_legend_and_the_box_switch_points(mapped):
    before = mapped.evaluate(MAP)
    legend = mapped.get_by_role("group", name="classes shown").get_by_role("button")
    assert legend.count() == 10
    legend.first.click()
    differs(mapped, MAP, before)
    expect(legend.first).to_have_attribute("aria-pressed", "false")
    mapped.get_by_label("points").uncheck()
    without = mapped.evaluate(MAP)
    assert without != before


def test_another_plane_shows_another_map(mapped):
    before = mapped.evaluate(MAP)
    planes = mapped.get_by_label("plane of the map")
    words = planes.locator("option").all_inner_texts()
    assert words[0] == "PC 1 × PC 2" and any("z0" in text and "×" in text for text in words)
    planes.select_option(next(text for text in words if text.startswith("z")))
    differs(mapped, MAP, before)


def test_hovering_a_point_names_it_and_a_click_goes_to_its_code(mapped):
    mapped.get_by_label("background of the map").select_option("none")
    tip = mapped.locator(".lw-tip")
    area = box(mapped)
    for step in range(400):  # sweep until the pointer is on a point
        mapped.mouse.move(area["x"] + 30 + (step * 7) % (area["width"] - 60), area["y"] + area["height"] / 2 + (step // 50) * 5)
        if tip.is_visible():
            break
    expect(tip).to_contain_text("test image")
    mapped.mouse.down()
    mapped.mouse.up()
    mapped.wait_for_function("() => !location.search.includes('z=0,0,0,0')")


def test_the_arrow_keys_walk_over_the_map(mapped):
    mapped.get_by_test_id("map").focus()
    before = mapped.evaluate(PIXELS)
    for _ in range(5):
        mapped.keyboard.press("Shift+ArrowLeft")
    differs(mapped, PIXELS, before)
    mapped.wait_for_function("() => !location.search.includes('z=0,0,0,0')")


def test_fingers_drag_on_the_map_and_pinch_it(steady, browser):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(f"{steady.url}/?model=tiny&z=0,0,0,0")
    live(page)
    background(page)
    page.get_by_test_id("map").scroll_into_view_if_needed()
    device = context.new_cdp_session(page)

    def touch(kind: str, *places: tuple[float, float]) -> None:
        points = [dict(zip("xy", at(page, *place), strict=True), id=i) for i, place in enumerate(places)]
        device.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})

    before = still(page, PIXELS)
    touch("Start", (0.5, 0.5))
    for step in range(1, 6):
        touch("Move", (0.5 + 0.06 * step, 0.5 - 0.05 * step))
    differs(page, PIXELS, before)
    touch("End")
    page.wait_for_function("!location.search.includes('z=0,0,0,0')")
    there, dragged, plane = page.url, still(page, PIXELS), still(page, MAP)

    touch("Start", (0.4, 0.4))
    touch("Start", (0.4, 0.4), (0.6, 0.6))
    for step in range(1, 6):
        touch("Move", (0.4 - 0.04 * step, 0.4 - 0.04 * step), (0.6 + 0.04 * step, 0.6 + 0.04 * step))
    closer = differs(page, MAP, plane)
    touch("End")
    differs(page, MAP, plane, closer)
    same(page, PIXELS, dragged)  # what the first finger previewed is taken back
    assert page.url == there
    context.close()


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
    expect(mapped.locator(".lw-where-more")).to_contain_text(re.compile(rf"No verdict: .*log p\(z\), the prior: {prior} nats"))
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
