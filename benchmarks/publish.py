"""How large a published page is, and how long its visitor waits: for the first picture, and for one that the page draws.

    python -m benchmarks.publish [--model mnist-10d] [--repeats 5]

Python's own static server, which compresses nothing, serves the folder; the baseline in the same run is an empty page from it.
"Over the wire" is what a host sends that compresses text, as most do: modules and style sheets by gzip, the rest as it lies,
packed already.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from benchmarks import report
from tools import browser
from vae_core.cli.console import model_path
from vae_core.cli.publish import COMPONENTS
from vae_core.publish.packed_files import packed
from vae_core.publish.write_page import Page, Sources, Words, make_page, single_file, write_folder

TARGET_BYTES, TARGET_SECONDS = 7_000_000, 2.0
PAINTED = "document.querySelector('canvas[data-testid=decoded]')?.dataset.seq >= 1"
DRAWS = "document.querySelector('[data-testid=live-status]')?.dataset.state === 'live'"
EMPTY = "document.readyState === 'complete'"
PATIENCE = 120_000  # ms


class _Quiet(SimpleHTTPRequestHandler):
    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".js": "text/javascript"}  # noqa: RUF012

    def log_message(self, *_: object) -> None:
        pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="mnist-10d")
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    path = model_path(given.model)
    sources = Sources.of(COMPONENTS)
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder) / "site"
        page = make_page([(path.stem, path)], Words(title=path.stem), sources)
        write_folder(page, site)
        (site / "empty.html").write_text("<!doctype html><title>empty</title>")
        html = len(packed("", single_file(page, sources).encode()).data)
        times = measure(site, given.repeats)
    tables = [f"Model: {path.stem}.\n", _sizes(page, html), _waits(times)]
    report.write("publish", f"python -m benchmarks.publish --model {given.model} --repeats {given.repeats}", tables)


def measure(site: Path, repeats: int) -> dict[str, list[float]]:
    """Seconds, by what is waited for; each visit in a browser context of its own, so that nothing is cached."""
    times: dict[str, list[float]] = defaultdict(list)
    with _served(site) as url, sync_playwright() as playwright:
        opened = browser.launch(playwright, browser.CHROMIUM, browser.find())
        for _ in range(repeats):
            for words, address, ready in (
                ("an empty page (baseline)", f"{url}/empty.html", EMPTY),
                ("first picture", f"{url}/", PAINTED),
                ("first picture that the page draws", f"{url}/", DRAWS),
            ):
                times[words].append(_visit(opened, address, ready))
        opened.close()
    return times


def _visit(opened: Browser, address: str, ready: str) -> float:
    context = opened.new_context(viewport={"width": 1280, "height": 800})
    tab = context.new_page()
    begin = time.perf_counter()
    tab.goto(address, wait_until="commit")
    tab.wait_for_function(ready, timeout=PATIENCE, polling="raf")
    seconds = time.perf_counter() - begin
    context.close()
    return seconds


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _sizes(page: Page, html: int) -> str:
    parts: dict[str, int] = defaultdict(int)
    for name, text in page.code.items():
        parts["modules and style sheets (gzip)"] += len(packed(name, text).data)
    for file in page.data:
        kind = "runtime" if file.name.startswith("runtime/") else Path(file.name).stem if "/" in file.name else "page.json"
        parts["description" if file.name.endswith(".json") else kind] += len(file.data)
    rows = [(name, f"{size:,}") for name, size in sorted(parts.items(), key=lambda row: -row[1])]
    sums = {"all, over the wire": page.bytes, "target, at most": TARGET_BYTES, "single file (gzip)": html}
    rows += [(name, f"{size:,}") for name, size in sums.items()]
    return report.table(["part", "bytes"], rows)


def _waits(times: dict[str, list[float]]) -> str:
    rows = [(words, f"{statistics.median(found):.2f}", f"{max(found):.2f}") for words, found in times.items()]
    rows.append(("target for the first picture, below", f"{TARGET_SECONDS:.2f}", ""))
    return report.table(["visit", "median, s", "largest, s"], rows)


if __name__ == "__main__":
    main()
