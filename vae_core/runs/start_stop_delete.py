"""Starting, stopping, renaming and deleting runs. Imports no torch; knows the worker by name only.

A run folder holds run.json (display name, creation time, place in the queue, the run it was made from, epochs added later),
config.json, changes.json (settings changed while it goes), lock, log.txt, status.json, metrics.jsonl, preview.npz,
best.safetensors, and state.safetensors, from which it goes on. A file named `stop` or `pause` asks the run to end.

The kernel's lock on `lock` is the truth about "alive". The parent takes it before the folder appears under its final name and
the child inherits it, so there is no moment at which a run exists, is meant to live and is not locked; the kernel releases it
when the last holder dies, however it dies. A folder whose status says queued or running and whose lock is free has died.

The queue has no dispatcher: every worker is started at once and waits its turn (see queue.py), so it outlives the server.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vae_core.config.schema import TrainConfig
from vae_core.errors import RunError
from vae_core.runs import json_files, trash
from vae_core.runs.json_files import read_json, reason, write_json, write_status
from vae_core.runs.list_runs import folder, list_names, runs_root, status
from vae_core.runs.lock import is_alive, lock_within
from vae_core.runs.run_names import MAX_NAME, check_name, slug, suggest_name
from vae_core.system.child_processes import start_module
from vae_core.system.open_untrusted_file import is_regular, open_regular

WORKER = "vae_core.training.worker_process"
LOCK_VARIABLE = "VAE_LOCK_FD"  # the inherited descriptor of the run's lock


def start(config: TrainConfig, name: str | None = None, parent: str | None = None) -> str:
    """Starts a run in a process of its own, which survives this one, and returns its id (its folder's name).

    `name` is what people see; a number is appended when another run has it. Without one it is made from the config. `parent` is
    the id of the run whose settings it was made from.

    Raises:
        RunError: the name cannot be used, or the folder or the process cannot be made.
    """
    display = free_name(check_name(name) if name and name.strip() else suggest_name(config))
    created = time.time()
    try:
        run_dir, lock = _new_folder(config, display, created, parent)
    except OSError as error:
        raise RunError(f"A run cannot be written to {runs_root()}: {reason(error)}. Free some space, or set VAE_RUNS.") from None
    try:
        spawn(run_dir, lock)
    except OSError as error:
        write_status(run_dir, state="failed", message=f"The training process could not be started: {reason(error)}.")
        raise RunError(f"The training process could not be started: {reason(error)}.") from None
    finally:
        os.close(lock)  # the child holds its own copy of the same lock
    return run_dir.name


def stop(run_id: str) -> None:
    """Asks a run to end after its current step, keeping its checkpoint; a queued one ends at once. Returns immediately.

    A run that has already ended is left as it is.

    Raises:
        RunError: there is no such run, or its folder cannot be written.
    """
    ask(run_id, "stop")


def ask(run_id: str, what: str) -> None:
    """Leaves a file of this name for a run that goes."""
    run_dir = folder(run_id)
    if not is_alive(run_dir):
        return
    try:
        (run_dir / what).touch()
    except OSError as error:
        raise RunError(f"The run cannot be asked to {what}: {reason(error)}.") from None


def rename(run_id: str, name: str) -> None:
    """Gives a run another display name; its folder and a running process are not touched.

    Raises:
        RunError: the name cannot be used, or another run has it.
    """
    run_dir = folder(run_id)
    name = check_name(name)
    if json_files.about(run_dir).record is None:
        raise RunError("What lies in this run's folder cannot be read, so the run cannot be renamed; it can be deleted.")
    if any(other.name.lower() == name.lower() and other.run_id != run_id for other in list_names()):
        raise RunError(f"Another run is already called {name!r}. Choose another name.")
    write_json(run_dir / "run.json", read_json(run_dir / "run.json") | {"name": name})


def delete(run_id: str) -> None:
    """Moves a run's folder with its checkpoint to the trash, from which it can be restored for a week.

    Raises:
        RunError: there is no such run, or it is still alive and has to be stopped first.
    """
    run_dir = folder(run_id)
    try:
        with _ended(run_dir):
            trash.put(run_dir)
    except OSError as error:
        raise RunError(f"The run cannot be deleted: {reason(error)}.") from None


@contextmanager
def _ended(run_dir: Path) -> Iterator[None]:
    """Within it the run is not alive and cannot become so."""
    path = run_dir / "lock"
    if not is_regular(path) and os.path.lexists(path):  # nothing that a process could hold
        yield
        return
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        run = status(run_dir.name)
        if not lock_within(lock, seconds=1.0 if run.live else 10.0):  # readers and a process that is leaving hold it for moments
            raise RunError(f"The run {run.name!r} is still going. Stop it first, then delete it.")
        yield
    finally:
        os.close(lock)


def log_tail(run_id: str, lines: int = 20) -> str:
    """The last lines of what the run printed, at most 16 kB of it."""
    try:
        with open_regular(folder(run_id) / "log.txt") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 16384))
            text = file.read(16384).decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def free_name(name: str) -> str:
    """`name`, or the first of "name-2", "name-3", ... that no run has."""
    taken = {run.name.lower() for run in list_names()}
    candidates = (f"{name[: MAX_NAME - len(end)]}{end}" for end in ("", *(f"-{n}" for n in range(2, len(taken) + 3))))
    return next(candidate for candidate in candidates if candidate.lower() not in taken)


def _new_folder(config: TrainConfig, name: str, created: float, parent: str | None) -> tuple[Path, int]:
    """A complete, locked run folder, which appears under its final name in one step; the caller closes the lock's descriptor."""
    root = runs_root()
    hidden = root / f".new-{os.getpid()}-{threading.get_ident()}-{time.time_ns()}"
    hidden.mkdir()
    lock = os.open(hidden / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (hidden / "config.json").write_text(config.model_dump_json(indent=1))
        (hidden / "reserve").write_bytes(b"\0" * 16384)
        write_json(hidden / "run.json", {"name": name, "created": created} | ({"parent": parent} if parent else {}))
        write_json(hidden / "status.json", {"state": "queued"})
        return _settle(hidden, root, slug(name), created), lock
    except BaseException:
        os.close(lock)
        shutil.rmtree(hidden, ignore_errors=True)
        raise


def _settle(hidden: Path, root: Path, stem: str, created: float) -> Path:
    """Renames the folder to a name that sorts by time and is free."""
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


def spawn(run_dir: Path, lock: int) -> None:
    """Starts the worker, which holds the lock as long as it lives."""
    with (run_dir / "log.txt").open("ab") as log:
        variables = {"PYTHONUNBUFFERED": "1", LOCK_VARIABLE: str(lock)}
        start_module(WORKER, str(run_dir), output=log, kept=(lock,), variables=variables)
