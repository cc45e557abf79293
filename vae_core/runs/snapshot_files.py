"""Where a run keeps its model as it is now, and its snapshots: written by vae_core/training/snapshots.py, read by the server."""

from __future__ import annotations

import os
import re
from pathlib import Path

from vae_core.runs.list_runs import checkpoint_path
from vae_core.runs.lock import is_alive
from vae_core.system.open_untrusted_file import is_regular

LIVE = "live.safetensors"  # the model as it is now; gone when the run has ended
FOLDER = "snapshots"
MOST_LISTED = 64  # of one run, whatever lies in its folder
MOST = 40  # snapshots of one run
MOST_BYTES = 100_000_000  # of all of them; of larger networks there are fewer
FEWEST = 4  # or none at all
_NAME = re.compile(r"step-(\d{8})\.safetensors")


def most_snapshots(weights: int) -> int:
    """How many snapshots are kept of a network with so many numbers, two bytes each; 0 of one that is too large for them."""
    most = min(MOST, MOST_BYTES // (2 * weights))
    return most if most >= FEWEST else 0


def is_of_training(path: Path) -> bool:
    """Whether a model file is one of these: neither chosen as the best, nor measured on all test images."""
    return path.name == LIVE or path.parent.name == FOLDER


def snapshot_path(run_dir: Path, step: int) -> Path:
    """Where the snapshot of this step lies, if there is one."""
    return run_dir / FOLDER / f"step-{step:08d}.safetensors"


def snapshot_steps(run_dir: Path) -> list[int]:
    """The steps of which there are snapshots, rising; none for a run that has none."""
    try:
        names = os.listdir(run_dir / FOLDER)  # noqa: PTH208 - names only, without a Path for each
    except OSError:
        return []
    return sorted(int(found[1]) for found in map(_NAME.fullmatch, names) if found)[:MOST_LISTED]


def model_path(run_dir: Path) -> Path:
    """The model to explore: as it is now while the run goes on or where there is nothing else, otherwise the best epoch's."""
    live, best = run_dir / LIVE, checkpoint_path(run_dir)
    if not is_regular(live):
        return best
    return live if is_alive(run_dir) or not is_regular(best) else best
