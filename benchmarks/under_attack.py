"""Eight people dragging while others attack the socket: their latency, and the server's memory.

    python -m benchmarks.under_attack [--seconds 15] [--attacks fuzz storm idle geodesics questions deaf hurried]

The app as `make run` starts it. Eight well-behaved clients ask for 30 pictures a second each (live_load_client.py) while a
process of its own attacks (attack_clients.py): first nobody, then one kind of attack after the other. Everything stays on
127.0.0.1 and ends by itself; a server that takes more than 6 GB is stopped.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.attack_clients import ATTACKS, LARGE, LARGE_DIM, LATENT_DIM, MODEL
from benchmarks.benchmark_models import save_untrained
from benchmarks.live_load import ROOT, free_port, serving, streamlit_command

PEOPLE, RATE = 8, 30
TOO_MUCH = 6_000  # MB at which the server is stopped
GOAL_MS, GOAL_MB = 33, 2500


class Memory:
    """The highest resident memory of the server listening on a port, MB, looked at ten times a second (Linux)."""

    def __init__(self, pid: int) -> None:
        self.highest = 0.0
        self._pid, self._done = pid, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.1):
            self.highest = max(self.highest, resident(self._pid))
            if self.highest > TOO_MUCH:
                subprocess.run(["kill", str(self._pid)], check=False)


def resident(pid: int) -> float:
    """Resident memory of a process, MB; 0 when it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * 4096 / 1e6


def module(name: str, *arguments: object) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", f"benchmarks.{name}", *map(str, arguments)]
    return subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def result_of(process: subprocess.Popen[str], limit: float) -> dict[str, Any]:
    """The JSON line that it printed; an error is returned as such: a client that was cut off is a finding."""
    try:
        out, err = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
    if process.returncode != 0:
        return {"error": (err.strip().splitlines() or ["killed"])[-1]}
    found: dict[str, Any] = json.loads(out)
    return found


def measure(attack: str, port: int, pid: int, seconds: float) -> dict[str, Any]:
    """People's latency and the server's memory during one attack ("" for none)."""
    with Memory(pid) as memory:
        attacker = module("attack_clients", attack, port, seconds + 4) if attack else None
        time.sleep(1.5 if attacker else 0)  # it connects first
        people = result_of(module("live_load_client", port, MODEL, LATENT_DIM, PEOPLE, seconds, RATE), seconds + 60)
        seen = result_of(attacker, seconds + 30) if attacker else {}
    found = {**people, "memory": memory.highest, "seen": seen}
    print(attack or "nobody", {k: round(v, 1) if isinstance(v, float) else v for k, v in found.items()}, flush=True)
    time.sleep(2)
    return found


def run(attacks: list[str], seconds: float, folder: Path) -> dict[str, dict[str, Any]]:
    """Each attack against a server of its own."""
    results = {}
    for attack in ["", *attacks]:
        port = free_port()
        with serving(streamlit_command("app.py", port), port, folder, "/_stcore/health") as pid:
            result_of(module("live_load_client", port, MODEL, LATENT_DIM, 1, 1, RATE), 60)  # the model is loaded here
            results[attack or "nobody"] = measure(attack, port, pid, seconds)
    return results


def row(attack: str, found: dict[str, Any]) -> list[str]:
    """One line of the table."""
    what = " ".join((ATTACKS[attack].__doc__ or "").split()).rstrip(".") if attack in ATTACKS else ""
    counts = ", ".join(f"{count:,} {name}" for name, count in sorted(found["seen"].items()))
    if "error" in found:
        return [attack, "-", "-", "-", "-", f"{found['memory']:.0f}", f"{what}: {found['error']}"]
    figures = [f"{found[key]:.1f}" for key in ("least", "p50", "p95", "worst")]
    return [attack, *figures, f"{found['memory']:.0f}", f"{what} ({counts})" if what else ""]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--attacks", nargs="*", choices=list(ATTACKS), default=list(ATTACKS))
    parser.add_argument("--no-report", action="store_true", help="print only")
    parser.add_argument("--note", default="", help="a sentence for the report, about the machine's other work for example")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_untrained(folder / f"{MODEL}.safetensors", latent_dim=LATENT_DIM, points=10_000)
        save_untrained(folder / f"{LARGE}.safetensors", latent_dim=LARGE_DIM, points=10_000)
        results = run(arguments.attacks, arguments.seconds, folder)
    if arguments.no_report:
        return
    columns = ["attack", "pictures/s, least", "p50 ms", "p95 ms", "worst ms", "server MB", "what the attacker did and saw"]
    intro = (
        f"{PEOPLE} clients ask for {RATE} pictures a second each (64x64 RGB conv decoder, {LATENT_DIM} latent dimensions) while "
        f"one process attacks, on the same machine, {arguments.seconds:g} s for each; each attack against a fresh server. "
        "Latency: input event to reply. Server MB: highest resident memory. "
        f"Goal: p95 under {GOAL_MS} ms and memory under {GOAL_MB} MB.\n"
    )
    notes = [intro, f"{arguments.note}\n"] if arguments.note else [intro]
    rows = [row(attack, found) for attack, found in results.items()]
    command = f"python -m benchmarks.under_attack --seconds {arguments.seconds:g}"
    report.write("hostile", command, [*notes, report.table(columns, rows)])


if __name__ == "__main__":
    main()
