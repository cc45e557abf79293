"""One person drags one slider for some seconds in a real Chromium: pictures a second, and input-to-picture latency.

    python -m benchmarks.drag_latency [--seconds 4] [--training]

The app, decoding on the server and in the browser, against two other ways to write it with Streamlit, in the same run:
`st.slider` + `st.image`, and a component that reruns a fragment on every input event (both in benchmarks/baselines). 16 sliders,
64x64 RGB conv decoder; then the app with every shipped model. Latency is from the input event's timeStamp to the picture being in
the canvas
(`performance.measure("drag-to-paint")`); bytes are those of all live sockets while the button is down. With --training a training
run goes on all the while, started as the Train page starts it.
"""

from __future__ import annotations

import argparse
import itertools
import math
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Page, WebSocket, sync_playwright

from benchmarks import report
from benchmarks.benchmark_models import save_untrained
from benchmarks.live_load import ROOT, free_port, serving, streamlit_command

MODEL, LATENT_DIM = "bench-conv-64", 16
RATE = 60  # pointer moves a second
SHIPPED = sorted(path.stem for path in (ROOT / "checkpoints").glob("*.safetensors"))
SLIDERS = 'input[type="range"][aria-label^="z"]'
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
    "server": "this app: component + socket",
    "browser": "this app: decoded in the browser",
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
    socket_bytes: int

    def row(self, name: str) -> list[str]:
        p50, p95 = (f"{q:.1f}" for q in np.quantile(self.latencies, [0.5, 0.95])) if self.latencies else ("-", "-")
        rates = [self.events / self.seconds, self.pictures / self.seconds]
        return [name, *(f"{rate:.1f}" for rate in rates), p50, p95, str(self.socket_bytes)]


def drag(page: Page, target: str, seconds: float, carried: Sequence[int] = (0,)) -> Drag:
    """Moves the pointer over the slider to and fro, RATE times a second, with the button down; `carried`: see `_count`."""
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
    before = carried[0]
    begin = time.perf_counter()
    for k in range(1, int(seconds * RATE) + 1):
        wait = begin + k / RATE - time.perf_counter()
        if wait > 0:
            time.sleep(wait)
        page.mouse.move(middle + reach * math.sin(2 * math.pi * k / RATE / 2), y)
    took = time.perf_counter() - begin
    page.wait_for_timeout(50)
    seen = page.evaluate(SEEN)
    through = carried[0] - before
    page.mouse.up()
    pictures = len(seen["latencies"]) or seen["changes"]
    return Drag(seen["inputs"] or seen["moves"], pictures, seen["latencies"], took, through)


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


def measure(browser: Browser, kind: str, folder: Path, seconds: float, model: str = MODEL) -> Drag:
    """One drag with the app (who decodes: "server", "browser") or a baseline script, on a server of its own."""
    port = free_port()
    os.environ["BENCH_MODEL"] = str(folder / f"{MODEL}.safetensors")
    app = kind in ("server", "browser")
    script = "app.py" if app else f"benchmarks/baselines/{kind}.py"
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    carried = [0]  # bytes
    page.on("websocket", lambda socket: _count(socket, carried))
    with serving(streamlit_command(script, port), port, folder, "/_stcore/health"):
        page.goto(f"http://127.0.0.1:{port}/" + (f"?model={model}&decode={kind}" if app else ""))
        target = THUMB if kind == "slider_image" else RANGE
        if app:
            page.locator(f'[data-state="live"][data-decoder="{kind}"]').wait_for(timeout=300_000)
            target = f'input[aria-label="{page.locator(SLIDERS).first.get_attribute("aria-label")}"]'
        page.locator(target).last.wait_for(timeout=60_000)
        page.wait_for_timeout(3000)
        drag(page, target, 1, carried)  # warm
        page.wait_for_timeout(1000)
        result = drag(page, target, seconds, carried)
    page.close()
    print(model, kind, result.row(""), flush=True)
    return result


def _count(socket: WebSocket, carried: list[int]) -> None:
    """Adds up what goes through a live socket, both ways."""

    def add(frame: str | bytes) -> None:
        carried[0] += len(frame)

    if "/live" in socket.url:
        socket.on("framesent", add)
        socket.on("framereceived", add)


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
        for model in SHIPPED:
            shutil.copy(ROOT / "checkpoints" / f"{model}.safetensors", folder)
        installed = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=installed, args=["--no-sandbox", "--disable-gpu"])
        for busy in (False, True) if arguments.training else (False,):
            with training(folder) if busy else nullcontext():
                note = " (while training)" if busy else ""
                for kind in ["server", "browser"] if arguments.only_app else KINDS:
                    rows.append(measure(browser, kind, folder, arguments.seconds).row(KINDS[kind] + note))
                for model, kind in itertools.product(SHIPPED, ["server", "browser"]):
                    rows.append(measure(browser, kind, folder, arguments.seconds, model).row(f"{model}, {kind} decodes{note}"))
        version = browser.version
    if not arguments.only_app:
        columns = ["path", "input events/s", "pictures/s while dragging", "p50 ms", "p95 ms", "bytes on live sockets"]
        intro = (
            f"One slider of {LATENT_DIM} dragged for {arguments.seconds:g} s at {RATE} moves/s; Chromium {version}; "
            "64x64 RGB conv decoder.\n"
        )
        command = "python -m benchmarks.drag_latency" + " --training" * arguments.training
        notes = [intro, f"{arguments.note}\n"] if arguments.note else [intro]
        report.write("drag_latency", command, [*notes, report.table(columns, rows)])


if __name__ == "__main__":
    main()
