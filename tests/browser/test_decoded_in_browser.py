"""The browser decodes where that is quicker than the socket; with the socket cut its pictures keep coming."""

from __future__ import annotations

from typing import Any

import numpy as np
from playwright.sync_api import Page, expect
from read_screen import PIXELS, address_z, differs, live, slider, still, wait_for_address

from vae_core.latent.latent_model import open_model

EXPORT = 180_000  # ms: the ONNX file is made by a process that stands back for everybody
SHOWN = """() => {
  const canvas = document.querySelector('[data-testid="decoded"]');
  const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return Array.from({length: data.length / 4}, (_, i) => data[4 * i]);
}"""


class Wire:
    """What a page sends over its live sockets."""

    def __init__(self, page: Page) -> None:
        self.sent = 0
        page.on("websocket", lambda socket: socket.on("framesent", self._count) if "/live" in socket.url else None)

    def _count(self, frame: object) -> None:
        self.sent += 1

    def quiet(self, page: Page) -> int:
        """Frames so far, once nothing has been sent for a second."""
        before = -1
        while before != self.sent:
            before = self.sent
            page.wait_for_timeout(1000)
        return before


def decoder(page: Page) -> Any:
    return page.get_by_test_id("live-status")


def taken_over(page: Page) -> None:
    expect(decoder(page)).to_have_attribute("data-decoder", "browser", timeout=EXPORT)


def drag(page: Page, dimension: int, steps: int = 20) -> None:
    """With the button still down at the end."""
    box = slider(page, dimension).bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.3 * box["width"], y)
    page.mouse.down()
    for step in range(1, steps + 1):
        page.mouse.move(box["x"] + (0.3 + 0.5 * step / steps) * box["width"], y)


def test_the_browser_takes_over_and_its_pictures_keep_coming_when_the_server_is_killed(server, make_model, page):
    model = make_model(server.folder / "checkpoints" / "tiny.safetensors", latent_dim=4, inactive=1)
    running, wire = server(), Wire(page)
    page.goto(f"{running.url}/?model=tiny&z=0,0,0,0&decode=browser")
    live(page)
    taken_over(page)
    expect(decoder(page)).to_contain_text("in this browser")
    page.wait_for_function("() => performance.getEntriesByName('film-refresh').length > 0")
    before, sent = still(page, PIXELS), wire.quiet(page)
    assert sent > 0, "the first pictures come from the server"
    drag(page, 1)
    dragged = differs(page, PIXELS, before)
    assert wire.sent == sent, "nothing is asked of the server while the pointer drags"
    page.mouse.up()
    wait_for_address(page, [0, float(slider(page, 1).input_value()), 0, 0])

    running.kill()
    expect(decoder(page)).to_contain_text("the server is away")
    expect(decoder(page)).to_have_attribute("data-state", "offline")
    before = still(page, PIXELS)
    drag(page, 2, 10)
    later = differs(page, PIXELS, before, dragged)
    slider_x = slider(page, 2).bounding_box()
    assert slider_x is not None
    page.mouse.move(slider_x["x"] + 5, slider_x["y"] + 5)
    differs(page, PIXELS, before, dragged, later)
    page.mouse.up()

    wait_for_address(page, [0, float(slider(page, 1).input_value()), float(slider(page, 2).input_value()), 0])
    still(page, PIXELS)
    exact = open_model(model, device="cpu").decode(np.array([address_z(page)], "f4"))
    assert np.abs(np.array(page.evaluate(SHOWN)) - exact.reshape(-1).astype(int)).max() <= 1


def test_the_server_decodes_where_the_address_says_so_and_a_person_can_choose(steady, page):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/onnx" in request.url else None)
    page.goto(f"{steady.url}/?model=tiny&z=0,0,0,0&decode=server")
    live(page)
    page.wait_for_function("() => performance.getEntriesByName('film-refresh').length > 0")
    before = still(page, PIXELS)
    drag(page, 1)
    differs(page, PIXELS, before)
    page.mouse.up()
    assert asked == []
    expect(decoder(page)).to_have_attribute("data-decoder", "server")

    decoder(page).click()
    page.get_by_role("radio", name="in this browser").check()
    taken_over(page)
    assert asked != []
    page.reload()
    expect(decoder(page)).to_have_attribute("data-decoder", "browser", timeout=EXPORT)
    decoder(page).click()
    expect(page.get_by_role("radio", name="in this browser")).to_be_checked()
    page.get_by_role("radio", name="on the server").check()
    expect(decoder(page)).to_have_attribute("data-decoder", "server")
    expect(decoder(page)).to_contain_text("on ")
