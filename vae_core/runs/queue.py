"""Whose turn it is: one run at a time on each device, or $VAE_RUNS_PER_DEVICE of them, in an order that can be changed.

The queue has no dispatcher. Each waiting worker looks for itself: it begins when no run before it waits for the same device and
one of the device's slots, files that the kernel locks, is free.
"""

from __future__ import annotations

import fcntl
import os
import platform
from pathlib import Path

from vae_core.errors import RunError
from vae_core.runs import json_files
from vae_core.runs.json_files import read_json, write_json
from vae_core.runs.list_runs import RunStatus, folder, list_runs, queue_order, run_folders
from vae_core.runs.lock import is_alive, try_lock

PER_DEVICE = "VAE_RUNS_PER_DEVICE"


def device_kind(name: str) -> str:
    """The device of a configuration as far as it can be told without torch: runs with the same answer take turns."""
    if name == "auto":
        return "gpu" if _has_gpu() else "cpu"
    return "cpu" if name == "cpu" else "gpu" if name in ("cuda", "cuda:0", "mps", "xpu") else name.replace(":", "")


def _has_gpu() -> bool:
    if os.environ.get("CUDA_VISIBLE_DEVICES") == "":
        return False
    apple = platform.system() == "Darwin" and platform.machine() == "arm64"
    return apple or any(Path(node).exists() for node in ("/dev/nvidiactl", "/dev/kfd"))


def slots() -> int:
    """How many runs may go at once on one device.

    Raises:
        RunError: the environment asks for something else than a small whole number.
    """
    text = os.environ.get(PER_DEVICE) or "1"
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise RunError(f"{PER_DEVICE} is {text[:40]!r}; it takes a whole number from 1 to 64.")
    return int(text)


def try_slot(run_dir: Path, device: str) -> bool:
    """Whether it is this run's turn; if so the process holds a slot of the device until it ends."""
    if ahead(run_dir, device):
        return False
    for number in range(1, slots() + 1):
        descriptor = os.open(run_dir.parent / f".slot-{device}-{number}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        if try_lock(descriptor, fcntl.LOCK_EX):
            return True
        os.close(descriptor)
    return False


def ahead(run_dir: Path, device: str) -> list[Path]:
    """The runs that wait for the same device and come first."""
    mine = queue_order(run_dir)
    before = [other for other in run_folders(run_dir.parent) if mine and (queue_order(other) or mine) < mine]
    return [other for other in before if _waits(other) and _device_of(other) == device and is_alive(other)]


def _waits(run_dir: Path) -> bool:
    said = json_files.said(run_dir).record
    return said is not None and said.state == "queued"


def _device_of(run_dir: Path) -> str:
    config = json_files.config(run_dir).record
    return device_kind(config.device) if config else ""


def waiting(everything: list[RunStatus]) -> list[RunStatus]:
    """The queued ones, the next first."""
    return sorted((run for run in everything if run.state == "queued"), key=lambda run: (run.place, run.run_id))


def move(run_id: str, steps: int) -> None:
    """Moves a waiting run so many places in the queue, up when negative, as far as it goes.

    Raises:
        RunError: there is no such run, or it does not wait.
    """
    queued = waiting(list_runs())
    folder(run_id)
    index = next((index for index, run in enumerate(queued) if run.run_id == run_id), None)
    if index is None:
        raise RunError("This run does not wait any more, so it cannot be moved in the queue.")
    run = queued.pop(index)
    places = sorted({other.place for other in [*queued, run]})
    queued.insert(max(0, min(len(queued), index + steps)), run)
    while len(places) < len(queued):  # two that were started in the same moment
        places.append(places[-1] + 0.001)
    for other, place in zip(queued, places, strict=True):
        if other.place != place:
            write_json(other.path / "run.json", read_json(other.path / "run.json") | {"place": place})
