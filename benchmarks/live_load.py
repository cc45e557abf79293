"""N people dragging at once: pictures a second each, and input-to-picture latency.

    python -m benchmarks.live_load [--seconds 6] [--sockets 1 8 32 64 128]

The app as it is, against a naive live route in the same run: same network, one picture for each call of the decoder in float32,
as a first version would write it. The load generator (live_load_client.py) is a process of its own on the same machine. Then the
page's own cost where browsers decode: the server's CPU time while N browsers load the decoder and onnxruntime-web, with nothing
kept from before, and while they drag, which is N open sockets over which nothing goes; beside it that of N who drag over them.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.benchmark_models import save_untrained
from vae_core.onnx_export import onnx_file
from vae_core.publish.write_page import MODULE, WASM

ROOT = Path(__file__).parents[1]
MODEL, LATENT_DIM = "bench-conv-64", 16
PACE = 60  # requests a second and socket


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(command: list[str], port: int, folder: Path, health: str) -> Iterator[int]:
    """The id of the server as a process, once its health address answers; ended by it."""
    env = {**os.environ, "VAE_CHECKPOINTS": str(folder), "VAE_RUNS": str(folder / "runs"), "PYTHONPATH": str(ROOT)}
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)
    try:
        for _ in range(1200):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}{health}", timeout=2).close()
                break
            except OSError:
                assert process.poll() is None, (folder / "server.log").read_text()
                time.sleep(0.05)
        time.sleep(4)  # imports and first decode in the background
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


def streamlit_command(script: str, port: int) -> list[str]:
    """The app (app.py), as `make run` starts it, or another script."""
    command = [sys.executable, "-m", "streamlit", "run", script, "--server.port", str(port), "--server.address", "127.0.0.1"]
    return [*command, "--server.headless", "true"]


def naive_command(port: int, folder: Path) -> list[str]:
    return [sys.executable, "-m", "benchmarks.baselines.naive_live", str(port), str(folder / f"{MODEL}.safetensors")]


def measure(port: int, sockets: int, seconds: float, rate: float = PACE) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.live_load_client", str(port), MODEL, str(LATENT_DIM), str(sockets), str(seconds)]
    command.append(str(rate))
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds + 60)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    print(sockets, {key: round(value, 1) for key, value in result.items()}, flush=True)
    return result


def run(sockets: list[int], seconds: float, folder: Path, baseline: bool) -> dict[str, list[dict[str, Any]]]:
    """{"app" | "naive": one result for each number of sockets}."""
    results = {}
    kinds = {"app": lambda port: streamlit_command("app.py", port), "naive": lambda port: naive_command(port, folder)}
    for kind, command in kinds.items():
        if kind == "naive" and not baseline:
            continue
        port = free_port()
        print(kind, flush=True)
        with serving(command(port), port, folder, "/_stcore/health"):
            measure(port, 1, 1)  # first connection: the model is loaded here
            results[kind] = [measure(port, n, seconds) for n in sockets]
    return results


def cpu_seconds(process: int) -> float:
    """User and system time of a process so far; Linux only."""
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load_decoder(port: int, folder: Path) -> int:
    """One browser's first visit: the files with which it decodes. Their bytes on the wire."""
    os.environ["VAE_RUNS"] = str(folder / "runs")
    version = onnx_file(folder / f"{MODEL}.safetensors", "decoder", half=True).version
    hashes = json.loads((ROOT / "ui/components/onnxruntime_web/hashes.json").read_text())
    files = [f"onnxruntime/{hashes['version']}/{name}" for name in (MODULE, WASM)]
    size = 0
    for path in [f"onnx/decoder?model={MODEL}&v={version}", *files]:
        request = urllib.request.Request(f"http://127.0.0.1:{port}/{path}", headers={"Accept-Encoding": "gzip"})
        while (answer := urllib.request.urlopen(request, timeout=60)).status == 202:
            time.sleep(1)
        size += len(answer.read())
    return size


def page_cost(people: list[int], seconds: float, folder: Path) -> list[list[str]]:
    """For each number of people: ms of CPU for each of them to load, % of a core while all drag, and over the socket."""
    port, table = free_port(), []
    with serving(streamlit_command("app.py", port), port, folder, "/_stcore/health") as process:
        size = load_decoder(port, folder)  # the file is made here
        for n in people:
            start = cpu_seconds(process)
            for _ in range(n):
                load_decoder(port, folder)
            loading = (cpu_seconds(process) - start) / n
            shares = []
            for rate in (0.0, PACE):
                before, began = cpu_seconds(process), time.perf_counter()
                measure(port, n, seconds, rate)
                shares.append((cpu_seconds(process) - before) / (time.perf_counter() - began))
            table.append([str(n), f"{size / 1e6:.1f}", f"{1000 * loading:.1f}", *(f"{100 * share:.0f}" for share in shares)])
            print(table[-1], flush=True)
    return table


def rows(sockets: list[int], results: dict[str, list[dict[str, Any]]]) -> list[list[str]]:
    table = []
    for n, app, naive in zip(sockets, results["app"], results["naive"], strict=True):
        figures = [f"{app['mean']:.1f}", f"{app['least']:.1f}", f"{app['p50']:.1f}", f"{app['p95']:.1f}"]
        table.append([str(n), *figures, f"{naive['mean']:.1f}", f"{naive['p95']:.1f}", f"{app['mean'] / naive['mean']:.1f}"])
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--sockets", type=int, nargs="+", default=[1, 8, 32, 64, 96, 128])
    parser.add_argument("--people", type=int, nargs="+", default=[8, 64, 128], help="who decode in their browsers")
    parser.add_argument("--no-report", action="store_true", help="print only; the naive baseline is left out")
    parser.add_argument("--note", default="", help="a sentence for the report, about the machine's other work for example")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_untrained(folder / f"{MODEL}.safetensors", latent_dim=LATENT_DIM)
        results = run(arguments.sockets, arguments.seconds, folder, not arguments.no_report)
        cost = page_cost(arguments.people, arguments.seconds, folder)
    if arguments.no_report:
        return
    columns = ["sockets", "pictures/s each", "least", "p50 ms", "p95 ms", "naive pictures/s each", "naive p95 ms", "ratio"]
    intro = (
        f"N sockets asking at {PACE} requests a second each, one in flight, newest wins; 64x64 RGB conv decoder, "
        f"{LATENT_DIM} latent dimensions; load generator on the same machine; {arguments.seconds:g} s for each N. Latency: "
        "input event to reply, waiting for the reply before included. Naive: one decoder call for each picture, float32.\n"
    )
    command = f"python -m benchmarks.live_load --seconds {arguments.seconds:g}"
    notes = [intro, f"{arguments.note}\n"] if arguments.note else [intro]
    costs = [
        "people",
        "MB to load",
        "ms of CPU to load, each",
        "% of a core, all drag, browsers decode",
        "% of a core, all drag over sockets",
    ]
    tables = [report.table(columns, rows(arguments.sockets, results)), "Decoded in the browser:\n", report.table(costs, cost)]
    report.write("live_load", command, [*notes, *tables])


if __name__ == "__main__":
    main()
