"""What it takes to watch a run: the curves of a million rows, and what a watching page costs the run that it watches.

    python -m benchmarks.watch_training [--rows 1000000] [--blocks 6] [--seconds 15]

The million: a run as it lies on the disk, its page opened in a real Chromium; beside it, as a baseline, the same two charts with
every row in them. The cost: one run of shapes with the mlp; the page is open in every second block of time, so that what else
changes on the machine meets both halves alike. Browser, server and run share the machine; their processor time is told apart.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks import report
from tools import browser
from ui.train import curves
from ui.train.curves import View
from ui.train.few_points import POINTS
from ui.train.metrics_history import History
from vae_core import runs
from vae_core.config.schema import train_config
from vae_core.runs.metrics_log import read_tail

ROOT = Path(__file__).parents[1]
DRAWN = "document.querySelectorAll('.st-key-train_chart_kl .js-plotly-plot .scatterlayer .trace').length > 0"
LAST = "document.querySelector('.st-key-train_chart_kl .js-plotly-plot')?.data?.[0]?.x.at(-1)"
TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--blocks", type=int, default=6, help="of each kind")
    parser.add_argument("--seconds", type=float, default=15, help="of a block")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["VAE_RUNS"] = folder
        run_dir = place_long_run(Path(folder), options.rows)
        tables = [report.table(("a history of " + f"{options.rows:,} rows, without a browser", "", ""), drawn(run_dir))]
        with sync_playwright() as playwright, server(Path(folder)) as (url, pid):
            chromium = browser.launch(playwright, browser.CHROMIUM, browser.find())
            tables.append(report.table(("the same in the browser", ""), opened(chromium, f"{url}/train?run=long", run_dir)))
            tables.append(report.table(("watching a run", "median", "blocks"), watched(chromium, url, pid, options)))
            chromium.close()
    report.write("watch_training", "python -m benchmarks.watch_training", tables)


def place_long_run(root: Path, rows: int) -> Path:
    """A run of two thousand epochs that has ended, with noise and a few spikes in its numbers."""
    run_dir = root / "long"
    run_dir.mkdir()
    (run_dir / "config.json").write_text(train_config(data={"name": "shapes"}, epochs=2000).model_dump_json())
    runs.write_json(run_dir / "run.json", {"name": "long", "created": 1.0})
    runs.write_json(run_dir / "status.json", {"state": "done", "started": 1.0, "ended": 1.0 + rows / 4, "elbo": -120.0})
    noise = random.Random(0)
    with (run_dir / "metrics.jsonl").open("w") as file:
        file.write(json.dumps({"kind": "start", "step": 0, "epoch": 0.0, "time": 0.0, "steps": 17 * rows, "epochs": 2000}) + "\n")
        for index in range(rows):
            file.write(json.dumps(step_row(index, rows, noise)) + "\n")
            if index % max(1, rows // 2000) == 0:
                each = [noise.random() for _ in range(10)]
                row = {"kind": "validation", "reconstruction": 100.0, "kl": 20.0, "elbo": -120.0, "kl_per_dim": each}
                file.write(json.dumps(row | {"step": 17 * index, "epoch": 2000 * index / rows, "time": index / 4}) + "\n")
    return run_dir


def step_row(index: int, rows: int, noise: random.Random) -> dict[str, object]:
    """One row as the loop writes it."""
    reconstruction = 100 + 400 / (1 + index / 1000) + noise.gauss(0, 1) + (300 if index % 250_000 == 77 else 0)
    kl = 20 + noise.gauss(0, 0.3)
    return {
        "kind": "step", "step": 17 * index, "epoch": 2000 * index / rows, "time": index / 4 + noise.random() / 100, "lr": 0.002,
        "gradient_norm": 5 + noise.random(), "beta": 1.0, "reconstruction": reconstruction, "kl": kl,
        "elbo": -reconstruction - kl, "loss": reconstruction + kl, "images_per_second": 5000 + noise.gauss(0, 100),
    }  # fmt: skip


def drawn(run_dir: Path) -> list[tuple[object, ...]]:
    """Time and bytes of reading and drawing on the server, all of it and after four more rows."""
    history, view = History(run_dir / "metrics.jsonl"), View(smoothing=0.05)
    began = time.perf_counter()
    charts(history.read(), view)
    first = time.perf_counter() - began
    while history.behind:
        history.read()
    whole = time.perf_counter() - began
    rows: list[tuple[object, ...]] = [("first look: read what half a second allows, draw it", f"{1000 * first:.0f} ms", "")]
    rows.append(("the looks until all is read", f"{whole:.1f} s", f"{len(history.steps) / whole:,.0f} rows a second"))
    for title, names in (("the two charts and the map", ("reconstruction", "kl")), ("all curves", tuple(curves.TITLES))):
        seconds, size = refreshed(run_dir, history, view, names)
        rows.append((f"a refresh of {title}", f"{1000 * seconds:.0f} ms of processor time", f"{size / 1000:.0f} kB of figures"))
    size = sum(len(json.dumps(curves.few(part))) for name in ("reconstruction", "kl") for part in history.column("step", name))
    rows.append((f"baseline: every row in the two charts, not {POINTS} points a curve", "", f"{size / 1000:,.0f} kB"))
    return rows


def refreshed(run_dir: Path, history: History, view: View, names: tuple[str, ...]) -> tuple[float, int]:
    """Seconds of processor time of a look after four more rows, and the bytes of its figures."""
    noise, times, texts = random.Random(1), [], [""]
    for _ in range(10):
        with (run_dir / "metrics.jsonl").open("a") as file:
            more = range(len(history.steps), len(history.steps) + 4)
            file.writelines(json.dumps(step_row(index, len(history.steps), noise)) + "\n" for index in more)
        began = time.process_time()
        texts = charts(history.read(), view, names)
        times.append(time.process_time() - began)
    return statistics.median(times), sum(map(len, texts))


def charts(history: History, view: View, names: tuple[str, ...] = ("reconstruction", "kl")) -> list[str]:
    """The figures of these numbers and the map, as they are sent."""
    figures = [curves.curve_chart(history, name, view, run_id="long") for name in names]
    return [figure.to_json() for figure in (*figures, curves.kl_chart(history, view, run_id="long"))]


def opened(chromium: Browser, url: str, run_dir: Path) -> list[tuple[object, ...]]:
    """What a person waits for: the first curves, the whole curves, and a second visit."""
    last = json.loads((run_dir / "metrics.jsonl").read_bytes().splitlines()[-1])["epoch"]
    rows: list[tuple[object, ...]] = []
    for title in ("a first visitor", "the next one"):
        page = chromium.new_page()
        received = count_bytes(page)
        began = time.perf_counter()
        page.goto(url)
        page.wait_for_function(DRAWN, timeout=120_000)
        rows.append((f"{title}: address to first curves", f"{time.perf_counter() - began:.1f} s"))
        page.wait_for_function(f"{LAST} >= {last - 1}", timeout=240_000)
        rows.append((f"{title}: to the whole curves", f"{time.perf_counter() - began:.1f} s"))
        rows.append((f"{title}: received over the socket", f"{sum(received) / 1000:,.0f} kB"))
        page.close()
    return rows


def count_bytes(page: Page) -> list[int]:
    """A list that grows by the size of each message from the server."""
    received: list[int] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda payload: received.append(len(payload))))
    return received


def watched(chromium: Browser, url: str, pid: int, options: argparse.Namespace) -> list[tuple[object, ...]]:
    """Images per second of a run, in turns with nobody looking and with the page open."""
    model = {"architecture": "mlp", "latent_dim": 8}
    run_id = runs.start(train_config(data={"name": "shapes", "limit": 5000}, model=model, epochs=2000), "watched")
    path = runs.status(run_id).path / "metrics.jsonl"
    page = chromium.new_page()
    received = count_bytes(page)
    wait_for_rows(path)
    alone, seen, processor, sizes = [], [], [], []
    try:
        for _ in range(options.blocks):
            page.goto("about:blank")
            alone.append(pace(path, options.seconds, page))
            page.goto(f"{url}/train?run={run_id}")
            page.wait_for_function(DRAWN, timeout=60_000)
            page.wait_for_timeout(2000)
            before, count = processor_time(pid), sum(received)
            seen.append(pace(path, options.seconds, page))
            processor.append((processor_time(pid) - before) / options.seconds)
            sizes.append((sum(received) - count) / options.seconds)
    finally:
        runs.stop(run_id)
        while runs.status(run_id).live:  # it writes until it has ended
            time.sleep(0.1)
    ratio = [100 * (1 - there / nobody) for there, nobody in zip(seen, alone, strict=True)]
    return [
        ("images per second, nobody looks", f"{statistics.median(alone):,.0f}", " ".join(f"{value:,.0f}" for value in alone)),
        ("images per second, the page is open", f"{statistics.median(seen):,.0f}", " ".join(f"{value:,.0f}" for value in seen)),
        ("slower by", f"{statistics.median(ratio):.1f} %", " ".join(f"{value:.1f}" for value in ratio)),
        ("the server's processor time, of one core", f"{100 * statistics.median(processor):.1f} %", ""),
        ("sent to the browser, a second", f"{statistics.median(sizes) / 1000:.0f} kB", ""),
    ]


def wait_for_rows(path: Path) -> None:
    """Until the run has begun to write what it does."""
    end = time.monotonic() + 120
    while not path.exists() or path.stat().st_size < 5000:
        if time.monotonic() > end:
            raise TimeoutError("the run did not begin")
        time.sleep(0.1)


def pace(path: Path, seconds: float, page: Page) -> float:
    """Training images per second for so long, from the steps that were made. Playwright takes in messages only while it waits."""
    first = last_step(path)
    page.wait_for_timeout(1000 * seconds)
    last = last_step(path)
    return 128 * (last["step"] - first["step"]) / (last["time"] - first["time"])


def last_step(path: Path) -> dict[str, float]:
    return next(row for row in reversed(read_tail(path)) if row["kind"] == "step")


def processor_time(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


@contextmanager
def server(folder: Path) -> Iterator[tuple[str, int]]:
    """`streamlit run app.py` on a free port: its address and its pid."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port), "--server.address", "127.0.0.1"]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    url, end = f"http://127.0.0.1:{port}", time.monotonic() + 60
    try:
        while True:
            try:
                urllib.request.urlopen(f"{url}/_stcore/health", timeout=1).close()
                break
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)
        yield url, process.pid
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main()
