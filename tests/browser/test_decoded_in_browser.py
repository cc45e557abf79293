"""The browser decodes where that is quicker than the socket; with the socket cut its pictures keep coming."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, WebSocketRoute, expect
from read_screen import PIXELS, address_z, differs, live, slider, still, wait_for_address

from vae_core.latent.latent_model import open_model

EXPORT = 180_000  # ms: the ONNX file is made by a process that stands back for everybody
SHOWN = """() => {
  const canvas = document.querySelector('[data-testid="decoded"]');
  const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return Array.from({length: data.length / 4}, (_, i) => data[4 * i]);
}"""


class Wire:
    """All live sockets of a page, which can be cut."""

    def __init__(self, page: Page) -> None:
        self.cut = False
        self._sockets: list[WebSocketRoute] = []
        page.route_web_socket("**/live*", self._connect)

    def _connect(self, socket: WebSocketRoute) -> None:
        if self.cut:
            socket.close()
            return
        socket.connect_to_server()
        self._sockets.append(socket)

    def close(self) -> None:
        self.cut = True
        for socket in self._sockets:
            socket.close()


@pytest.fixture
def wire(page: Page) -> Iterator[Wire]:
    yield Wire(page)


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


def test_the_browser_takes_over_and_its_pictures_keep_coming_with_the_socket_cut(steady, page, wire):
    page.goto(f"{steady.url}/?model=tiny&z=0,0,0,0&decode=browser")
    live(page)
    taken_over(page)
    expect(decoder(page)).to_contain_text("in this browser")
    page.wait_for_function("() => performance.getEntriesByName('film-refresh').length > 0")
    before = still(page, PIXELS)
    drag(page, 1)
    dragged = differs(page, PIXELS, before)
    page.mouse.up()
    wait_for_address(page, [0, float(slider(page, 1).input_value()), 0, 0])

    wire.close()
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
    exact = open_model(steady.folder / "checkpoints" / "tiny.safetensors", device="cpu").decode(np.array([address_z(page)], "f4"))
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
