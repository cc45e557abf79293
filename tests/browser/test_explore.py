"""Explore in a real browser against a real server: dragging, keys, reset, losing the server, the address, small screens."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect
from read_screen import BY_SERVER, PIXELS, address_z, again_until, differs, live, settled, slider, typed, value, wait_for_address

# As behind a proxy that lets no socket of ours through.
NO_SOCKET = """
  const Real = WebSocket;
  window.WebSocket = class extends Real {
    constructor(url, ...more) { super(String(url).replace('/live', '/nowhere'), ...more); }
  };
"""


@pytest.fixture
def explore(server, make_model, page):
    """The page at the origin (or at another query), live, on a server with two models; explore.server is its process."""
    make_model(server.folder / "checkpoints" / "tiny.safetensors", latent_dim=4, inactive=1)
    make_model(server.folder / "checkpoints" / "wide.safetensors", data="shapes", latent_dim=2, inactive=0)
    running = server()

    def open_page(query: str = "?model=tiny&z=0,0,0,0", **viewport) -> Page:
        if viewport:
            page.set_viewport_size(viewport)
        page.goto(f"{running.url}/{query}")
        live(page)
        return page

    open_page.server = running
    return open_page


@pytest.mark.firefox
def test_the_picture_changes_while_the_pointer_is_still_down(explore):
    page = explore()
    box = slider(page, 2).bounding_box()
    seen = [page.evaluate(PIXELS)]
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, y)
    page.mouse.down()
    for step in range(1, 6):
        page.mouse.move(box["x"] + box["width"] * (0.5 + 0.08 * step), y)
        seen.append(differs(page, PIXELS, *seen))  # a new picture at every step, before the button was let go
    during = page.url
    page.mouse.up()
    wait_for_address(page, [0, 0, value(page, 2), 0])
    assert "z=0,0,0,0" in during  # committed on release, not before
    assert page.evaluate("performance.getEntriesByName('drag-to-paint').length") >= 5


@pytest.mark.firefox
def test_every_painted_reply_is_measured_from_its_input_event(explore):
    page = explore()
    entry = page.evaluate("""async () => {
      performance.clearMeasures('drag-to-paint');
      const input = document.querySelector('input[aria-label="z0"]');
      input.value = '1';
      const event = new Event('input', {bubbles: true});
      input.dispatchEvent(event);
      while (performance.getEntriesByName('drag-to-paint').length === 0) await new Promise((r) => setTimeout(r, 5));
      const [measure] = performance.getEntriesByName('drag-to-paint');
      return {start: measure.startTime, event: event.timeStamp, duration: measure.duration};
    }""")
    assert entry["start"] == pytest.approx(entry["event"], abs=0.2)
    assert 0 < entry["duration"] < 2000


@pytest.mark.firefox
def test_keys_step_finely_and_coarsely(explore):
    page = explore()
    slider(page, 1).focus()
    page.keyboard.press("ArrowRight")
    fine = value(page, 1)
    page.keyboard.press("Shift+ArrowRight")
    coarse = value(page, 1) - fine
    assert fine == pytest.approx(0.052, abs=1e-6)  # a hundredth of the range
    assert coarse == pytest.approx(0.515, abs=1e-6)
    wait_for_address(page, [0, value(page, 1), 0, 0])


def test_a_double_click_resets_one_slider_and_reset_resets_all(explore):
    page = explore("?model=tiny&z=1,-1,0.5,0")
    slider(page, 1).dblclick(position={"x": 20, "y": 10})
    assert value(page, 1) == 0
    wait_for_address(page, [1, 0, 0.5, 0])
    page.get_by_role("button", name="Reset").click()
    wait_for_address(page, [0, 0, 0, 0])
    assert [value(page, d) for d in range(4)] == [0, 0, 0, 0]


@pytest.mark.firefox
def test_a_typed_value_outside_the_range_widens_the_slider(explore):
    page = explore()
    number = page.get_by_label("value of z0")
    typed(number, "7,5")
    assert value(page, 0) == 7.5
    assert float(slider(page, 0).get_attribute("max")) == 7.5
    wait_for_address(page, [7.5, 0, 0, 0])
    typed(number, "a lot")
    expect(number).to_have_value("7.50")


@pytest.mark.firefox
def test_dragging_twice_keeps_both_sliders(explore):
    page = explore()
    for dimension in (2, 0):
        slider(page, dimension).click(position={"x": 30, "y": 10})
        settled(page)
    assert value(page, 2) < -1
    assert value(page, 0) < -1
    wait_for_address(page, [value(page, 0), 0, value(page, 2), 0])


def test_random_draws_a_point_and_commits_it(explore):
    page = explore()
    page.get_by_role("button", name="Random").click()
    page.wait_for_function("!location.search.includes('z=0,0,0,0')")
    assert address_z(page) == pytest.approx([value(page, d) for d in range(4)])


@pytest.mark.firefox
def test_a_test_images_code_comes_with_its_band_to_scale(explore):
    page = explore()
    page.get_by_role("button", name="Test image").click()
    expect(page.get_by_text(re.compile(r"blue band: how sure the encoder is about test image \d+ \(an? \d\)"))).to_be_visible()
    shape = page.evaluate("""() => {
      const track = document.querySelector('[data-dimension="2"] .lw-track');
      const box = track.getBoundingClientRect(), band = track.querySelector('.lw-band').getBoundingClientRect();
      const input = track.querySelector('input');
      const unit = (box.width - 4) / (input.max - input.min);
      const middle = (band.left + band.width / 2 - box.left - 2) / unit + Number(input.min);
      return {width: band.width / unit, middle, z: Number(input.value)};
    }""")
    assert shape["width"] == pytest.approx(0.6, abs=0.03)  # two sigma of 0.3
    assert shape["middle"] == pytest.approx(shape["z"], abs=0.02)
    page.get_by_role("button", name="remove").click()
    expect(page.get_by_text("blue band")).to_be_hidden()


@pytest.mark.firefox
def test_animate_moves_the_chosen_dimension_until_stopped(explore):
    page = explore()
    slider(page, 1).focus()
    page.get_by_role("button", name="Animate z1").click()
    page.wait_for_function("Math.abs(document.querySelector('input[aria-label=\"z1\"]').value) > 0.5")
    page.get_by_role("button", name="Stop z1").click()
    stopped = value(page, 1)
    wait_for_address(page, [0, stopped, 0, 0])
    assert [value(page, 0), value(page, 2)] == [0, 0]


def test_the_readout_says_rate_latency_and_device(explore):
    page = explore("?model=tiny&z=0,0,0,0&decode=server")
    slider(page, 1).focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    expect(page.get_by_test_id("readout")).to_have_text(re.compile(r"\d+ pictures?/s · p50 [\d.]+ · p95 [\d.]+ ms"))
    expect(page.get_by_test_id("live-status")).to_have_text(re.compile(r"on \w+( · [\d.]+ ms)?"))


def test_the_address_opens_a_point_and_choosing_a_model_rewrites_it(explore):
    page = explore("?model=wide&z=0.25,-1.5")
    assert [value(page, d) for d in range(2)] == [0.25, -1.5]
    page.get_by_role("combobox", name="Model").click()
    page.get_by_role("option", name="tiny").click()
    expect(slider(page, 3)).to_be_attached()
    page.wait_for_function("/^\\?model=tiny&z=(-?[\\d.]+,){3}-?[\\d.]+$/.test(location.search)")


def test_a_bad_address_gets_a_sentence(explore):
    page = explore("?model=tiny&z=1,2,nan,4")
    expect(page.get_by_text("The point in the address cannot be used.")).to_be_visible()


def test_inactive_dimensions_are_folded_away_and_still_work(explore):
    page = explore()
    expect(slider(page, 3)).to_be_hidden()
    page.get_by_text("1 inactive dimension (z3)").click()
    slider(page, 3).focus()
    page.keyboard.press("ArrowRight")
    assert value(page, 3) > 0


@pytest.mark.firefox
def test_the_explorer_survives_a_killed_and_restarted_server(explore):
    page = explore("?model=tiny&z=0,0,0,0&decode=server")
    slider(page, 2).click(position={"x": 30, "y": 10})
    wait_for_address(page, [0, 0, value(page, 2), 0])
    explore.server.kill()
    expect(page.get_by_test_id("live-status")).to_have_attribute("data-state", "offline")
    slider(page, 0).click(position={"x": 40, "y": 10})  # nobody answers, and nothing is lost
    z = [value(page, 0), 0, value(page, 2), 0]
    wait_for_address(page, z)
    before = page.evaluate(PIXELS)
    explore.server.start()
    expect(page.get_by_test_id("live-status")).to_have_attribute("data-state", "live", timeout=60_000)
    differs(page, PIXELS, before)
    settled(page)
    assert [value(page, d) for d in range(4)] == z
    assert address_z(page) == z


def test_a_model_deleted_while_open_is_named_and_another_one_opens(explore):
    page = explore("?model=tiny&z=0,0,0,0")
    (explore.server.folder / "checkpoints" / "tiny.safetensors").unlink()
    gone = page.get_by_text("The model 'tiny' is no longer there")
    again_until(gone.is_visible, lambda: page.keyboard.press("r"))
    live(page)
    page.wait_for_function("location.search.startsWith('?model=wide&z=')")


@pytest.mark.parametrize(("latent_dim", "sliders"), [(4, 4), (6, 6)])
def test_a_model_replaced_while_open_is_shown_anew(explore, make_model, latent_dim, sliders):
    page = explore("?model=tiny&z=0,0,0,0")
    make_model(explore.server.folder / "checkpoints" / "tiny.safetensors", latent_dim=latent_dim, seed=7, inactive=0)
    before = page.evaluate(PIXELS)
    again_until(lambda: page.get_by_text("inactive").count() == 0, lambda: page.keyboard.press("r"))
    expect(page.locator('input[type="range"][aria-label^="z"]')).to_have_count(sliders)
    live(page)
    differs(page, PIXELS, before)


def test_without_the_socket_a_release_still_brings_its_picture(explore):
    page = explore.server and explore("?model=tiny&z=0,0,0,0&decode=server")
    page.add_init_script(NO_SOCKET)
    page.reload()
    expect(page.get_by_test_id("live-status")).to_have_attribute("data-state", "offline")
    expect(page.get_by_test_id("decoded")).not_to_have_attribute("data-seq", "0")  # the first picture came with the page
    before = page.evaluate(PIXELS)
    slider(page, 2).click(position={"x": 30, "y": 10})
    differs(page, PIXELS, before)


def test_a_finger_drags_a_slider(explore, browser):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    context.add_init_script(BY_SERVER)
    page = context.new_page()
    page.goto(f"{explore.server.url}/?model=tiny&z=0,0,0,0")
    live(page)
    slider(page, 2).scroll_into_view_if_needed()
    box = slider(page, 2).bounding_box()
    before = page.evaluate(PIXELS)
    touch = context.new_cdp_session(page)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, 8):
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x + 8 * step, "y": y}]})
    differs(page, PIXELS, before)
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_function("!location.search.includes('z=0,0,0,0')")
    assert value(page, 2) > 0.5
    context.close()


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 720), (1920, 1080)])
def test_the_page_fits_its_screen(explore, width, height):
    page = explore(width=width, height=height)
    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0
    canvas = page.get_by_test_id("decoded").bounding_box()
    assert canvas["y"] + canvas["height"] <= height
    assert canvas["width"] == pytest.approx(canvas["height"], abs=1)
    if width > 1000:  # everything at once, without scrolling
        main = page.get_by_test_id("stMain")
        assert main.evaluate("e => e.scrollHeight - e.clientHeight") <= 0
        assert page.get_by_role("button", name="▶ Animate").bounding_box()["y"] < height


def test_the_component_follows_the_theme(explore):
    page = explore()
    light = page.locator(".lw-card").first.evaluate("e => getComputedStyle(e).backgroundColor")
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("c => getComputedStyle(document.querySelector('.lw-card')).backgroundColor !== c", arg=light)
    dark = page.locator(".lw-card").first.evaluate("e => getComputedStyle(e).backgroundColor")
    assert (light, dark) == ("rgb(255, 255, 255)", "rgb(23, 27, 36)")


@pytest.mark.firefox
def test_another_page_and_back_keeps_the_point(explore):
    page = explore("?model=tiny&z=1,0.5,-1,0")
    page.get_by_test_id("stTopNavLink").filter(has_text="Encode").click()
    expect(page.get_by_test_id("decoded")).to_have_count(0)
    page.get_by_test_id("stTopNavLink").filter(has_text="Explore").click()
    live(page)
    assert [value(page, d) for d in range(4)] == [1, 0.5, -1, 0]
    assert address_z(page) == [1, 0.5, -1, 0]
