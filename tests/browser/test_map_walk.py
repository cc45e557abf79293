"""Looking around and walking on the map, in a real browser: with mouse, keys and fingers, among thousands of points."""

from __future__ import annotations

import re
from itertools import pairwise
from statistics import median

import pytest
from playwright.sync_api import expect
from read_screen import BY_SERVER, MAP, PIXELS, address_z, at, background, box, differs, live, same, settled, still, value

SHADES = """() => {
  const canvas = document.querySelector('[data-testid="decoded"]');
  return Array.from(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data);
}"""
SEQ = "() => Number(document.querySelector('[data-testid=decoded]').dataset.seq)"
HERE = "map-here"


@pytest.fixture
def dense(steady, page, make_model):
    """A model with so many encoded images that the pointer is on one nearly everywhere."""
    make_model(steady.folder / "checkpoints" / "dense.safetensors", points=6000)
    page.goto(f"{steady.url}/?model=dense&z=0,0,0,0")
    live(page)
    background(page)
    return page


def to_a_point(page) -> str:
    """Sweeps until the pointer is on a point; its words."""
    area, tip = box(page), page.get_by_test_id("map-tip")
    for step in range(600):
        page.mouse.move(area["x"] + 30 + (step * 7) % (area["width"] - 60), area["y"] + area["height"] / 2 + (step // 50) * 5)
        if tip.is_visible():
            break
    expect(tip).to_contain_text("test image")
    return re.search(r"test image \d+, an? \w+", tip.inner_text())[0]


def test_looking_around_on_the_map_leaves_the_sliders_and_their_strips_where_one_stands(mapped):
    mapped.wait_for_function("() => performance.getEntriesByName('film-refresh').length >= 1")
    before, values = mapped.evaluate(PIXELS), [value(mapped, d) for d in range(4)]
    films = "() => [...document.querySelectorAll('.lw-film')].map((film) => film.className + film.toDataURL()).join()"
    strips = mapped.evaluate(films)
    for place in ((0.15, 0.2), (0.8, 0.3)):
        mapped.mouse.move(*at(mapped, *place))
        differs(mapped, PIXELS, before)
    assert [value(mapped, d) for d in range(4)] == values and mapped.evaluate(films) == strips
    mapped.mouse.move(20, 690)
    same(mapped, PIXELS, before)
    assert [value(mapped, d) for d in range(4)] == values and mapped.evaluate(films) == strips
    expect(mapped.locator(".lw-nearest-images.lw-stale")).to_have_count(0)
    assert address_z(mapped) == [0, 0, 0, 0]


def walked(page, steps: int = 24) -> list[float]:
    """Mean change of the picture, in grey levels, at each step of 3.4 px with the button down."""
    x, y = at(page, 0.4, 0.45)
    page.mouse.move(x, y)
    count = page.evaluate(SEQ)
    page.mouse.down()
    seen = []
    for step in range(1, steps + 1):
        page.wait_for_function(f"count => ({SEQ})() > count", arg=count)
        seen.append(page.evaluate(SHADES))
        count = page.evaluate(SEQ)
        page.mouse.move(x + 3.4 * step, y + 0.5 * step)
    page.mouse.up()
    settled(page)
    return [sum(abs(a - b) for a, b in zip(*pair, strict=True)) / len(pair[0]) for pair in pairwise(seen)]


def test_dragging_over_thousands_of_points_is_as_smooth_as_over_none(dense):
    dense.get_by_role("button", name="show all 6,000").click()
    x, y = at(dense, 0.4, 0.45)
    dense.mouse.move(x, y)
    expect(dense.get_by_test_id("map-tip")).to_be_visible()
    among = walked(dense)
    expect(dense.get_by_test_id("map-tip")).to_be_hidden()  # while the button was down nothing but the plane answered
    dense.get_by_label("points").uncheck()
    assert 0 < median(among) < 1.5 * median(walked(dense))


def test_the_sliders_follow_a_walk_over_the_map(mapped):
    mapped.mouse.move(*at(mapped, 0.5, 0.5))
    mapped.mouse.down()
    mapped.mouse.move(*at(mapped, 0.15, 0.2))
    mapped.wait_for_function("document.querySelector('input[aria-label=z0]').valueAsNumber !== 0")
    mapped.mouse.up()
    settled(mapped)
    assert address_z(mapped) == pytest.approx([value(mapped, d) for d in range(4)], abs=1e-3)


def test_escape_takes_a_walk_back(mapped):
    before = mapped.evaluate(PIXELS)
    mapped.mouse.move(*at(mapped, 0.5, 0.5))
    mapped.mouse.down()
    mapped.mouse.move(*at(mapped, 0.15, 0.2))
    differs(mapped, PIXELS, before)
    mapped.keyboard.press("Escape")
    same(mapped, PIXELS, before)
    mapped.mouse.up()
    mapped.mouse.move(20, 690)
    same(mapped, PIXELS, before)
    assert address_z(mapped) == [0, 0, 0, 0]


def test_of_thousands_of_dots_a_sample_is_shown_and_all_on_demand(dense):
    caption = dense.locator(".lw-caption")
    expect(caption).to_contain_text("Points: the codes of 600 of 6,000 test images")
    before = dense.evaluate(MAP)
    caption.get_by_role("button", name="show all 6,000").click()
    all_of_them = differs(dense, MAP, before)
    expect(caption).to_contain_text("Points: the codes of 6,000 test images")
    caption.get_by_role("button", name="show 600").click()
    differs(dense, MAP, all_of_them)


def test_hovering_a_point_names_it_and_a_click_takes_its_own_code(mapped):
    words = to_a_point(mapped)
    mapped.mouse.down()
    mapped.mouse.up()
    mapped.wait_for_function("() => !location.search.includes('z=0,0,0,0')")
    expect(mapped.get_by_test_id(HERE)).to_have_text(
        re.compile(rf"You are at PC 1 .* · PC 2 .*: {words}, its own z, not the plane's\.")
    )
    mapped.mouse.click(*at(mapped, 0.04, 0.95))
    expect(mapped.get_by_test_id(HERE)).to_have_text(re.compile(r"You are at PC 1 [−.\d]+ · PC 2 [−.\d]+\.$"))


def test_a_sweep_over_many_points_fetches_no_image_and_a_rest_on_one_fetches_one(dense):
    dense.get_by_role("button", name="show all 6,000").click()
    asked = []
    dense.on("request", lambda request: "/map/image" in request.url and asked.append(request.url))
    x, y = at(dense, 0.3, 0.5)
    dense.evaluate(
        """([x, y]) => {
      const map = document.querySelector('[data-testid=map]');
      const kind = 'onpointerrawupdate' in window ? 'pointerrawupdate' : 'pointermove';
      const event = (i) => new PointerEvent(kind, {clientX: x + i, clientY: y, pointerType: 'mouse'});
      for (let i = 0; i < 200; i += 1) map.dispatchEvent(event(i));
    }""",
        [x, y],
    )
    expect(dense.get_by_test_id("map-tip")).to_be_visible()
    with dense.expect_request("**/map/image?*"):
        dense.mouse.move(*at(dense, 0.5, 0.5))
    assert len(asked) <= 2, "of two hundred places at most the last, and the one rested on"


def test_keys_take_the_nearest_dot_and_a_key_that_does_nothing_commits_nothing(mapped):
    mapped.get_by_test_id("map").focus()
    mapped.keyboard.press("Alt+ArrowLeft")
    assert address_z(mapped) == [0, 0, 0, 0]
    mapped.keyboard.press("ArrowRight")
    expect(mapped.get_by_test_id(HERE)).to_contain_text("Enter takes it")
    words = re.search(r"nearest point is (.*):", mapped.get_by_test_id(HERE).inner_text())[1]
    mapped.keyboard.press("Enter")
    expect(mapped.get_by_test_id(HERE)).to_contain_text(f"{words}, its own z, not the plane's.")


def test_safaris_pinch_on_a_trackpad_zooms_the_map(mapped):
    before = still(mapped, MAP)
    pinch = """(scales) => {
      const map = document.querySelector('[data-testid=map]');
      const box = map.getBoundingClientRect();
      return scales.map(([kind, scale]) => {
        const event = new Event(kind, {bubbles: true, cancelable: true});
        Object.assign(event, {scale, clientX: box.left + 100, clientY: box.top + 100});
        map.dispatchEvent(event);
        return event.defaultPrevented;
      });
    }"""
    kept = mapped.evaluate(pinch, [["gesturestart", 1], ["gesturechange", 1.4], ["gesturechange", 2], ["gestureend", 2]])
    assert kept == [True] * 4, "the page itself is not zoomed"
    differs(mapped, MAP, before)


@pytest.fixture
def phone(steady, browser):
    """(page, touch): the map on a phone; touch("Start", (x, y), ...), "Move", "End", in shares of where the map was at first."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    context.add_init_script(BY_SERVER)
    page = context.new_page()
    page.goto(f"{steady.url}/?model=tiny&z=0,0,0,0")
    live(page)
    background(page)
    page.get_by_test_id("map").scroll_into_view_if_needed()
    device, area = context.new_cdp_session(page), box(page)

    def touch(kind: str, *places: tuple[float, float]) -> None:
        where = [(area["x"] + x * area["width"], area["y"] + y * area["height"]) for x, y in places]
        points = [dict(zip("xy", place, strict=True), id=i) for i, place in enumerate(where)]
        device.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})

    yield page, touch
    context.close()


def test_fingers_walk_sideways_on_the_map_and_pinch_it(phone):
    page, touch = phone
    before = still(page, PIXELS)
    touch("Start", (0.5, 0.6))
    for step in range(1, 6):
        touch("Move", (0.5 + 0.08 * step, 0.6 - 0.04 * step))
    differs(page, PIXELS, before)
    touch("End")
    page.wait_for_function("!location.search.includes('z=0,0,0,0')")
    there, dragged, plane = page.url, still(page, PIXELS), still(page, MAP)

    touch("Start", (0.4, 0.6))
    touch("Start", (0.4, 0.6), (0.6, 0.8))
    for step in range(1, 6):
        touch("Move", (0.4 - 0.04 * step, 0.6 - 0.04 * step), (0.6 + 0.04 * step, 0.8 + 0.04 * step))
    closer = differs(page, MAP, plane)
    touch("End")
    differs(page, MAP, plane, closer)
    same(page, PIXELS, dragged)  # what the first finger previewed is taken back
    assert page.url == there


def test_a_finger_that_swipes_up_scrolls_the_page_and_one_that_rests_first_walks(phone):
    page, touch = phone
    before, top = still(page, PIXELS), box(page)["y"]
    touch("Start", (0.5, 0.9))
    for step in range(1, 8):
        touch("Move", (0.5, 0.9 + 0.08 * step))
    page.wait_for_function("top => document.querySelector('[data-testid=map]').getBoundingClientRect().top > top + 20", arg=top)
    touch("End")
    assert still(page, PIXELS) == before and address_z(page) == [0, 0, 0, 0]
    moved = (box(page)["y"] - top) / box(page)["height"]
    scrolled = box(page)["y"]
    touch("Start", (0.5, 0.8 + moved))
    held = differs(page, PIXELS, before)  # a finger that rests looks at once
    for step in range(1, 6):
        touch("Move", (0.5, 0.8 + moved - 0.05 * step))
    differs(page, PIXELS, before, held)
    touch("End")
    page.wait_for_function("!location.search.includes('z=0,0,0,0')")
    assert box(page)["y"] == scrolled
