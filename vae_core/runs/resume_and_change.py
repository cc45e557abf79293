"""What can be done with a run after it was started: pause, resume, extend, change settings, end by force. Imports no torch.

A file named `stop` or `pause` in its folder asks the run to end; changes.json holds the settings that it is to go on with.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from pathlib import Path

from vae_core.config.live_settings import live_settings, with_settings
from vae_core.errors import RunError
from vae_core.runs import json_files, start_stop_delete
from vae_core.runs.json_files import read_json, reason, write_json, write_status
from vae_core.runs.list_runs import STATE, RunStatus, list_runs, status
from vae_core.runs.lock import is_alive, lock_within
from vae_core.system.open_untrusted_file import is_regular

MOST_EPOCHS = 2000


def pause(run_id: str) -> None:
    """Asks a run to end after its current step and to keep its place; a queued one leaves the queue. Returns immediately.

    Raises:
        RunError: there is no such run, or its folder cannot be written.
    """
    start_stop_delete.ask(run_id, "pause")


def resume(run_id: str) -> None:
    """Lets a run that ended early go on from its last state, in a process of its own, when its turn comes.

    What does not fit any more (other images, another config, a broken state) is found by that process: the run then has failed
    with a sentence, and nothing of it was changed.

    Raises:
        RunError: it is going, has nothing left to do, or cannot go on; the sentence says why.
    """
    run = status(run_id)
    if not run.resumable:
        raise RunError(_why_not(run))
    path = run.path / "lock"
    if not is_regular(path) and os.path.lexists(path):
        raise RunError("What lies in this run's folder as its lock is no file, so the run cannot be resumed; it can be deleted.")
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not lock_within(lock, seconds=10.0):  # a process that is leaving holds it for moments
            raise RunError(f"The run {run.name!r} is going already.")
        _make_ready(run)
        start_stop_delete.spawn(run.path, lock)
    except OSError as error:
        raise RunError(f"The run cannot be resumed: {reason(error)}.") from None
    finally:
        os.close(lock)


def resume_all(everything: list[RunStatus] | None = None) -> int:
    """Resumes every run that died, in the order of their places; how many there were."""
    died = [run for run in everything or list_runs() if run.state == "died" and run.resumable]
    for run in sorted(died, key=lambda run: run.place):
        with contextlib.suppress(RunError):  # somebody else has done it, or it is gone
            resume(run.run_id)
    return len(died)


def extend(run_id: str, epochs: int) -> None:
    """Adds epochs to a run; one that has ended goes on, one that goes has them after its last one.

    Raises:
        RunError: the run cannot go on, or that many epochs cannot be added.
    """
    run = status(run_id)
    if run.config is None or run.state == "unreadable":
        raise RunError(_why_not(run))
    if not 1 <= epochs <= MOST_EPOCHS - run.config.epochs:
        raise RunError(
            f"A run has at most {MOST_EPOCHS:,} epochs, and this one has {run.config.epochs:,}; add from 1 to "
            f"{MOST_EPOCHS - run.config.epochs:,}, not {epochs:,}."
        )
    if not run.live and not run.has_state:
        raise RunError(f"This run has no {STATE}, from which it could go on. Train again with more epochs.")
    about = read_json(run.path / "run.json")
    write_json(run.path / "run.json", about | {"added_epochs": [*run.added_epochs, epochs]})
    if not run.live:
        resume(run_id)


def change(run_id: str, **settings: float) -> None:
    """Sets the learning rate or what the objective lets change; a run that goes takes it over within a second.

    One that has ended has it when it goes on.

    Raises:
        RunError: there is no such run, or its config cannot be read.
        ConfigError: a setting cannot be changed, or not to this value.
    """
    run = status(run_id)
    if run.config is None or run.state == "unreadable":
        raise RunError(_why_not(run))
    with_settings(run.config, settings)
    write_json(run.path / "changes.json", run.settings | settings)


def current_settings(run: RunStatus) -> dict[str, float]:
    """Learning rate and the like, as they are or are about to be."""
    if run.config is None:
        return {}
    known = live_settings(run.config)
    return known | {name: value for name, value in run.settings.items() if name in known}


def end_by_force(run_id: str) -> None:
    """Ends a run that answers no more; it has then died, and can be resumed from its last state.

    Raises:
        RunError: it is not going, or its process is not found.
    """
    run = status(run_id)
    said = json_files.said(run.path).record
    if not run.live or said is None or said.pid is None or not _is_worker(said.pid, run.path):
        raise RunError("The process of this run is not found; it may have ended in this moment.")
    os.kill(said.pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while is_alive(run.path) and time.monotonic() < deadline:
        time.sleep(0.02)


def _is_worker(pid: int, run_dir: Path) -> bool:
    """Whether that process works on this run: anybody may have written the number."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        told = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
        words = told.stdout.split()
    return str(run_dir) in words


def _make_ready(run: RunStatus) -> None:
    """As a new run that waits: nothing is asked of it, and what a killed process left half-written is gone."""
    for name in ("stop", "pause"):
        (run.path / name).unlink(missing_ok=True)
    for path in run.path.iterdir():
        if re.fullmatch(r"\.(state|best|preview|live|metrics)\..+\.\d+\.\d+", path.name):
            path.unlink(missing_ok=True)
    if not (run.path / "reserve").exists():
        (run.path / "reserve").write_bytes(b"\0" * 16384)
    write_json(run.path / "run.json", read_json(run.path / "run.json") | {"place": time.time()})
    write_status(run.path, state="queued", started=None, ended=None, message=None, reason=None, elbo=None, error=None,
                 before=run.seconds)  # fmt: skip


def _why_not(run: RunStatus) -> str:
    if run.state == "unreadable" or run.config is None:
        return "What lies in this run's folder cannot be read, so it cannot go on; it can be deleted."
    if run.live:
        return f"The run {run.name!r} is going already."
    if run.state == "done":
        return f"The run {run.name!r} has trained all of its {run.config.epochs:,} epochs. Extend it to go on."
    return f"The run {run.name!r} has no {STATE}, from which it could go on. Train again with the same settings."
