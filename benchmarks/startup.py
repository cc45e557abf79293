"""How long a person waits: `make run` (installed) to health, and to the first decoded picture in a real Chromium.

    python -m benchmarks.startup [--repeats 5]

Beside it, in the same run and taking turns, the least that Streamlit can do: a page of one line of text, started the same way.
The browser is already open. "Picture" is the first painted reply of the live route, not a placeholder. Also prints who imports
torchvision, scipy or pandas on that way.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks import report
from tools import browser

ROOT = Path(__file__).parents[1]
PAINTED = "document.querySelector('canvas[data-testid=decoded]')?.dataset.seq >= 1"
GREETED = "document.body.innerText.includes('hello from streamlit')"
PATIENCE = 60.0  # seconds
Seconds = dict[str, float]


def measure(argv: list[str], cwd: Path, port: int, ready: str, page: Page) -> Seconds:
    """Times of one start, in seconds: to health, to the first visitor's picture, and of a second visit."""
    begin = time.perf_counter()
    with _process(argv, cwd):
        _wait_for_health(port)
        health = time.perf_counter() - begin
        first = _visit(page, port, ready)
        total = time.perf_counter() - begin
        time.sleep(2)  # the server has settled; a visitor of a running app
        again = _visit(page, port, ready)
    return {"start to health": health, "start to picture": total, "first visit": first, "later visit": again}


def _visit(page: Page, port: int, ready: str) -> float:
    page.goto("about:blank")
    begin = time.perf_counter()
    page.goto(f"http://localhost:{port}/", wait_until="commit")
    page.wait_for_function(ready, timeout=1000 * PATIENCE, polling="raf")
    return time.perf_counter() - begin


@contextmanager
def _process(argv: list[str], cwd: Path) -> Iterator[None]:
    process = subprocess.Popen(
        argv, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)  # the group is ours alone: make and the server it became
        process.wait(timeout=30)


def _wait_for_health(port: int) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=1):
                return
        except OSError:
            time.sleep(0.01)
    raise TimeoutError(f"the server on port {port} gave no answer within {PATIENCE:g} s")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


def run(repeats: int) -> dict[str, list[Seconds]]:
    """Starts both apps in turn, `repeats` times."""
    found: dict[str, list[Seconds]] = {"Latent Walk": [], "one line of text": []}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        (Path(folder) / "app.py").write_text("import streamlit as st\nst.write('hello from streamlit')\n")
        chromium = playwright.chromium.launch(executable_path=browser.find(), args=["--no-sandbox"])
        starts: dict[str, Callable[[Page], Seconds]] = {
            "Latent Walk": lambda page: _start_ours(page),
            "one line of text": lambda page: _start_minimal(page, Path(folder)),
        }
        for _ in range(repeats):
            for name, start in starts.items():
                context = chromium.new_context(viewport={"width": 1280, "height": 720})  # nothing cached
                found[name].append(start(context.new_page()))
                context.close()
        chromium.close()
    return found


def _start_ours(page: Page) -> Seconds:
    port = _free_port()
    return measure(["make", "run", f"PORT={port}"], ROOT, port, PAINTED, page)


def _start_minimal(page: Page, folder: Path) -> Seconds:
    port = _free_port()
    flags = ["--server.port", str(port), "--server.headless", "true", "--browser.gatherUsageStats", "false"]
    return measure([sys.executable, "-m", "streamlit", "run", "app.py", *flags], folder, port, GREETED, page)


def heavy_imports() -> str:
    """Who imports torchvision, scipy or pandas, as a sentence each."""
    printed = subprocess.run([sys.executable, "-m", "tools.heavy_imports"], cwd=ROOT, capture_output=True, text=True, check=True)
    blamed = json.loads(printed.stdout.splitlines()[-1])["imported"]
    lines = [f"- {name}: {'not imported' if name not in blamed else f'imported by {blamed[name]}'}" for name in _heavy()]
    return "Imports on the way to the first picture:\n\n" + "\n".join(lines) + "\n"


def _heavy() -> tuple[str, ...]:
    from tools.heavy_imports import HEAVY

    return HEAVY


def main() -> None:
    """Run it and write the result file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    found = run(options.repeats)
    medians = {name: {key: statistics.median(one[key] for one in runs) for key in runs[0]} for name, runs in found.items()}
    mine, least = medians["Latent Walk"], medians["one line of text"]
    rows = [(what, f"{mine[what]:.2f}", f"{least[what]:.2f}", f"{mine[what] / least[what]:.2f}") for what in mine]
    columns = (f"seconds, median of {options.repeats}", *medians, "ratio")
    report.write("startup", "python -m benchmarks.startup", [report.table(columns, rows), heavy_imports()])


if __name__ == "__main__":
    main()
