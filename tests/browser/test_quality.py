"""What holds for the whole Explore page: nothing jumps, focus is seen, calm when asked for, everything by keyboard."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from read_screen import MAP, OVERLAY, PIXELS, address_z, at, differs, same, settled, slider, still, value

BOXES = """() => [...document.querySelectorAll('.lw-card, .lw-stage, .lw-under, .lw-dim, .lw-map, .lw-tray')].map((element) => {
  const {x, y, width, height} = element.getBoundingClientRect();
  return [x, y, width, height];
})"""
MOVING = """() => [...document.querySelectorAll('.lw-explorer *, .lw-tray *')].filter((element) => {
  const {transitionDuration, animationDuration} = getComputedStyle(element);
  return [transitionDuration, animationDuration].some((text) => text.split(',').some((part) => parseFloat(part) > 0));
}).length"""


def menu(page: Page, dimension: int, item: str) -> None:
    page.get_by_role("button", name=f"z{dimension}: lock, solo, mute, animate").click()
    page.get_by_role("menuitemcheckbox", name=item).click()


def test_nothing_moves_while_a_slider_or_the_map_is_dragged(mapped):
    mapped.keyboard.press("r")
    settled(mapped)
    mapped.wait_for_timeout(800)  # the readout, the indicator and the nearest images have their first words
    before, seen = mapped.evaluate(BOXES), [mapped.evaluate(PIXELS)]
    box = slider(mapped, 2).bounding_box()
    y = box["y"] + box["height"] / 2
    mapped.mouse.move(box["x"] + box["width"] / 2, y)
    mapped.mouse.down()
    for step in range(6):
        mapped.mouse.move(box["x"] + box["width"] * (0.33 + 0.1 * step), y)  # never where it was pressed: that is seen, too
        seen.append(differs(mapped, PIXELS, *seen))
        assert mapped.evaluate(BOXES) == before
    mapped.mouse.up()
    mapped.mouse.move(*at(mapped, 0.2, 0.2))
    mapped.mouse.down()
    for step in range(6):
        mapped.mouse.move(*at(mapped, 0.2 + 0.1 * step, 0.3))
        seen.append(differs(mapped, PIXELS, *seen))
        assert mapped.evaluate(BOXES) == before
    mapped.mouse.up()
    settled(mapped)
    assert mapped.evaluate(BOXES) == before


def test_several_dimensions_animate_at_once_and_stop_together(mapped):
    menu(mapped, 0, "Animate")
    menu(mapped, 2, "Animate")
    stand = [value(mapped, d) for d in range(4)]
    mapped.wait_for_function(
        "([a, c]) => [['z0', a], ['z2', c]].every(([name, old]) =>"
        " Math.abs(document.querySelector(`input[aria-label=${name}]`).valueAsNumber - old) > 0.05)",
        arg=[stand[0], stand[2]],
    )
    assert (value(mapped, 1), value(mapped, 3)) == (stand[1], stand[3])
    mapped.keyboard.press("a")
    settled(mapped)
    picture = still(mapped, PIXELS)
    mapped.wait_for_timeout(300)
    assert mapped.evaluate(PIXELS) == picture


def test_solo_sets_the_others_to_zero_and_gives_them_back(mapped):
    mapped.keyboard.press("r")
    settled(mapped)
    before = address_z(mapped)
    menu(mapped, 1, "Solo")
    settled(mapped)
    assert address_z(mapped) == [0, before[1], 0, 0]
    menu(mapped, 1, "Solo")
    settled(mapped)
    assert address_z(mapped) == before


def test_the_posterior_is_drawn_on_the_map_and_goes_with_its_band(mapped):
    mapped.keyboard.press("t")
    expect(mapped.get_by_text("blue band")).to_be_visible()
    settled(mapped)
    with_ellipse = still(mapped, OVERLAY)
    mapped.get_by_role("button", name="remove", exact=True).click()
    differs(mapped, OVERLAY, with_ellipse)


def test_shift_and_a_drag_move_the_map_and_nothing_else(mapped):
    before, plane, url = still(mapped, PIXELS), still(mapped, MAP), mapped.url
    mapped.keyboard.down("Shift")
    mapped.mouse.move(*at(mapped, 0.3, 0.3))
    mapped.mouse.down()
    mapped.mouse.move(*at(mapped, 0.6, 0.5), steps=4)
    differs(mapped, MAP, plane)
    mapped.mouse.up()
    mapped.keyboard.up("Shift")
    mapped.mouse.move(20, 690)
    same(mapped, PIXELS, before)
    assert mapped.url == url


def test_the_keyboard_reaches_every_control_and_one_sees_where_it_is(mapped):
    mapped.locator(".lw-explorer button").first.focus()
    reached = set()
    for _ in range(80):
        mapped.keyboard.press("Tab")
        name, outline = mapped.evaluate("""() => {
          const element = document.activeElement;
          const {outlineStyle, outlineWidth, boxShadow} = getComputedStyle(element);
          const label = element.getAttribute('aria-label') || element.labels?.[0]?.textContent;
          const ours = element.closest('.lw-explorer, .lw-tray') !== null;
          const seen = (outlineStyle !== 'none' && parseFloat(outlineWidth) > 0) || boxShadow !== 'none';
          return [ours ? label || element.title || element.textContent : null, seen];
        }""")
        if name is None:
            break
        assert outline, f"{name!r} has the focus and does not show it"
        reached.add(name)
    wanted = {"z0", "value of z0", "kind of path", "background of the map", "points"}
    assert wanted <= reached, wanted - reached
    assert any(name.startswith("map of the latent space") for name in reached)


def test_who_asks_for_less_motion_gets_no_transitions(mapped):
    assert mapped.evaluate(MOVING) > 0
    mapped.emulate_media(reduced_motion="reduce")
    mapped.wait_for_function(f"() => ({MOVING})() === 0")
