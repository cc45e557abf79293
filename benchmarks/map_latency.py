"""The map in a real Chromium: dragging on it, moving it, how soon it is there, how soon strips and grid are fresh.

    python -m benchmarks.map_latency [--seconds 4]

A 64x64 RGB conv decoder with 10 latents and 10,000 encoded images. Dragging with grid and points, and looking around without a
button, are measured against dragging on the empty map in the same run; finding the point under the pointer through the grid of
cells against looking at all points. Times are the page's own marks: `drag-to-paint` from the input event to the painted picture,
`film-refresh` from a release to the fresh strips behind all sliders on the screen, `map-background` from asking for a grid of
20x20 pictures to having drawn it, `map-open` from opening the model to the first map with all points.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright

from benchmarks import report
from benchmarks.benchmark_models import save_untrained
from benchmarks.drag_latency import MODEL, RATE
from benchmarks.live_load import free_port, serving, streamlit_command

POINTS = 10_000
LATENT_DIM = 10
MARKS = "(name) => performance.getEntriesByName(name).map((mark) => mark.duration)"
GRID = Path(__file__).parents[1] / "ui" / "components" / "explorer" / "map" / "nearest_point.js"
SEARCH = """async ([source, count, looks]) => {
  const { Grid } = await import('data:text/javascript,' + encodeURIComponent(source));
  const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
  const at = Float32Array.from({ length: 2 * count }, normal);
  const places = Array.from({ length: looks }, () => [normal(), normal()]);
  const every = ([a, b], reach) => {
    let [best, found] = [reach * reach, null];
    for (let i = 0; i < count; i += 1) {
      const square = (at[2 * i] - a) ** 2 + (at[2 * i + 1] - b) ** 2;
      if (square < best) [best, found] = [square, i];
    }
    return found;
  };
  const time = (what) => { const start = performance.now(); what(); return performance.now() - start; };
  let grid;
  const build = time(() => (grid = new Grid(at, Uint32Array.from({ length: count }, (_, i) => i))));
  const reach = 0.1; // seven pixels of a map that shows all
  const take = (find) => (1000 * time(() => places.forEach(find))) / looks;
  return [build, take((place) => grid.nearest(place, reach, () => true)), take((place) => every(place, reach))];
}"""
FRAMES = "() => Number(document.querySelector('[data-testid=map]').dataset.frames)"


def sweep(page: Page, seconds: float, button: str | None) -> tuple[int, float]:
    """Moves the pointer in figures of eight over the map, with a button down or none: (events, seconds)."""
    box = page.get_by_test_id("map").bounding_box()
    assert box is not None
    centre = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*centre)
    if button:
        page.mouse.down(button=button)  # type: ignore[arg-type]
    page.evaluate("() => performance.clearMeasures('drag-to-paint')")
    begin, events = time.perf_counter(), int(seconds * RATE)
    for k in range(1, events + 1):
        wait = begin + k / RATE - time.perf_counter()
        if wait > 0:
            time.sleep(wait)
        turn = 2 * math.pi * k / RATE / 2
        page.mouse.move(centre[0] + 0.4 * box["width"] * math.sin(turn), centre[1] + 0.4 * box["height"] * math.sin(2 * turn))
    took = time.perf_counter() - begin
    page.wait_for_timeout(50)
    return events, took


def drag_row(page: Page, name: str, seconds: float, button: str | None = "left") -> list[str]:
    """Latency of one movement over the map as it is shown now."""
    events, took = sweep(page, seconds, button)
    latencies = page.evaluate(MARKS, "drag-to-paint")
    if button:
        page.mouse.up()
    page.wait_for_timeout(1500)
    p50, p95 = np.quantile(latencies, [0.5, 0.95])
    return [name, f"{events / took:.0f}", f"{len(latencies) / took:.0f}", f"{p50:.1f}", f"{p95:.1f}"]


def pan_row(page: Page, name: str, seconds: float) -> list[str]:
    """Frames a second while the map is moved with the right button."""
    before = page.evaluate(FRAMES)
    events, took = sweep(page, seconds, "right")
    drawn = page.evaluate(FRAMES) - before
    page.mouse.up(button="right")
    page.wait_for_timeout(1500)
    return [name, f"{events / took:.0f}", f"{drawn / took:.0f}"]


def mark_row(page: Page, name: str, mark: str) -> list[str]:
    """Median and worst of one of the page's marks, in ms."""
    times = page.evaluate(MARKS, mark)
    return [name, str(len(times)), f"{np.median(times):.0f}" if times else "-", f"{max(times):.0f}" if times else "-"]


def search_row(page: Page, count: int) -> list[str]:
    """How long it takes to know which point the pointer is on."""
    build, grid, every = page.evaluate(SEARCH, [GRID.read_text(), count, 500])
    return [f"{count:,}", f"{build:.1f}", f"{grid:.1f}", f"{every:.1f}"]


def measure(page: Page, seconds: float) -> str:
    """All tables."""
    page.get_by_label("background of the map").select_option("none")
    page.get_by_label("points").uncheck()
    drags = [drag_row(page, "empty map", seconds)]
    page.get_by_label("points").check()
    page.get_by_label("background of the map").select_option("manifold")
    page.wait_for_timeout(2000)
    drags.append(drag_row(page, "20x20 grid and the sample of 600 points", seconds))
    page.get_by_role("button", name=f"show all {POINTS:,}").click()
    drags.append(drag_row(page, "20x20 grid and 10,000 points", seconds))
    drags.append(drag_row(page, "the same without a button: looking around", seconds, None))
    pans = [pan_row(page, "moving the map, 10,000 points and grid", seconds)]
    for _ in range(6):  # releases, each of which asks for fresh strips and a fresh grid
        page.get_by_role("button", name="Random").click()
        page.wait_for_timeout(1500)
    marks = [
        mark_row(page, "opening: 10,000 points", "map-open"),
        mark_row(page, "20x20 grid", "map-background"),
        mark_row(page, f"strips of {page.locator('.lw-rail > .lw-dim').count()} sliders x 7 pictures", "film-refresh"),
    ]
    searches = [search_row(page, count) for count in (POINTS, 10 * POINTS)]
    return "\n".join(
        [
            report.table(["moving over", "input events/s", "pictures/s", "p50 ms", "p95 ms"], drags),
            report.table(["", "input events/s", "frames/s"], pans),
            report.table(["points", "building the grid ms", "one search in it us", "one search through all us"], searches),
            report.table(["until it is there", "times", "median ms", "worst ms"], marks),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=4)
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, sync_playwright() as playwright:
        folder, port = Path(name), free_port()
        save_untrained(folder / f"{MODEL}.safetensors", latent_dim=LATENT_DIM, points=POINTS)
        installed = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=installed, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        with serving(streamlit_command("app.py", port), port, folder, "/_stcore/health"):
            page.goto(f"http://127.0.0.1:{port}/?decode=server")
            page.locator('[data-state="live"]').wait_for(timeout=60_000)
            page.wait_for_function("() => performance.getEntriesByName('map-background').length > 0", timeout=60_000)
            page.wait_for_timeout(2000)
            tables = measure(page, seconds)
        intro = f"64x64 RGB conv decoder, {LATENT_DIM} latents, {POINTS:,} points; Chromium {browser.version}, 1280x720.\n"
    report.write("map_latency", "python -m benchmarks.map_latency", [intro, tables])
    print(tables)


if __name__ == "__main__":
    main()
