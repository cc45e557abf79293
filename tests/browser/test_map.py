"""The map and what belongs to it, in a real browser: previewing, committing, zooming, points, backgrounds, strips, keys."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from screen import MAP, OVERLAY, PIXELS, address_z, at, background, box, differs, live, same, settled, slider, value


@pytest.fixture
def mapped(steady, page) -> Page:
    """Explore with the four-dimensional model, its map drawn with its background."""
    page.goto(f"{steady.url}/?model=tiny&z=0,0,0,0")
    live(page)
    background(page)
    return page


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


def test_strips_behind_the_sliders_show_where_they_lead(mapped):
    mapped.wait_for_function("() => performance.getEntriesByName('film-refresh').length >= 1")
    film = "() => document.querySelector('.lw-dim .lw-film').toDataURL()"
    before = mapped.evaluate(film)
    slider(mapped, 1).focus()
    mapped.keyboard.down("Shift")
    mapped.keyboard.press("ArrowRight")
    mapped.keyboard.up("Shift")
    mapped.wait_for_function(f"before => ({film})() !== before", arg=before)


def test_the_indicator_says_where_one_is(mapped):
    where = mapped.get_by_test_id("where")
    expect(where).to_have_attribute("data-verdict", "on the data")
    mapped.goto(mapped.url.replace("z=0,0,0,0", "z=9,9,9,0"))
    live(mapped)
    expect(where).to_have_attribute("data-verdict", "hole")
    expect(where).to_contain_text("no image was ever encoded near here")


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
