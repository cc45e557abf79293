"""What it costs a run to be able to go on: time spent writing states, against the run's time.

    python -m benchmarks.resume_cost [--epochs 3] [--data mnist] [--threads 1]

Each state is the whole of what the loop writes (weights, optimiser, best weights, generators), flushed to the disk. "Share" is
the time spent in writing over the time from the first row to the last one. The loop lets it be at most 1.5 %, and adds the state
at the end of the run, which is written in any case: a run of a few seconds may lie above 2 %.
"""

from __future__ import annotations

import argparse
import shlex
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from unittest import mock

import torch

from benchmarks import report
from benchmarks.train_speed import NETWORKS
from vae_core.config.schema import train_config
from vae_core.training import resume_state
from vae_core.training.loop import train


def measure(network: str, data: str, epochs: int) -> tuple[str, ...]:
    """A row of the table."""
    costs: list[float] = []
    write = resume_state.Keeper.write

    def timed(keeper: resume_state.Keeper) -> None:
        begun = time.perf_counter()
        write(keeper)
        costs.append(time.perf_counter() - begun)

    rows: list[dict[str, Any]] = []
    config = train_config(data={"name": data}, model=NETWORKS[network], epochs=epochs)
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(resume_state.Keeper, "write", timed):
        train(config, Path(folder), resumable=True, on_row=rows.append)
        size = (Path(folder) / resume_state.STATE).stat().st_size
    seconds = rows[-1]["time"] - rows[0]["time"]
    typical = f"{1000 * statistics.median(costs):.0f}"
    return network, f"{size / 1e6:.1f}", typical, str(len(costs)), f"{seconds:.1f}", f"{100 * sum(costs) / seconds:.2f} %"


def main() -> None:
    """Run it and write a result file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--network", choices=sorted(NETWORKS), action="append")
    parser.add_argument("--threads", type=int, default=None, help="of torch; by default one per core")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    command = shlex.join(["python", "-m", "benchmarks.resume_cost", *sys.argv[1:]])
    columns = ("network", "MB of a state", "ms to write one, median", "states", "s of the run", "share")
    rows = [measure(network, options.data, options.epochs) for network in options.network or sorted(NETWORKS, reverse=True)]
    report.write("resume_cost", command, [f"{options.data}, {options.epochs} epochs.\n", report.table(columns, rows)])


if __name__ == "__main__":
    main()
