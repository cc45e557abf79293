"""Pins, paths, exports and draws in a real browser against a real server."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from read_screen import BY_SERVER, OVERLAY, PIXELS, again_until, differs, hash_of, live, same, settled, still, typed

FIRST, SECOND = [1.0, -1.0, 0.5, 0.0], [-1.5, 1.0, 1.0, 0.0]
MAGIC = {"gif": b"GIF89a", "mp4": b"ftyp", "sheet": b"\x89PNG\r\n", "npz": b"PK\x03\x04"}


@pytest.fixture
def explore(server, make_model, page):
    """explore(z) opens the page at a point; explore.server is its process."""
    make_model(server.folder / "checkpoints" / "tiny.safetensors", latent_dim=4, inactive=0)
    make_model(server.folder / "checkpoints" / "wide.safetensors", data="shapes", latent_dim=4, inactive=0, codes=False)
    running = server()

    def open_page(z: list[float], model: str = "tiny", **query: str) -> Page:
        more = "".join(f"&{key}={value}" for key, value in query.items())
        page.goto(f"{running.url}/?model={model}&z={','.join(map(str, z))}{more}")
        live(page)
        return page

    open_page.server = running
    return open_page


def pins(page: Page):
    return page.get_by_role("list", name="Pins").get_by_role("listitem")


def scrubber(page: Page):
    return page.get_by_test_id("path")


def commit_z(page: Page, z: list[float]) -> None:
    for dimension, value in enumerate(z):
        typed(page.get_by_label(f"value of z{dimension}"), str(value))
        settled(page)  # nobody types four numbers in the time of one page run
    address(page, z)


def address(page: Page, z: list[float]) -> None:
    page.wait_for_function("z => location.search.includes('z=' + z)", arg=",".join(f"{value:g}" for value in z))


def pin_two(page: Page) -> None:
    """Pins where the page opened, and another point with the key."""
    page.get_by_role("button", name="Pin", exact=True).click()
    commit_z(page, SECOND)
    page.get_by_test_id("map").focus()
    page.keyboard.press("p")
    expect(pins(page)).to_have_count(2)
    expect(scrubber(page)).to_be_visible()


@pytest.mark.firefox
def test_two_pins_make_a_path_that_is_walked_live_and_committed_on_release(explore):
    page = explore(FIRST)
    expect(page.get_by_text("Press Pin to keep a picture here.")).to_be_visible()
    empty = page.locator(".lw-tray").bounding_box()
    pin_two(page)
    assert page.locator(".lw-tray").bounding_box() == empty  # nothing jumps when the first path appears
    expect(scrubber(page)).to_have_attribute("max", "60")
    box = scrubber(page).bounding_box()
    y = box["y"] + box["height"] / 2
    before, seen = page.url, [page.evaluate(PIXELS)]
    page.mouse.move(box["x"] + 2, y)
    page.mouse.down()
    for share in (0.25, 0.5, 0.75):
        page.mouse.move(box["x"] + share * box["width"], y)
        seen.append(differs(page, PIXELS, *seen))
    assert page.url == before  # committed on release, not before
    page.mouse.up()
    at = int(scrubber(page).input_value())
    address(page, [round(float(a + (b - a) * at / 60), 3) for a, b in zip(FIRST, SECOND, strict=True)])
    assert re.fullmatch(r"step \d+ of 61, linear", scrubber(page).get_attribute("aria-valuetext"))


@pytest.mark.firefox
def test_keys_walk_the_path_and_space_plays_it(explore):
    page = explore(FIRST)
    pin_two(page)
    scrubber(page).focus()
    page.keyboard.press("End")
    address(page, SECOND)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+ArrowLeft")
    assert scrubber(page).input_value() == "54"
    page.keyboard.press("Home")
    address(page, FIRST)
    page.keyboard.press(" ")
    page.wait_for_function("document.querySelector('[data-testid=path]').valueAsNumber > 8")
    page.get_by_role("button", name="play the path").click()
    stopped = int(scrubber(page).input_value())
    page.wait_for_timeout(150)
    assert int(scrubber(page).input_value()) == stopped
    address(page, [round(float(a + (b - a) * stopped / 60), 3) for a, b in zip(FIRST, SECOND, strict=True)])


@pytest.mark.firefox
def test_pins_and_the_path_are_drawn_on_the_map(explore):
    page = explore(FIRST)
    page.get_by_label("background of the map").select_option("none")
    page.get_by_label("points").uncheck()
    bare = still(page, OVERLAY)
    pin_two(page)
    page.get_by_role("button", name="go to pin 1").click()
    address(page, FIRST)
    differs(page, OVERLAY, bare)
    drawn = still(page, OVERLAY)
    page.get_by_role("button", name="path through pin 2").click()
    differs(page, OVERLAY, drawn, bare)  # the pins stay, the path is gone
    for number in (2, 1):
        page.get_by_role("button", name=f"remove pin {number}").click()
    same(page, OVERLAY, bare)


@pytest.mark.firefox
def test_compare_shows_three_kinds_to_one_scale_and_choosing_one_walks_it(explore):
    page = explore(FIRST)
    pin_two(page)
    page.get_by_role("button", name="Compare", exact=True).click()
    lanes = page.locator(".lw-lane")
    expect(lanes).to_have_count(3)
    for lane in lanes.all():
        expect(lane.locator(".lw-lane-words")).to_have_text(
            re.compile(r"length [\d.]+ · largest step [\d.]+ × the mean"), timeout=30_000
        )
    lengths = [float(lane.locator(".lw-lane-words").inner_text().split()[1]) for lane in lanes.all()]
    assert lengths[2] <= min(lengths[:2])  # the geodesic is the shortest
    strips = [page.evaluate(hash_of(f'.lw-lane[data-kind="{kind}"] canvas')) for kind in ("linear", "spherical", "geodesic")]
    assert len(set(strips)) == 3
    page.get_by_role("radio", name="spherical").click()
    expect(page.get_by_label("kind of path").first).to_have_value("spherical")
    expect(scrubber(page)).to_have_attribute("aria-valuetext", re.compile("spherical"))
    changes = hash_of('.lw-lane[data-kind="linear"] .lw-lane-changes')
    plain = page.evaluate(changes)
    page.get_by_label("equal perceptual steps").check()
    words = page.locator('.lw-lane[data-kind="linear"] .lw-lane-words')
    expect(words).to_have_text(re.compile("largest step 1.[0-3] ×"), timeout=30_000)
    differs(page, changes, plain)
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.get_by_role("region", name="Paths compared")).to_be_hidden()


@pytest.mark.parametrize("what", list(MAGIC))
def test_a_path_is_exported_as_a_file(explore, what):
    page = explore(FIRST)
    pin_two(page)
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as waiting:
        page.locator(f'[data-what="{what}"]:visible').click()
    body = waiting.value.path().read_bytes()
    assert MAGIC[what] in body[:12]
    assert waiting.value.suggested_filename == f"tiny-linear.{'png' if what == 'sheet' else what}"
    if what == "npz":
        with np.load(io.BytesIO(body)) as file:
            np.testing.assert_allclose(file["z"][[0, -1]], [FIRST, SECOND], atol=1e-6)
            assert file["pictures"].shape == (61, 28, 28, 1)


def test_an_export_that_fails_says_why(explore):
    page = explore(FIRST)
    pin_two(page)
    page.route("**/export?*", lambda route: route.fulfill(status=400, body="At most 1024 pictures go into one file; got 2000."))
    page.get_by_role("button", name="Export").click()
    page.get_by_role("menuitem", name="GIF").click()
    expect(page.get_by_text("The file could not be made: At most 1024 pictures")).to_be_visible()
    expect(page.get_by_role("button", name="Export")).to_be_enabled()


def grid(page: Page, seed: int, temperature: str) -> list[int]:
    expect(page.locator(".lw-samples")).to_have_attribute("data-drawn", f"{seed} at {temperature}")
    return [page.evaluate(hash_of(f".lw-sample:nth-child({i}) canvas")) for i in (1, 2, 64)]


def test_the_same_seed_draws_the_same_grid_and_a_click_explores(explore):
    page = explore(FIRST)
    page.get_by_role("button", name="Samples").click()
    expect(page.get_by_role("button", name=re.compile(r"^draw \d+$"))).to_have_count(64)
    first = grid(page, 0, "1.00")
    page.get_by_role("button", name="Draw again").click()
    assert grid(page, 1, "1.00") != first
    page.get_by_label("seed").fill("0")
    page.get_by_label("seed").press("Enter")
    assert grid(page, 0, "1.00") == first
    page.get_by_label("temperature").fill("0")
    cold = grid(page, 0, "0.00")
    assert len(set(cold)) == 1  # all the origin
    page.get_by_label("temperature").fill("1")
    assert grid(page, 0, "1.00") == first
    page.get_by_role("button", name="draw 2", exact=True).focus()
    page.keyboard.press("p")
    expect(page.get_by_text("Pinned.", exact=True)).to_be_visible()
    page.get_by_role("button", name="draw 2", exact=True).click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.wait_for_function("!location.search.includes('z=1,-1,0.5,0')")
    expect(page.get_by_role("button", name="go to pin 1, draw 2 of seed 0")).to_be_visible()


@pytest.mark.firefox
def test_pins_can_be_reordered_and_removed_with_keys(explore):
    page = explore(FIRST)
    pin_two(page)
    page.get_by_role("button", name="go to pin 1").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("button", name="go to pin 2")).to_be_focused()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="path through pin 2")).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("Space")
    page.keyboard.press("Alt+ArrowLeft")
    page.keyboard.press("Enter")
    address(page, SECOND)
    expect(page.get_by_role("button", name="go to pin 1")).to_be_focused()
    expect(scrubber(page)).to_have_attribute("aria-busy", "false")
    scrubber(page).focus()
    page.keyboard.press("Home")
    address(page, SECOND)
    page.get_by_role("button", name="go to pin 1").focus()
    page.keyboard.press("Delete")
    expect(pins(page)).to_have_count(1)
    expect(page.get_by_text("Now move on and press Pin again: two pins make a path.")).to_be_visible()


def order(page: Page) -> list[str]:
    return [item.get_attribute("data-pin") for item in pins(page).all()]


def middle_of(item) -> tuple[float, float]:
    box = item.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.mark.firefox
def test_pins_are_moved_with_the_mouse_and_letting_go_is_no_press(explore):
    page = explore(FIRST)
    pin_two(page)
    first, second = order(page)
    (x, y), (beyond, _) = middle_of(pins(page).first), middle_of(pins(page).last)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(beyond + 8, y, steps=4)
    page.mouse.up()
    expect(pins(page).first).to_have_attribute("data-pin", second)
    assert order(page) == [second, first]
    address(page, SECOND)  # nobody went to the other pin
    page.mouse.click(*middle_of(pins(page).last))
    address(page, FIRST)


def test_a_finger_moves_a_pin_after_it_has_rested_on_it_and_scrolls_before(explore, browser):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    context.add_init_script(BY_SERVER)
    page = context.new_page()
    page.goto(f"{explore.server.url}/?model=tiny&z={','.join(map(str, FIRST))}&pins=1,1,1,1;2,2,2,2;0,0,0,0")
    live(page)
    expect(pins(page)).to_have_count(3)
    pins(page).first.scroll_into_view_if_needed()
    before = order(page)
    touch = context.new_cdp_session(page)

    def swipe(*, rest: bool) -> None:
        (x, y), (beyond, _) = middle_of(pins(page).first), middle_of(pins(page).nth(1))
        touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
        if rest:
            page.wait_for_timeout(450)  # as long as a finger rests
        for step in range(1, 6):
            point = {"x": x + step * (beyond + 8 - x) / 5, "y": y}
            touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    swipe(rest=False)
    assert order(page) == before

    def rest_and_swipe() -> None:
        page.evaluate("() => document.querySelector('.lw-pin').scrollIntoView({inline: 'nearest'})")
        swipe(rest=True)

    # A finger that comes down on a row in motion, or on one that is just being drawn anew, takes nothing: it tries again.
    again_until(lambda: order(page) == [before[1], before[0], before[2]], rest_and_swipe)
    context.close()


def test_a_point_is_pinned_once(explore):
    page = explore(FIRST)
    for _ in range(2):
        page.get_by_role("button", name="Pin", exact=True).click()
    expect(page.get_by_text("This point is pin 1 already.")).to_be_visible()
    expect(pins(page)).to_have_count(1)


@pytest.mark.firefox
def test_pins_outlive_other_pages_and_belong_to_their_model(explore):
    page = explore(FIRST)
    pin_two(page)
    settled(page)
    page.get_by_role("link", name="Train").click()
    expect(page.get_by_test_id("decoded")).to_have_count(0)
    page.get_by_role("link", name="Explore").click()
    expect(pins(page)).to_have_count(2)
    expect(scrubber(page)).to_be_visible()
    page.get_by_role("combobox", name="Model").click()
    page.get_by_role("option", name="wide").click()
    expect(page.get_by_text("Press Pin to keep a picture here.")).to_be_visible()
    page.get_by_role("combobox", name="Model").click()
    page.get_by_role("option", name="tiny").click()
    expect(pins(page)).to_have_count(2)


def test_the_pins_of_a_link_are_in_the_tray_of_its_model(explore):
    page = explore(FIRST, pins="1,0,0,0;0,1,0,0;0,0,1,0")
    expect(pins(page)).to_have_count(3)
    expect(scrubber(page)).to_have_attribute("max", "120")
    settled(page)
    page.get_by_role("link", name="Train").click()
    expect(page.get_by_test_id("decoded")).to_have_count(0)
    page.get_by_role("link", name="Explore").click()
    expect(pins(page)).to_have_count(3)
    page.get_by_role("combobox", name="Model").click()
    page.get_by_role("option", name="wide").click()
    expect(page.get_by_text("Press Pin to keep a picture here.")).to_be_visible()


def test_a_model_without_encoded_images_has_paths_too(explore):
    page = explore(FIRST, model="wide")
    page.get_by_role("button", name="Pin", exact=True).click()
    commit_z(page, SECOND)
    page.get_by_role("button", name="Pin", exact=True).click()
    expect(scrubber(page)).to_be_visible()
    expect(scrubber(page)).to_have_attribute("aria-valuetext", "step 1 of 61, linear")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_of_the_page_fits_a_small_screen_and_the_tray_a_phone(explore, page, scheme):
    page.emulate_media(color_scheme=scheme)
    explore(FIRST)
    pin_two(page)
    main = "document.querySelector('[data-testid=stMain]')"
    assert page.evaluate(f"{main}.scrollHeight - {main}.clientHeight") <= 0
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for name in ("play the path", "Compare", "Export", "Samples"):
        box = page.get_by_role("button", name=name, exact=name == "Compare").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390
