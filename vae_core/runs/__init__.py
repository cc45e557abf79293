"""Training runs as folders: start, stop, rename, delete, list. Imports no torch; knows the worker by name only.

A run folder holds run.json (display name, creation time), config.json, lock, log.txt, status.json, metrics.jsonl,
preview.npz and last.safetensors; a file named `stop` asks the run to stop.

The kernel's lock on `lock` is the truth about "alive". The parent takes it before the folder appears under its final name and
the child inherits it, so there is no moment at which a run exists, is meant to live and is not locked; the kernel releases it
when the last holder dies, however it dies. A folder whose status says queued or running and whose lock is free has died.

The queue has no dispatcher: every worker is started at once and waits its turn (see worker.py), so it outlives the server.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from vae_core.config import TrainConfig
from vae_core.errors import RunError
from vae_core.metrics import Row, read_tail
from vae_core.runs.files import is_alive, lock_within, read_json, reason, try_lock, write_json, write_status
from vae_core.runs.names import MAX_NAME, check_name, slug, suggest_name

WORKER = "vae_core.worker"
LOCK_VARIABLE = "VAE_LOCK_FD"  # the inherited descriptor of the run's lock
__all__ = [
    "LOCK_VARIABLE", "MAX_NAME", "RunStatus", "State", "best_elbo", "check_name", "delete", "free_name", "is_alive", "list_runs",
    "lock_within", "log_tail", "rename", "runs_ahead", "runs_root", "start", "status", "stop", "suggest_name", "try_lock",
    "write_json", "write_status",
]  # fmt: skip
State = Literal["queued", "running", "done", "stopped", "failed", "died"]


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
    message: str = ""  # a sentence about why it failed or stopped; empty when all is well
    stopping: bool = False  # asked to stop and still at it
    epoch: float = 0.0
    elbo: float | None = None  # best beta-free validation ELBO so far
    checkpoint: Path | None = None  # a usable model, if there is one

    @property
    def live(self) -> bool:
        """Whether a process still works on it or waits for its turn."""
        return self.state in ("queued", "running")

    @property
    def seconds(self) -> float:
        """Time since training began, up to its end."""
        return 0.0 if self.started is None else (self.ended or time.time()) - self.started


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


def start(config: TrainConfig, name: str | None = None) -> str:
    """Starts a run in a process of its own, which survives this one, and returns its id (its folder's name).

    `name` is what people see; a number is appended when another run has it. Without one it is made from the config.

    Raises:
        RunError: the name cannot be used, or the folder or the process cannot be made.
    """
    display = free_name(check_name(name) if name and name.strip() else suggest_name(config))
    created = time.time()
    try:
        run_dir, lock = _new_folder(config, display, created)
    except OSError as error:
        raise RunError(f"A run cannot be written to {runs_root()}: {reason(error)}. Free some space, or set VAE_RUNS.") from None
    try:
        _spawn(run_dir, lock)
    except OSError as error:
        write_status(run_dir, state="failed", message=f"The training process could not be started: {reason(error)}.")
        raise RunError(f"The training process could not be started: {reason(error)}.") from None
    finally:
        os.close(lock)  # the child holds its own copy of the same lock
    return run_dir.name


def status(run_id: str) -> RunStatus:
    """Where a run stands now.

    Raises:
        RunError: there is no such run.
    """
    return _status(_folder(run_id))


def list_runs() -> list[RunStatus]:
    """All runs, newest first. A folder that is being deleted meanwhile is left out."""
    found = []
    for run_dir in _run_folders(runs_root()):
        with contextlib.suppress(RunError):
            found.append(_status(run_dir))
    return sorted(found, key=lambda run: (run.created, run.run_id), reverse=True)


def stop(run_id: str) -> None:
    """Asks a run to end after its current step, keeping its checkpoint; a queued one ends at once. Returns immediately.

    A run that has already ended is left as it is.

    Raises:
        RunError: there is no such run, or its folder cannot be written.
    """
    run_dir = _folder(run_id)
    if not is_alive(run_dir):
        return
    try:
        (run_dir / "stop").touch()
    except OSError as error:
        raise RunError(f"The run cannot be asked to stop: {reason(error)}.") from None


def rename(run_id: str, name: str) -> None:
    """Gives a run another display name; its folder and a running process are not touched.

    Raises:
        RunError: the name cannot be used, or another run has it.
    """
    run_dir = _folder(run_id)
    name = check_name(name)
    if any(other.name.lower() == name.lower() and other.run_id != run_id for other in list_runs()):
        raise RunError(f"Another run is already called {name!r}. Choose another name.")
    write_json(run_dir / "run.json", read_json(run_dir / "run.json") | {"name": name})


def delete(run_id: str) -> None:
    """Removes a run's folder with its checkpoint. It leaves the list in one step, even when removing the files takes long.

    Raises:
        RunError: there is no such run, or it is still alive and has to be stopped first.
    """
    run_dir = _folder(run_id)
    lock = os.open(run_dir / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not lock_within(lock, seconds=1.0):  # readers and a process that is just leaving hold it for moments
            raise RunError(f"The run {_status(run_dir).name!r} is still going. Stop it first, then delete it.")
        gone = run_dir.with_name(f".deleted-{run_dir.name}-{time.time_ns()}")
        run_dir.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)
    except OSError as error:
        raise RunError(f"The run cannot be deleted: {reason(error)}.") from None
    finally:
        os.close(lock)


def log_tail(run_id: str, lines: int = 20) -> str:
    """The last lines of what the run printed, at most 16 kB of it."""
    path = _folder(run_id) / "log.txt"
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 16384))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def free_name(name: str) -> str:
    """`name`, or the first of "name-2", "name-3", ... that no run has."""
    taken = {run.name.lower() for run in list_runs()}
    candidates = (f"{name[: MAX_NAME - len(end)]}{end}" for end in ("", *(f"-{n}" for n in range(2, len(taken) + 3))))
    return next(candidate for candidate in candidates if candidate.lower() not in taken)


def runs_ahead(run_dir: Path) -> list[Path]:
    """The live runs that were started before this one."""
    mine = _order(run_dir)
    return [other for other in _run_folders(run_dir.parent) if _order(other) < mine and is_alive(other)]


def best_elbo(rows: list[Row]) -> float | None:
    """The best beta-free validation ELBO among the rows, nats per image."""
    return max((row["elbo"] for row in rows if row.get("kind") == "validation" and row.get("elbo") is not None), default=None)


def _new_folder(config: TrainConfig, name: str, created: float) -> tuple[Path, int]:
    """A complete, locked run folder, which appears under its final name in one step; the caller closes the lock's descriptor."""
    root = runs_root()
    hidden = root / f".new-{os.getpid()}-{threading.get_ident()}-{time.time_ns()}"
    hidden.mkdir()
    lock = os.open(hidden / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (hidden / "config.json").write_text(config.model_dump_json(indent=1))
        (hidden / "reserve").write_bytes(b"\0" * 16384)
        write_json(hidden / "run.json", {"name": name, "created": created})
        write_json(hidden / "status.json", {"state": "queued"})
        return _settle(hidden, root, slug(name), created), lock
    except BaseException:
        os.close(lock)
        shutil.rmtree(hidden, ignore_errors=True)
        raise


def _settle(hidden: Path, root: Path, stem: str, created: float) -> Path:
    """Renames the folder to a name that sorts by time and that nobody has."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(created))
    for number in range(1, 1000):
        target = root / (f"{stamp}-{stem}" if number == 1 else f"{stamp}-{stem}-{number}")
        try:
            hidden.rename(target)  # fails on a folder that has files, as every run has
            return target
        except OSError:
            if not target.exists():
                raise
    raise RunError("A thousand runs of this name were started in one second. Choose another name.")


def _spawn(run_dir: Path, lock: int) -> None:
    """The worker in a session of its own, so that closing the server's terminal does not reach it."""
    package_root = str(Path(__file__).resolve().parents[1])
    path = os.pathsep.join(part for part in (package_root, os.environ.get("PYTHONPATH")) if part)
    with (run_dir / "log.txt").open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", WORKER, str(run_dir)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=(lock,),
            start_new_session=True,
            env=os.environ | {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1", LOCK_VARIABLE: str(lock)},
        )
    threading.Thread(target=child.wait, daemon=True, name=f"reap-{child.pid}").start()  # no zombie is left behind


def _status(run_dir: Path) -> RunStatus:
    alive = is_alive(run_dir)  # before status.json is read: a run that ends in between is then seen as ended, not as died
    about, said = read_json(run_dir / "run.json"), read_json(run_dir / "status.json")
    if not about:
        raise RunError(f"There is no run {run_dir.name!r}; it may have been deleted.")
    state = said.get("state", "died")
    if state in ("queued", "running") and not alive:
        state = "died"
    rows = read_tail(run_dir / "metrics.jsonl")
    checkpoint = run_dir / "last.safetensors"
    return RunStatus(
        run_id=run_dir.name,
        name=str(about["name"]),
        created=float(about["created"]),
        state=state,
        path=run_dir,
        config=_config(run_dir / "config.json"),
        started=said.get("started"),
        ended=said.get("ended") or (_last_sign(run_dir) if state == "died" else None),
        message=said.get("message", ""),
        stopping=alive and state in ("queued", "running") and (run_dir / "stop").exists(),
        epoch=max((row["epoch"] for row in rows if "epoch" in row), default=0.0),
        elbo=said.get("elbo", best_elbo(rows)),
        checkpoint=checkpoint if checkpoint.is_file() else None,
    )


def _last_sign(run_dir: Path) -> float:
    """When a run that died was last seen to do something."""
    files = (run_dir / "metrics.jsonl", run_dir / "log.txt", run_dir / "status.json")
    return max((file.stat().st_mtime for file in files if file.exists()), default=0.0)


def _config(path: Path) -> TrainConfig | None:
    try:
        return _parse_config(path, path.stat().st_mtime_ns)
    except (OSError, ValueError):
        return None


@lru_cache(maxsize=1024)
def _parse_config(path: Path, mtime_ns: int) -> TrainConfig:
    return TrainConfig.model_validate_json(path.read_bytes())


def _folder(run_id: str) -> Path:
    """The folder of a run, never one outside the runs' folder, whatever the id holds."""
    run_dir = runs_root() / run_id
    if not re.fullmatch(r"\w[\w.+-]{0,199}", run_id) or not (run_dir / "run.json").is_file():
        raise RunError(f"There is no run {run_id[:100]!r}; it may have been deleted.")
    return run_dir


def _run_folders(root: Path) -> Iterator[Path]:
    return (file.parent for file in root.glob("[!.]*/run.json"))


def _order(run_dir: Path) -> tuple[float, str]:
    return float(read_json(run_dir / "run.json").get("created", 0.0)), run_dir.name
