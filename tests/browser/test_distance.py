"""A drag with the server far away, behind the benchmark's delaying proxy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page
from read_screen import live

from benchmarks.distant_proxy import Link, distant
from benchmarks.drag_latency import Drag, drag
from tests.browser.conftest import Server

SLIDER = 'input[type="range"][aria-label="z0"]'
WATCH = """() => {
  const Plain = WebSocket;
  window.seen = { inFlight: 0, most: 0, files: 0, frame: null };
  let newest = 0;
  window.WebSocket = class extends Plain {
    constructor(...all) {
      super(...all);
      this.addEventListener('message', ({ data }) => {
        if (!(data instanceof ArrayBuffer)) return;
        const view = new DataView(data);
        if (![10, 11].includes(view.getUint8(0))) return;
        seen.inFlight = newest - view.getUint32(4, true);
        seen.files += view.getUint8(0) === 11;
        seen.frame = data;
      });
    }
    send(frame) {
      if (frame instanceof ArrayBuffer && [10, 11].includes(new DataView(frame).getUint8(0))) {
        newest = new DataView(frame).getUint32(4, true);
        seen.most = Math.max(seen.most, ++seen.inFlight);
      }
      super.send(frame);
    }
  };
}"""
EXACT = """() => {
  const canvas = document.querySelector('[data-testid=decoded]');
  const shown = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  const sent = new Uint8Array(seen.frame, 12);
  return new Uint8Array(seen.frame)[0] === 10 && sent.every((value, i) => shown[4 * Math.floor(i / 3) + (i % 3)] === value);
}"""


pytestmark = pytest.mark.alone


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory, make_model: Callable[..., Path]) -> Iterator[Link]:
    """A link to a server with a small grey model and one of 64x64 colour."""
    folder = tmp_path_factory.mktemp("far")
    (folder / "checkpoints").mkdir()
    (folder / "runs").mkdir()
    make_model(folder / "checkpoints" / "tiny.safetensors", latent_dim=4)
    make_model(folder / "checkpoints" / "colours.safetensors", data="shapes", latent_dim=4)
    running = Server(folder).start()
    with distant(running.port) as link:
        yield link
    running.kill()


def opened(page: Page, link: Link, model: str, **how: float) -> None:
    """The model's page, loaded over a good link that then becomes another one."""
    link.be()
    page.add_init_script(f"({WATCH})()")
    page.goto(f"http://127.0.0.1:{link.port}/?model={model}&z=0,0,0,0&decode=server")
    live(page)
    link.rest()
    link.be(**how)


def best_drag(page: Page, attempts: int = 4) -> Drag:
    """The best of a few: what a busy machine costs is not asked here."""
    drags = []
    for _ in range(attempts):
        drags.append(drag(page, SLIDER, 2))
        if drags[-1].pictures > 0.9 * drags[-1].events:
            break
    return max(drags, key=lambda one: one.pictures / one.events)


def test_behind_100_ms_fifty_of_sixty_events_a_second_get_their_picture_from_the_server(far, page):
    opened(page, far, "tiny", round_trip=100)
    found = best_drag(page)
    assert min(found.latencies) >= 100, "the server is far away"
    assert page.evaluate("() => seen.most") >= 3
    assert found.pictures >= 50 / 60 * found.events, "with one request in flight it is a sixth"


def test_over_a_narrow_link_the_picture_after_the_release_is_exact_to_the_byte(far, page):
    opened(page, far, "colours", round_trip=40, mbit=1)
    for _ in range(4):
        drag(page, SLIDER, 2)
        if page.evaluate("() => seen.files") > 0:
            break
    assert page.evaluate("() => seen.files") > 0, "while it moved it was compressed"
    page.wait_for_function(EXACT)
