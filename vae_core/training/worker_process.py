"""python -m vae_core.training.worker_process RUN_DIR: what the child process of a run does.

It keeps the run's inherited lock for life, waits for its turn without importing torch, trains, and writes how it ended into
status.json. It knows nothing of the web app and needs none to be running.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from pydantic import ValidationError

from vae_core import runs
from vae_core.config.command_line_options import command_line
from vae_core.config.live_settings import with_settings
from vae_core.config.schema import TrainConfig
from vae_core.config.schema import explain as explain_config
from vae_core.config.upgrade_old_config import read_config
from vae_core.errors import ConfigError, DataError, LatentWalkError, RunError
from vae_core.runs import json_files
from vae_core.runs.json_files import read_json
from vae_core.runs.metrics_log import read_tail
from vae_core.runs.queue import device_kind, try_slot

NICENESS = 15  # of 19: whoever drags a slider on the same machine comes first
POLL_SECONDS = 0.2
CHANGES_SECONDS = 0.3  # between two looks at changes.json
DISK_FULL = "The disk is full. What was saved until then is kept. Free some space, for instance in the trash, then resume it."
OUT_OF_MEMORY = "There was not enough memory. Try a smaller batch size, fewer filters or a smaller network."


class Stopped(Exception):  # noqa: N818 - not an error
    """Asked to stop before training began."""


class Train(Protocol):
    """What does the work: vae_core.training.loop.train, or a stand-in."""

    def __call__(
        self,
        config: TrainConfig,
        run_dir: Path,
        *,
        should_stop: Callable[[], bool],
        should_pause: Callable[[], bool],
        changes: Callable[[], Mapping[str, float]],
        added_epochs: tuple[int, ...],
        resumable: bool,
        on_download: Callable[[str, int, int], None] | None,
        name: str,
        command: str,
    ) -> Any: ...


def main(arguments: list[str], train: Train | None = None) -> int:
    """Works on one run folder; returns the exit status. `train` stands in for the real one in tests."""
    if len(arguments) != 1 or not (Path(arguments[0]) / "config.json").is_file():
        print("usage: python -m vae_core.training.worker_process RUN_DIR   (a folder that vae_core.runs.start made)")
        return 2
    run_dir = Path(arguments[0]).absolute()
    if not _hold_lock(run_dir):
        print(f"Another process is working on {run_dir}.")
        return 2
    lower_priority()
    should_stop, should_pause = _stop_signal(run_dir), lambda: _asked(run_dir, "pause") and not _asked(run_dir, "stop")
    try:
        config = read_config((run_dir / "config.json").read_bytes())
        if not _wait_turn(run_dir, config, should_stop):
            raise Stopped("Cancelled before it started.")
        runs.write_status(run_dir, state="running", started=time.time(), pid=os.getpid())
        state, message = _train(train or _real_train(), config, run_dir, should_stop, should_pause)
    except Stopped as stopped:
        return _end(run_dir, *(("paused", "") if should_pause() else ("stopped", str(stopped))))
    except Exception as error:
        traceback.print_exc()
        return _end(run_dir, "failed", explain(error), reason=_reason(error))
    return _end(run_dir, "failed", message, reason=state) if state == "diverged" else _end(run_dir, state, message)


def _train(
    train: Train, config: TrainConfig, run_dir: Path, should_stop: Callable[[], bool], should_pause: Callable[[], bool]
) -> tuple[str, str]:
    """How training says that it ended. A run that was extended meanwhile goes on from where it had come to."""
    about = json_files.about(run_dir).record
    added = about.added_epochs if about else ()
    total = config.model_copy(update={"epochs": config.epochs + sum(added)})
    train(
        config, run_dir, should_stop=should_stop, should_pause=should_pause, changes=_changes(run_dir, config),
        added_epochs=added, resumable=True, on_download=_printer(should_stop),
        name=str(read_json(run_dir / "run.json").get("name", run_dir.name)), command=command_line(total),
    )  # fmt: skip
    state, message = _outcome(run_dir)
    about = json_files.about(run_dir).record
    if state == "done" and about and about.added_epochs != added:
        return _train(train, config, run_dir, should_stop, should_pause)
    return state, message


def explain(error: Exception) -> str:
    """What went wrong, in a sentence for a person."""
    if isinstance(error, LatentWalkError):
        return str(error)
    if isinstance(error, ValidationError):
        return f"The run's config does not fit this version: {explain_config(error)}"
    text = f"{type(error).__name__}: {error}"
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    if full or "no space left" in text.lower() or "os error 28" in text.lower():  # the latter from Rust
        return DISK_FULL
    if isinstance(error, MemoryError) or "out of memory" in text.lower() or "can't allocate memory" in text.lower():
        return OUT_OF_MEMORY
    return f"{text.splitlines()[0][:300]}. The log has the details."


def _reason(error: Exception) -> str | None:
    """The kind of a failure, where the page has a next step for it."""
    if isinstance(error, (DataError, RunError)):
        return "data" if isinstance(error, DataError) else "state"
    return {DISK_FULL: "disk", OUT_OF_MEMORY: "memory"}.get(explain(error))


def thread_count(cores: int) -> int:
    """Threads for training: all of few cores, since its niceness makes room; on more, two are left to others."""
    return cores if cores <= 4 else min(cores - 2, 16)


def core_count() -> int:
    """Cores this process may use, which can be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _hold_lock(run_dir: Path) -> bool:
    """Keeps the inherited lock, or takes it when started by hand. The descriptor stays open until the process ends."""
    inherited = os.environ.pop(runs.LOCK_VARIABLE, None)
    if inherited is not None:
        os.set_inheritable(int(inherited), False)  # a grandchild must not keep the run alive
        return True
    descriptor = os.open(run_dir / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    return runs.lock_within(descriptor, seconds=0.5)


def lower_priority() -> None:
    """Low priority and a cap on threads, set before any numeric library is imported."""
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    with contextlib.suppress(OSError):  # where Linux weighs sessions against each other, niceness alone counts within one only
        Path("/proc/self/autogroup").write_text(str(NICENESS))
    if hasattr(os, "sched_setscheduler"):
        with contextlib.suppress(OSError):  # batch work never interrupts a process that just woke up to answer a person
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    os.environ.setdefault("OMP_NUM_THREADS", str(thread_count(core_count())))


def _stop_signal(run_dir: Path) -> Callable[[], bool]:
    """True once `stop` or `pause` is there or the process was asked to end; looks at the disk at most ten times a second."""
    asked, looked = False, 0.0

    def on_signal(*_: object) -> None:
        nonlocal asked
        asked = True

    def should_stop() -> bool:
        nonlocal asked, looked
        now = time.monotonic()
        if not asked and now - looked > 0.1:
            looked = now
            asked = _asked(run_dir, "stop") or _asked(run_dir, "pause")
        return asked

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    return should_stop


def _asked(run_dir: Path, what: str) -> bool:
    return (run_dir / what).exists()


def _changes(run_dir: Path, config: TrainConfig) -> Callable[[], Mapping[str, float]]:
    """The settings that changes.json asks for, looked at a few times a second; what does not fit is said once and left out."""
    wanted: dict[str, float] = {}
    refused: dict[str, float] = {}
    looked = 0.0

    def changes() -> Mapping[str, float]:
        nonlocal wanted, refused, looked
        now = time.monotonic()
        if now - looked < CHANGES_SECONDS:
            return wanted
        looked, found = now, json_files.changes(run_dir)
        if found not in (wanted, refused):
            try:
                with_settings(config, found)
                wanted = found
            except ConfigError as error:
                refused = found
                print(f"Not changed: {error}")
        return wanted

    return changes


def _wait_turn(run_dir: Path, config: TrainConfig, should_stop: Callable[[], bool]) -> bool:
    """Waits for the run's turn on its device; False when stopped before that."""
    device = device_kind(config.device)
    while not should_stop():
        if try_slot(run_dir, device):
            return True
        time.sleep(POLL_SECONDS)
    return False


def _printer(should_stop: Callable[[], bool]) -> Callable[[str, int, int], None]:
    """Says about once a second how far a download is, and ends it when asked to stop."""
    said = 0.0

    def on_download(what: str, done: int, total: int) -> None:
        nonlocal said
        if should_stop():
            raise Stopped("Stopped while the images were downloaded.")
        if time.monotonic() - said > 1:
            said = time.monotonic()
            print(f"Downloading {what}: {done / 1e6:.1f} of {total / 1e6:.1f} MB")

    return on_download


def _real_train() -> Train:
    from vae_core.training.loop import train  # imports torch: not before it is this run's turn

    return train


def _outcome(run_dir: Path) -> tuple[str, str]:
    """How training says it ended: done, stopped, paused, diverged or failed."""
    ends = [row for row in read_tail(run_dir / "metrics.jsonl") if row.get("kind") == "end"]
    if not ends:
        return "failed", "Training ended without saying how. The log has the details."
    state, message = ends[-1].get("state", "failed"), ends[-1].get("message") or ""
    return (state if state in ("done", "stopped", "paused", "diverged") else "failed"), message


def _end(run_dir: Path, state: str, message: str, reason: str | None = None) -> int:
    if message:
        print(message)
    runs.write_status(run_dir, state=state, message=message, reason=reason, ended=time.time(), **_best(run_dir))
    return 1 if state == "failed" else 0


def _best(run_dir: Path) -> dict[str, float]:
    """The best validation ELBO or error, kept in the status so that lists need not read a long history."""
    rows = read_tail(run_dir / "metrics.jsonl", size=4 << 20)
    found = {"elbo": runs.best_elbo(rows), "error": runs.least_error(rows)}
    return {name: value for name, value in found.items() if value is not None}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
