"""Which runs there are and how each one stands. Only reads; whatever lies in a run's folder, only that run is "unreadable"."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from vae_core.config.schema import TrainConfig
from vae_core.errors import RunError
from vae_core.runs import json_files
from vae_core.runs.json_files import reason
from vae_core.runs.lock import is_alive
from vae_core.system.open_untrusted_file import is_regular

State = Literal["queued", "running", "done", "stopped", "paused", "failed", "died", "unreadable"]
CHECKPOINT = "best.safetensors"  # the best epoch so far
STATE = "state.safetensors"  # from which a run goes on
QUIET = 180.0  # seconds without a sign of life after which a run is said to have stalled
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
    place: float = 0.0  # in the queue: the lower, the earlier
    config: TrainConfig | None = None  # None when config.json is missing or broken; added epochs are counted in
    added_epochs: tuple[int, ...] = ()  # by which it was extended, each time so many
    settings: dict[str, float] = field(default_factory=dict)  # changed while it went
    parent: str = ""  # id of the run whose settings it was made from
    started: float | None = None  # for the last time
    ended: float | None = None
    before: float = 0.0  # seconds it had gone when it was resumed
    message: str = ""  # a sentence about why it failed, stopped or cannot be read; empty when all is well
    reason: str = ""  # of a failure: diverged | disk | memory | data | state, or empty
    stopping: bool = False  # asked to stop or to pause, and still at it
    quiet: float = 0.0  # seconds without a sign of life of a run that goes
    has_state: bool = False  # whether a state is there from which it can go on
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
        """How long it has been trained."""
        return self.before + (0.0 if self.started is None else max(0.0, (self.ended or time.time()) - self.started))

    @property
    def stalled(self) -> bool:
        """Whether it goes and has not shown it for a long time."""
        return self.state == "running" and self.quiet > QUIET

    @property
    def resumable(self) -> bool:
        """Whether it has ended early and can go on: from its state, or from the beginning where it had hardly begun."""
        if self.live or self.config is None or self.state == "unreadable":
            return False
        if self.state == "done":
            return self.has_state and self.epoch < self.config.epochs
        return self.has_state or self.epoch < 1


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


def queue_order(run_dir: Path) -> tuple[float, str] | None:
    """Its place in the queue; None when it cannot be read."""
    found = json_files.about(run_dir).record
    return None if found is None else (_place(found), run_dir.name)


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
    found, config = json_files.said(run.path), json_files.config(run.path).record
    said, about = found.record or json_files.Said(), json_files.about(run.path).record
    state = _state(run, found, alive)
    epoch, elbo, error = json_files.progress(run.path)
    added = about.added_epochs if about else ()
    return RunStatus(
        run_id=run.run_id,
        name=run.name,
        created=run.created,
        state=state,
        path=run.path,
        place=_place(about) if about else run.created,
        config=config.model_copy(update={"epochs": config.epochs + sum(added)}) if config and added else config,
        added_epochs=added,
        settings=json_files.changes(run.path),
        parent=about.parent or "" if about else "",
        started=said.started,
        before=said.before or 0.0,
        reason=said.reason or "",
        ended=said.ended or (_last_sign(run.path) if state == "died" else None),
        message=run.problem or found.problem if state == "unreadable" else said.message or "",
        stopping=state in ("queued", "running") and any(is_regular(run.path / name) for name in ("stop", "pause")),
        quiet=max(0.0, time.time() - _last_sign(run.path)) if state == "running" else 0.0,
        has_state=is_regular(run.path / STATE),
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
    """When a run was last seen to do something."""
    return max(json_files.modified(run_dir / name) for name in ("metrics.jsonl", "log.txt", "status.json", STATE))


def _place(about: json_files.About) -> float:
    return about.created if about.place is None else about.place
