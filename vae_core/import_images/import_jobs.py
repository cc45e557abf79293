"""Imports in processes of their own, which survive the page that started them: start, list, stop.

A job's folder holds job.json (what was asked for), status.json (how far it is, written by its process), lock and log.txt; a file
named `stop` asks it to end. As with runs, the kernel's lock on `lock` is the truth about "alive".
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vae_core import runs
from vae_core.data.catalog import own_records
from vae_core.data.own_datasets import check_free, check_own_name, own_root
from vae_core.errors import DataError
from vae_core.import_images.import_options import ImportOptions
from vae_core.runs.json_files import read_json, reason, write_json
from vae_core.system.child_processes import start_module

JobState = Literal["running", "done", "stopped", "failed", "died"]
WORKER = "vae_core.import_images.import_process"
KEPT_SECONDS = 86_400.0  # a job that has ended stays on the list for a day
DIED = "The import ended before it was done: it was killed, or the machine was restarted. Nothing of it is kept; start it again."


@dataclass(frozen=True)
class ImportJob:
    """An import as it goes. `message` is a sentence about how it ended; empty while it runs."""

    id: str
    name: str  # of the dataset
    state: JobState
    done: int  # pictures
    total: int
    seconds_left: float | None  # None: not known yet, or ended
    message: str
    created: float  # seconds since 1970

    @property
    def live(self) -> bool:
        """Whether its process still works."""
        return self.state == "running"


def incoming_root() -> Path:
    """Where uploaded files wait for their import."""
    return own_root() / ".incoming"


def incoming_folder() -> Path:
    """A new empty folder for uploaded files, on the disk of the datasets. The job that reads from it removes it when it ends.

    Raises:
        DataError: it cannot be made.
    """
    folder = incoming_root() / f"{time.time_ns():x}-{os.getpid()}"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise DataError(f"Uploads cannot be kept in {own_root()}: {reason(error)}. Free some space, or set VAE_DATA.") from None
    return folder


def start_import(paths: Path | Sequence[Path], name: str, options: ImportOptions) -> str:
    """Starts an import and returns its id.

    Raises:
        DataError: the name cannot be used or is taken, or the process cannot be started.
    """
    name = check_own_name(name)
    check_free(name)
    if any(job.live and job.name.casefold() == name.casefold() for job in import_jobs()):
        raise DataError(f"A dataset called {name!r} is being imported at this moment. Wait for it, or choose another name.")
    given = [paths] if isinstance(paths, (str, Path)) else list(paths)
    folder = _jobs_root() / f"{time.time_ns():x}-{os.getpid()}"
    _remove_forgotten_uploads()
    try:
        folder.mkdir(parents=True)
        (folder / "reserve").write_bytes(b"\0" * 16384)  # so that an import that a full disk ends can say so
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            asked = {"paths": [str(Path(path).absolute()) for path in given], "options": options.model_dump()}
            write_json(folder / "job.json", {"name": name, "created": time.time(), **asked})
            _spawn(folder, lock)
        finally:
            os.close(lock)  # the child holds its own copy of the same lock
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise DataError(f"The import cannot be started: {reason(error)}. Free some space, or set VAE_DATA.") from None
    return folder.name


def _spawn(folder: Path, lock: int) -> None:
    with (folder / "log.txt").open("ab") as log:
        start_module(WORKER, str(folder.absolute()), output=log, kept=(lock,), variables={"PYTHONUNBUFFERED": "1"})


def import_jobs() -> list[ImportJob]:
    """Imports that run or have ended within a day, newest first."""
    try:
        folders = sorted((path for path in _jobs_root().iterdir() if (path / "job.json").is_file()), reverse=True)
    except OSError:
        return []
    jobs = [_job(folder) for folder in folders]
    for job in jobs:
        if not job.live and time.time() - job.created > KEPT_SECONDS:
            forget_import(job.id)
    return jobs


def _job(folder: Path) -> ImportJob:
    alive = runs.is_alive(folder)  # before status.json is read: a job that ends in between is then seen as ended, not as died
    asked, said = read_json(folder / "job.json"), read_json(folder / "status.json")
    state: JobState = said.get("state", "running")
    if state == "running" and not alive and asked.get("name") in own_records():  # it died after its last step
        state, said = "done", said | {"message": "The pictures were imported."}
    died = state == "running" and not alive
    left = said.get("seconds_left")
    return ImportJob(
        id=folder.name,
        name=str(asked.get("name", "")),
        state="died" if died else state,
        done=int(said.get("done", 0)),
        total=int(said.get("total", 0)),
        seconds_left=float(left) if left is not None and state == "running" and not died else None,
        message=DIED if died else str(said.get("message", "")),
        created=float(asked.get("created", 0.0)),
    )


def stop_import(job_id: str) -> None:
    """Asks an import to end; nothing of it is kept. One that has ended is left as it is.

    Raises:
        DataError: there is no such import, or its folder cannot be written.
    """
    try:
        (_folder(job_id) / "stop").touch()
    except OSError as error:
        raise DataError(f"The import cannot be asked to stop: {reason(error)}.") from None


def forget_import(job_id: str) -> None:
    """Takes an import that has ended off the list, and removes what was uploaded for it. One that runs is left alone.

    Raises:
        DataError: there is no such import.
    """
    folder = _folder(job_id)
    if not _job(folder).live:
        remove_incoming([Path(path) for path in read_json(folder / "job.json").get("paths", [])])
        shutil.rmtree(folder, ignore_errors=True)


def remove_incoming(paths: Sequence[Path]) -> None:
    """Removes the folders of uploaded files that these paths lie in; whatever lies elsewhere is a person's own and stays."""
    root = incoming_root().absolute()
    for path in paths:
        inside = path.absolute().relative_to(root).parts if path.absolute().is_relative_to(root) else ()
        if inside and ".." not in inside:
            shutil.rmtree(root / inside[0], ignore_errors=True)


def _remove_forgotten_uploads() -> None:
    """Files of pages that were closed before they started an import."""
    waiting = {path for job in import_jobs() for path in read_json(_jobs_root() / job.id / "job.json").get("paths", [])}
    with suppress(OSError):
        for folder in incoming_root().iterdir():
            needed = any(Path(path).is_relative_to(folder.absolute()) for path in waiting)
            if not needed and time.time() - folder.stat().st_mtime > KEPT_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)


def _jobs_root() -> Path:
    return own_root() / ".jobs"


def _folder(job_id: str) -> Path:
    folder = _jobs_root() / job_id
    if not job_id or "/" in job_id or job_id.startswith(".") or not (folder / "job.json").is_file():
        raise DataError(f"There is no import {job_id[:100]!r}; it may have been removed.")
    return folder
