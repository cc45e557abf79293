"""The rows of the rail in a real browser: their menus, their ranges, their keys."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect
from read_screen import live, settled, slider, value, wait_for_address


@pytest.fixture
def tiny(steady, page) -> Page:
    page.goto(f"{steady.url}/?model=tiny&z=0,0,0,0")
    live(page)
    return page


def name(page: Page, dimension: int) -> Locator:
    return page.get_by_role("button", name=f"z{dimension}: lock, solo, mute, animate")


def menu(page: Page) -> Locator:
    return page.locator(".lw-row-menu")


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.firefox
def test_the_menu_of_a_row_is_a_small_box_under_its_name_with_its_items_in_it(tiny, width):
    tiny.set_viewport_size({"width": width, "height": 800})
    name(tiny, 1).click()
    box, anchor = menu(tiny).bounding_box(), name(tiny, 1).bounding_box()
    assert 100 < box["width"] < 240 and 90 < box["height"] < 220
    assert box["x"] == pytest.approx(anchor["x"], abs=2)
    assert min(abs(box["y"] - anchor["y"] - anchor["height"]), abs(box["y"] + box["height"] - anchor["y"])) < 8
    for item in menu(tiny).get_by_role("menuitemcheckbox").all():
        inner = item.bounding_box()
        assert box["x"] <= inner["x"] and inner["x"] + inner["width"] <= box["x"] + box["width"]
        assert box["y"] <= inner["y"] and inner["y"] + inner["height"] <= box["y"] + box["height"]
        assert inner["height"] >= 24


def test_the_menu_of_the_last_row_stays_in_the_window(tiny):
    tiny.set_viewport_size({"width": 1280, "height": 460})
    name(tiny, 0).scroll_into_view_if_needed()
    name(tiny, 0).click()
    box = menu(tiny).bounding_box()
    assert box["y"] >= 0 and box["y"] + box["height"] <= 460


def test_the_menu_says_that_it_is_open_and_closes_on_tab_escape_and_a_press_elsewhere(tiny):
    expect(name(tiny, 1)).to_have_attribute("aria-expanded", "false")
    name(tiny, 1).click()
    expect(name(tiny, 1)).to_have_attribute("aria-expanded", "true")
    expect(tiny.get_by_role("menuitemcheckbox", name="Lock")).to_be_focused()
    tiny.keyboard.press("Tab")
    expect(menu(tiny)).to_be_hidden()
    expect(slider(tiny, 1)).to_be_focused()  # what follows the name
    name(tiny, 1).click()
    tiny.keyboard.press("Escape")
    expect(menu(tiny)).to_be_hidden()
    expect(name(tiny, 1)).to_be_focused()
    name(tiny, 1).click()
    tiny.get_by_text("Latent dimensions").click()
    expect(menu(tiny)).to_be_hidden()
    expect(name(tiny, 1)).to_have_attribute("aria-expanded", "false")


def test_a_closed_menu_listens_to_nothing(tiny):
    tiny.evaluate("""() => {
      window.listening = [];
      for (const what of ['add', 'remove']) {
        const old = document[`${what}EventListener`];
        document[`${what}EventListener`] = (type, ...rest) => {
          if (['pointerdown', 'scroll'].includes(type)) listening.push(what === 'add' ? 1 : -1);
          old.call(document, type, ...rest);
        };
      }
    }""")
    name(tiny, 1).click()
    assert tiny.evaluate("listening.reduce((a, b) => a + b, 0)") == 2
    name(tiny, 1).click()
    expect(menu(tiny)).to_be_hidden()
    assert tiny.evaluate("listening.reduce((a, b) => a + b, 0)") == 0


@pytest.mark.parametrize("way", ["Reset", "Undo (Ctrl+Z)"])
def test_a_range_widened_by_a_typed_value_returns_with_it(tiny, way):
    before = [slider(tiny, 0).get_attribute(side) for side in ("min", "max")]
    number = tiny.get_by_label("value of z0")
    number.fill("99")
    number.press("Enter")
    wait_for_address(tiny, [99, 0, 0, 0])
    assert slider(tiny, 0).get_attribute("max") == "99"
    settled(tiny)
    tiny.get_by_role("button", name=way).click()
    wait_for_address(tiny, [0, 0, 0, 0])
    assert [slider(tiny, 0).get_attribute(side) for side in ("min", "max")] == before


def test_what_is_unfolded_below_the_cut_is_brought_into_sight(tiny):
    tiny.set_viewport_size({"width": 1280, "height": 460})
    tiny.get_by_text("1 inactive dimension (z3)").click()
    tiny.wait_for_function("""() => {
      const place = document.querySelector('.lw-rail-place').getBoundingClientRect();
      const row = document.querySelector('[data-dimension="3"]').getBoundingClientRect();
      return row.top >= place.top - 1 && row.bottom <= place.bottom + 1;
    }""")


def test_the_traversal_is_walked_by_keys(tiny):
    tiny.keyboard.press("v")
    tiny.wait_for_function("() => document.querySelector('[data-testid=traversal]').width > 400")
    tiny.get_by_test_id("traversal").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowLeft", "ArrowLeft"):
        tiny.keyboard.press(key)
    expect(tiny.get_by_test_id("traversal-here")).to_have_text("z1 at −2.58")
    tiny.keyboard.press("ArrowLeft")  # the end of the row
    expect(tiny.get_by_test_id("traversal-here")).to_have_text("z1 at −2.58")
    tiny.keyboard.press("Enter")
    expect(tiny.get_by_role("dialog", name="Traversal")).to_be_hidden()
    wait_for_address(tiny, [0, -2.576, 0, 0])


def test_every_button_is_large_enough_for_a_finger(tiny):
    tiny.keyboard.press("p")
    settled(tiny)
    small = tiny.evaluate("""() => [...document.querySelectorAll('.lw-root button, .lw-root summary, .lw-root select')]
      .filter((element) => element.checkVisibility() && !element.closest('.lw-map-card'))
      .map((element) => [element.textContent || element.ariaLabel, element.getBoundingClientRect()])
      .filter(([, box]) => box.height < 24 || (box.width < 24 && box.height < 24))
      .map(([name, box]) => `${name}: ${box.width} x ${box.height}`)""")
    assert small == []


def test_home_and_end_are_the_ends_of_a_slider_and_zero_is_its_zero(tiny):
    slider(tiny, 1).focus()
    ends = [float(slider(tiny, 1).get_attribute(side)) for side in ("min", "max")]
    for key, wanted in (("Home", ends[0]), ("End", ends[1]), ("0", 0.0)):
        tiny.keyboard.press(key)
        assert value(tiny, 1) == pytest.approx(wanted, abs=1e-3)
    wait_for_address(tiny, [0, 0, 0, 0])
