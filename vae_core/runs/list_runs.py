"""Which runs there are and how each one stands. Only reads; whatever lies in a run's folder, only that run is "unreadable"."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vae_core.config.schema import TrainConfig
from vae_core.errors import RunError
from vae_core.runs import json_files
from vae_core.runs.json_files import reason
from vae_core.runs.lock import is_alive
from vae_core.system.open_untrusted_file import is_regular

State = Literal["queued", "running", "done", "stopped", "failed", "died", "unreadable"]
CHECKPOINT = "best.safetensors"  # the best epoch so far
CHECKPOINT_UNTIL_2026 = "last.safetensors"  # what older runs called it


@dataclass(frozen=True, kw_only=True)
class RunName:
    """A run as lists need it: the folder's name, what people call it, when it was made (seconds since 1970)."""

    run_id: str
    name: str
    created: float
    path: Path
    problem: str = ""  # why run.json could not be read; the folder then gives name and time

    @property
    def checkpoint(self) -> Path:
        """Where its model lies once there is one."""
        return checkpoint_path(self.path)


@dataclass(frozen=True, kw_only=True)
class RunStatus:
    """What is known about a run without importing torch. Times are seconds since 1970; `elbo` is in nats per image."""

    run_id: str
    name: str
    state: State
    created: float
    path: Path
    config: TrainConfig | None = None  # None when config.json is missing or broken
    started: float | None = None
    ended: float | None = None
    message: str = ""  # a sentence about why it failed, stopped or cannot be read; empty when all is well
    stopping: bool = False  # asked to stop and still at it
    epoch: float = 0.0
    elbo: float | None = None  # best beta-free validation ELBO so far
    error: float | None = None  # of an autoencoder instead: least squared validation error so far, per image
    checkpoint: Path | None = None  # a usable model, if there is one

    @property
    def live(self) -> bool:
        """Whether a process still works on it or waits for its turn."""
        return self.state in ("queued", "running")

    @property
    def seconds(self) -> float:
        """Time since training began, up to its end."""
        return 0.0 if self.started is None else max(0.0, (self.ended or time.time()) - self.started)


def runs_root() -> Path:
    """The folder of all runs: $VAE_RUNS, else ./runs; created when missing.

    Raises:
        RunError: it cannot be made.
    """
    root = Path(os.environ.get("VAE_RUNS") or "runs").absolute()
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"The folder {root} cannot be made: {reason(error)}. Set VAE_RUNS to one that can be written.") from None
    return root


def list_names() -> list[RunName]:
    """All runs, newest first, by name, time and folder only: what lists of models need, many times a second."""
    return sorted(filter(None, map(_name, run_folders(runs_root()))), key=lambda run: (run.created, run.run_id), reverse=True)


def list_runs() -> list[RunStatus]:
    """All runs, newest first. A folder that is being deleted meanwhile is left out."""
    return [_status(name) for name in list_names()]


def status(run_id: str) -> RunStatus:
    """Where a run stands now.

    Raises:
        RunError: there is no such run.
    """
    name = _name(folder(run_id))
    if name is None:
        raise RunError(f"There is no run {run_id!r}; it may have been deleted.")
    return _status(name)


def folder(run_id: str) -> Path:
    """The folder of a run, never one outside the runs' folder, whatever the id holds.

    Raises:
        RunError: there is no such run.
    """
    run_dir = runs_root() / run_id if _is_id(run_id) else None
    if run_dir is None or not _holds_a_run(run_dir):
        raise RunError(f"There is no run {run_id[:100]!r}; it may have been deleted.")
    return run_dir


def checkpoint_path(run_dir: Path) -> Path:
    """Where the model of a run lies once there is one."""
    older = run_dir / CHECKPOINT_UNTIL_2026
    return older if is_regular(older) else run_dir / CHECKPOINT


def run_folders(root: Path) -> Iterator[Path]:
    """Every folder with something called run.json in it, whatever that is."""
    try:
        ids = [name for name in os.listdir(root) if _is_id(name)]  # noqa: PTH208 - names only, without a Path for each
    except OSError:
        return
    yield from (root / name for name in ids if _holds_a_run(root / name))


def runs_ahead(run_dir: Path) -> list[Path]:
    """The live runs that were started before this one."""
    mine = _order(run_dir)
    return [other for other in run_folders(run_dir.parent) if mine and (_order(other) or mine) < mine and is_alive(other)]


def _is_id(text: str) -> bool:
    return 0 < len(text) <= 200 and text[0] != "." and "/" not in text and text.isprintable()


def _holds_a_run(run_dir: Path) -> bool:
    try:
        return bool(os.lstat(run_dir / "run.json"))
    except OSError as error:
        return isinstance(error, PermissionError) and bool(re.match(r"\d{8}-\d{6}-", run_dir.name))  # named as we name them


def _name(run_dir: Path) -> RunName | None:
    """None when it is gone in this moment."""
    found = json_files.about(run_dir)
    if found.record is not None:
        return RunName(run_id=run_dir.name, name=found.record.name, created=found.record.created, path=run_dir)
    if not _holds_a_run(run_dir):
        return None
    problem = found.problem or "run.json leads nowhere."
    return RunName(run_id=run_dir.name, name=run_dir.name, created=json_files.modified(run_dir), path=run_dir, problem=problem)


def _status(run: RunName) -> RunStatus:
    alive = is_alive(run.path)  # before status.json is read: a run that ends in between is then seen as ended, not as died
    found, config = json_files.said(run.path), json_files.config(run.path)
    said = found.record or json_files.Said()
    state = _state(run, found, alive)
    epoch, elbo, error = json_files.progress(run.path)
    return RunStatus(
        run_id=run.run_id,
        name=run.name,
        created=run.created,
        state=state,
        path=run.path,
        config=config.record,
        started=said.started,
        ended=said.ended or (_last_sign(run.path) if state == "died" else None),
        message=run.problem or found.problem if state == "unreadable" else said.message or "",
        stopping=state in ("queued", "running") and is_regular(run.path / "stop"),
        epoch=epoch,
        elbo=elbo if said.elbo is None else said.elbo,
        error=error if said.error is None else said.error,
        checkpoint=run.checkpoint if is_regular(run.checkpoint) else None,
    )


def _state(run: RunName, found: json_files.Found[json_files.Said], alive: bool) -> State:
    """The lock is the truth about living; what a living run has not said yet it will say soon."""
    said = found.record.state if found.record else None
    if alive:
        return said or "running"
    if run.problem or found.problem:
        return "unreadable"
    return "died" if said in (None, "queued", "running") else said


def _last_sign(run_dir: Path) -> float:
    """When a run that died was last seen to do something."""
    return max(json_files.modified(run_dir / name) for name in ("metrics.jsonl", "log.txt", "status.json"))


def _order(run_dir: Path) -> tuple[float, str] | None:
    """Its place in the queue; None when it cannot be read."""
    found = json_files.about(run_dir).record
    return None if found is None else (found.created, run_dir.name)
