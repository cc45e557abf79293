"""One person drags a slider of a distant server in a real Chromium: events answered a second, and input-to-picture latency.

    python -m benchmarks.distance [--seconds 4] [--only 100]

Round trips of 0 to 200 ms, links of 20, 5 and 1 Mbit/s, and a link on which 1 % of the replies come 200 ms late, all made by
distant_proxy.py on this machine. Each is measured twice in the same run: with as many requests in flight as the page finds
(connection/flow_control.js), and with one in flight and pictures as they are, as the page did it before. The model is the shipped
shapes-8d: 64x64 colour. The server decodes (`?decode=server`).
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Page, Route, sync_playwright

from benchmarks import report
from benchmarks.distant_proxy import Link, distant
from benchmarks.drag_latency import RATE, drag
from benchmarks.live_load import ROOT, free_port, serving, streamlit_command

MODEL = "shapes-8d"
RANGE = 'input[type="range"][aria-label="z0"]'
SEVERAL = ("const MOST = 32;", "const SMALL = 3000;")  # in flow_control.js
ONE = ("const MOST = 1;", "const SMALL = Infinity;")
COUNT_BYTES = """() => {
  const Plain = WebSocket;
  window.received = { bytes: 0, frames: 0, files: 0 };
  window.WebSocket = class extends Plain {
    constructor(...all) {
      super(...all);
      this.addEventListener('message', ({ data }) => {
        if (!(data instanceof ArrayBuffer)) return;
        const kind = new Uint8Array(data, 0, 1)[0];
        if (kind !== 10 && kind !== 11) return;
        received.bytes += data.byteLength;
        received.frames += 1;
        received.files += kind === 11;
      });
    }
  };
}"""


@dataclass(frozen=True)
class Case:
    """One kind of link, and what is asked of it."""

    round_trip: float  # ms
    mbit: float | None = None
    late: float = 0.0
    least: float | None = 55  # answered events a second
    over: float | None = 20  # ms that p95 may be above the round trip

    def __str__(self) -> str:
        width = f", {self.mbit:g} Mbit/s" if self.mbit else ""
        return f"{self.round_trip:g} ms{width}" + (f", {self.late:.0%} late by 200 ms" if self.late else "")

    @property
    def goal(self) -> str:
        parts = [f">= {self.least:g}/s"] if self.least else []
        return ", ".join([*parts, f"p95 <= {self.round_trip + self.over:g}"] if self.over else parts) or "-"


CASES = [
    *(Case(trip) for trip in (0, 20, 50, 100, 200)),
    *(Case(trip, mbit, least=30 if mbit == 5 else None, over=None) for mbit in (20, 5, 1) for trip in (0, 100)),
    *(Case(trip, late=0.01, least=None, over=None) for trip in (0, 100)),
]


def opened(browser: Browser, link: Link, baseline: bool) -> Page:
    """The page of the model, loaded over a link that holds nothing back."""
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.add_init_script(f"({COUNT_BYTES})()")
    if baseline:
        page.route("**/modules/explorer/*.js", one_in_flight)
    link.be()
    page.goto(f"http://127.0.0.1:{link.port}/?model={MODEL}&decode=server")
    page.locator('[data-state="live"]').wait_for(timeout=60_000)
    page.locator(RANGE).last.wait_for()
    page.wait_for_timeout(3000)
    return page


def one_in_flight(route: Route) -> None:
    """The explorer's modules with the loop of before."""
    text = route.fetch().text()
    for several, one in zip(SEVERAL, ONE, strict=True):
        assert several in text, several
        text = text.replace(several, one)
    route.fulfill(body=text, content_type="text/javascript")


def measure(page: Page, link: Link, case: Case, seconds: float) -> list[str]:
    """Input events a second, answered ones, p50, p95, kB/s of pictures, share of JPEG files."""
    link.be(case.round_trip, case.mbit, case.late)
    drag(page, RANGE, 3)  # what the link is like is learnt here
    page.wait_for_timeout(500 + 2 * case.round_trip)
    link.rest()
    page.evaluate("() => Object.assign(received, { bytes: 0, frames: 0, files: 0 })")
    found = drag(page, RANGE, seconds)
    got = page.evaluate("() => received")
    link.be()
    link.rest()
    page.wait_for_timeout(500)
    p50, p95 = (f"{q:.0f}" for q in np.quantile(found.latencies, [0.5, 0.95])) if found.latencies else ("-", "-")
    rates = [found.events / found.seconds, found.pictures / found.seconds]
    row = [*(f"{rate:.1f}" for rate in rates), p50, p95, f"{got['bytes'] / found.seconds / 1000:.0f}"]
    return [*row, f"{got['files'] / max(1, got['frames']):.0%}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--only", type=float, nargs="*", help="round trips in ms; no report is written")
    parser.add_argument("--no-baseline", action="store_true", help="no report is written")
    parser.add_argument("--note", default="", help="a sentence for the report, about the machine's other work for example")
    arguments = parser.parse_args()
    cases = [case for case in CASES if arguments.only is None or case.round_trip in arguments.only]
    rows = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, sync_playwright() as playwright:
        folder = Path(name)
        shutil.copy(ROOT / "checkpoints" / f"{MODEL}.safetensors", folder)
        installed = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=installed, args=["--no-sandbox", "--disable-gpu"])
        port = free_port()
        with serving(streamlit_command("app.py", port), port, folder, "/_stcore/health"), distant(port) as link:
            for baseline in (False,) if arguments.no_baseline else (False, True):
                page = opened(browser, link, baseline)
                for case in cases:
                    row = [str(case), "one" if baseline else "several", *measure(page, link, case, arguments.seconds), case.goal]
                    rows.append(row)
                    print(*row, sep="  ", flush=True)
                page.close()
        version = browser.version
    if arguments.only is not None or arguments.no_baseline:
        return
    columns = ["round trip", "in flight", "events/s", "answered/s", "p50 ms", "p95 ms", "kB/s", "JPEG files", "goal"]
    intro = (
        f"One slider of {MODEL} (64x64 colour) dragged for {arguments.seconds:g} s at {RATE} moves/s behind a delaying and "
        f"throttling proxy on the same machine; Chromium {version}. Latency: input event to painted picture; a link's width "
        "delays a picture as it is by 4.9 ms at 20, 20 ms at 5 and 98 ms at 1 Mbit/s. One in flight: the loop of before, on the "
        "same page.\n"
    )
    rows.sort(key=lambda row: row[0])  # stable: several before one
    notes = [intro, f"{arguments.note}\n"] if arguments.note else [intro]
    report.write(
        "distance", f"python -m benchmarks.distance --seconds {arguments.seconds:g}", [*notes, report.table(columns, rows)]
    )


if __name__ == "__main__":
    main()
