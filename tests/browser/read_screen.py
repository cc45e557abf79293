"""What the browser tests read from the screen and wait for: pixels, sliders, the address."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence

from playwright.sync_api import Locator, Page, expect


def hash_of(selector: str) -> str:
    """JavaScript: a number that differs when any pixel of the canvas does."""
    return f"""() => {{
      const canvas = document.querySelector('{selector}');
      const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
      let hash = 2166136261;
      for (let i = 0; i < data.length; i += 1) hash = Math.imul(hash ^ data[i], 16777619);
      return hash >>> 0;
    }}"""


BY_SERVER = "try { sessionStorage['latent-walk.decode'] ??= 'server'; } catch { /* a frame without storage */ }"
PIXELS = hash_of('[data-testid="decoded"]')
COMPARED = hash_of('[data-testid="compared"]')
DIFFERENCE = hash_of('[data-testid="difference"]')
MAP = hash_of('[data-testid="map"]')
OVERLAY = hash_of('[data-testid="map-overlay"]')


def differs(page: Page, script: str, *before: int) -> int:
    """The pixels' new number, once they are none of those before."""
    return page.wait_for_function(
        f"before => {{ const now = ({script})(); return before.includes(now) ? false : [now]; }}", arg=before
    ).json_value()[0]


def still(page: Page, script: str) -> int:
    """The pixels' number, once it has stayed the same for a while."""
    last, count = page.evaluate(script), 0
    while count < 3:
        page.wait_for_timeout(100)
        now = page.evaluate(script)
        last, count = now, count + 1 if now == last else 0
    return last


def same(page: Page, script: str, wanted: int) -> None:
    """Until the pixels are those again."""
    page.wait_for_function(f"wanted => ({script})() === wanted", arg=wanted)


def live(page: Page) -> None:
    expect(page.get_by_test_id("live-status")).to_have_attribute("data-state", "live", timeout=30_000)
    expect(page.get_by_test_id("decoded")).not_to_have_attribute("data-seq", "0")


def slider(page: Page, dimension: int) -> Locator:
    return page.locator(f'input[type="range"][aria-label="z{dimension}"]')


def value(page: Page, dimension: int) -> float:
    return float(slider(page, dimension).input_value())


def again_until(holds: Callable[[], bool], act: Callable[[], object], seconds: float = 30.0) -> None:
    """Acts until it holds: what the server notices by itself, such as a replaced file, shows in the answer to some later act."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it does not hold, however often it is tried"
        act()
        time.sleep(0.05)


def settled(page: Page) -> None:
    """Until the session knows everything committed. (After quick reruns Streamlit itself may say "requested" for ever.)"""
    expect(page.locator(".lw-explorer")).to_have_attribute("data-kept", "true")


def typed(box: Locator, text: str) -> None:
    """The text in place of what was there, key by key: Firefox calls a field changed only when keys have changed it."""
    box.click()
    box.press("ControlOrMeta+a")
    box.press_sequentially(text)
    box.press("Enter")


def address_z(page: Page) -> list[float]:
    return [float(part) for part in re.search(r"[?&]z=([^&]*)", page.url)[1].split(",")]


def wait_for_address(page: Page, z: Sequence[float]) -> None:
    page.wait_for_function("z => location.search.includes('z=' + z)", arg=",".join(f"{v:g}" for v in z))


def background(page: Page, count: int = 1) -> None:
    """Until the map has drawn its background so many times."""
    page.wait_for_function("n => performance.getEntriesByName('map-background').length >= n", arg=count)


def box(page: Page) -> dict[str, float]:
    """Where the map is on the page."""
    found = page.get_by_test_id("map").bounding_box()
    assert found is not None
    return found


def at(page: Page, x: float, y: float) -> tuple[float, float]:
    """A place on the map as shares of its size, in pixels of the page."""
    area = box(page)
    return area["x"] + x * area["width"], area["y"] + y * area["height"]
