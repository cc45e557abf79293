"""One person drags one slider for some seconds in a real Chromium: pictures a second, and input-to-picture latency.

    python -m benchmarks.drag_latency [--seconds 4] [--training]

The app, against two other ways to write it with Streamlit, in the same run: `st.slider` + `st.image`, and a component that reruns
a fragment on every input event (both in benchmarks/baselines). 16 sliders, 64x64 RGB conv decoder. Latency is from the input
event's timeStamp to the picture being in the canvas (`performance.measure("drag-to-paint")`). With --training a training run goes
on all the while, started as the Train page starts it.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright

from benchmarks import report
from benchmarks.benchmark_models import save_untrained
from benchmarks.live_load import free_port, serving, streamlit_command

MODEL, LATENT_DIM = "bench-conv-64", 16
RATE = 60  # pointer moves a second
RANGE, THUMB = 'input[type="range"][aria-label="z15"]', 'div:has(> [data-testid="stSliderThumbValue"])'
WATCH = """() => {
  if (!window.bench) {
    document.addEventListener('input', () => { bench.inputs += 1; }, true);
    document.addEventListener('pointermove', (event) => { bench.moves += event.buttons ? 1 : 0; }, true);
    const pictures = new MutationObserver(() => { bench.changes += 1; });
    pictures.observe(document.body, {subtree: true, attributes: true, attributeFilter: ['src']});
  }
  window.bench = {inputs: 0, changes: 0, moves: 0};
  performance.clearMeasures('drag-to-paint');
}"""
SEEN = "() => ({...bench, latencies: performance.getEntriesByName('drag-to-paint').map((measure) => measure.duration)})"
KINDS = {
    "app": "this app: component + socket",
    "fragment_component": "component + fragment rerun",
    "slider_image": "st.slider + st.image",
}


@dataclass
class Drag:
    """What one drag gave."""

    events: int  # input events (pointer moves where the slider sends none)
    pictures: int  # painted while dragging
    latencies: list[float]  # ms
    seconds: float

    def row(self, name: str) -> list[str]:
        p50, p95 = (f"{q:.1f}" for q in np.quantile(self.latencies, [0.5, 0.95])) if self.latencies else ("-", "-")
        return [name, f"{self.events / self.seconds:.1f}", f"{self.pictures / self.seconds:.1f}", p50, p95]


def drag(page: Page, target: str, seconds: float) -> Drag:
    """Moves the pointer over the slider to and fro, RATE times a second, with the button down."""
    handle = page.locator(target).last
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    assert box is not None
    wide = box["width"] > 50
    middle, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    reach = 0.45 * box["width"] if wide else 100.0
    page.mouse.move(middle, y)
    page.mouse.down()
    page.evaluate(WATCH)
    begin = time.perf_counter()
    for k in range(1, int(seconds * RATE) + 1):
        wait = begin + k / RATE - time.perf_counter()
        if wait > 0:
            time.sleep(wait)
        page.mouse.move(middle + reach * math.sin(2 * math.pi * k / RATE / 2), y)
    took = time.perf_counter() - begin
    page.wait_for_timeout(50)
    seen = page.evaluate(SEEN)
    page.mouse.up()
    pictures = len(seen["latencies"]) or seen["changes"]
    return Drag(seen["inputs"] or seen["moves"], pictures, seen["latencies"], took)


@contextmanager
def training(folder: Path) -> Iterator[None]:
    """A training run in the background for as long as the block runs."""
    os.environ["VAE_RUNS"] = str(folder / "runs")
    from vae_core import runs
    from vae_core.config.schema import train_config

    config = train_config(data={"name": "shapes"}, model={"architecture": "conv", "latent_dim": 10}, epochs=500)
    run_id = runs.start(config, "bench")
    try:
        for _ in range(600):
            if (folder / "runs" / run_id / "metrics.jsonl").exists():
                break
            time.sleep(0.2)
        time.sleep(5)
        yield
    finally:
        runs.stop(run_id)
        time.sleep(8)


def measure(page: Page, kind: str, folder: Path, seconds: float) -> Drag:
    """One drag with the app ("app") or a baseline script, on a server of its own."""
    port = free_port()
    os.environ["BENCH_MODEL"] = str(folder / f"{MODEL}.safetensors")
    script = "app.py" if kind == "app" else f"benchmarks/baselines/{kind}.py"
    with serving(streamlit_command(script, port), port, folder, "/_stcore/health"):
        page.goto(f"http://127.0.0.1:{port}/")
        target = THUMB if kind == "slider_image" else RANGE
        page.locator(target).last.wait_for(timeout=60_000)
        if kind == "app":
            page.locator('[data-state="live"]').wait_for(timeout=60_000)
        page.wait_for_timeout(3000)
        drag(page, target, 1)  # warm
        result = drag(page, target, seconds)
    print(kind, result.row(""), flush=True)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--training", action="store_true", help="measure beside a training run as well")
    parser.add_argument("--only-app", action="store_true", help="print only; no baselines, no report")
    parser.add_argument("--note", default="", help="a sentence for the report, about the machine's other work for example")
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, sync_playwright() as playwright:
        folder = Path(name)
        save_untrained(folder / f"{MODEL}.safetensors", latent_dim=LATENT_DIM)
        installed = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=installed, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        for busy in (False, True) if arguments.training else (False,):
            with training(folder) if busy else nullcontext():
                for kind in ["app"] if arguments.only_app else KINDS:
                    note = " (while training)" if busy else ""
                    rows.append(measure(page, kind, folder, arguments.seconds).row(KINDS[kind] + note))
        version = browser.version
    if not arguments.only_app:
        columns = ["path", "input events/s", "pictures/s while dragging", "p50 ms", "p95 ms"]
        intro = (
            f"One slider of {LATENT_DIM} dragged for {arguments.seconds:g} s at {RATE} moves/s; Chromium {version}; "
            "64x64 RGB conv decoder.\n"
        )
        command = "python -m benchmarks.drag_latency" + " --training" * arguments.training
        notes = [intro, f"{arguments.note}\n"] if arguments.note else [intro]
        report.write("drag_latency", command, [*notes, report.table(columns, rows)])


if __name__ == "__main__":
    main()
