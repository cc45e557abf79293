"""Pages that are made for somebody who waits in a browser: each by a child process that stands back for everybody else.

A job is a folder `$VAE_RUNS/.published/ID`: job.json (what was asked), status.json (how it stands), lock (held while its process
lives), and the file itself. The newest few are kept. Imports no torch.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vae_core import runs
from vae_core.publish.write_page import PublishError, Words
from vae_core.runs.json_files import read_json, reason
from vae_core.system.child_processes import ONE_CORE, start_module

WORKER = "vae_core.publish.publish_process"
KEPT = 4  # pages, each of some megabytes
AT_ONCE = 2  # children
Form = Literal["zip", "html"]


@dataclass(frozen=True)
class Job:
    """How a page stands. `share`: of the work, 0 to 1; `message`: what is being done, or what went wrong."""

    id: str
    state: Literal["running", "done", "failed"]
    share: float
    message: str
    path: Path  # of the file, once it is done


def start(models: Sequence[tuple[str, Path]], words: Words, form: Form, components: Path) -> str:
    """Starts to make a page of models (name, file) and returns the job's id.

    Raises:
        PublishError: too many are being made, or the process cannot be started.
    """
    live = [job for job in _jobs() if job.state == "running"]
    if len(live) >= AT_ONCE:
        raise PublishError(f"{len(live)} pages are being made at this moment. Try again in a minute.")
    _forget_oldest()
    folder = _root() / f"{time.time_ns():x}-{os.getpid()}"
    asked = {"models": [[name, str(path.absolute())] for name, path in models], "words": vars(words), "form": form}
    try:
        folder.mkdir(parents=True)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            runs.write_json(folder / "job.json", {**asked, "components": str(components)})
            _spawn(folder, lock)
        finally:
            os.close(lock)  # the child holds its own copy of the same lock
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise PublishError(f"The page cannot be made: {reason(error)}. Free some space, or set VAE_RUNS.") from None
    return folder.name


def job(job_id: str) -> Job:
    """How it stands.

    Raises:
        PublishError: there is no such job.
    """
    folder = _root() / job_id
    if not job_id or "/" in job_id or job_id.startswith(".") or not (folder / "job.json").is_file():
        raise PublishError("This page is no longer kept. Publish it again.")
    return _job(folder)


def _job(folder: Path) -> Job:
    alive = runs.is_alive(folder)  # before status.json is read: a job that ends in between is then seen as ended, not as died
    asked, said = read_json(folder / "job.json"), read_json(folder / "status.json")
    path = folder / f"page.{asked.get('form', 'zip')}"
    share, message = float(said.get("share", 0.0)), str(said.get("message", ""))
    if path.is_file():
        return Job(folder.name, "done", 1.0, message, path)
    if alive and said.get("state") != "failed":
        return Job(folder.name, "running", share, message, path)
    died = "The process that made the page ended before it was done. Try again."
    return Job(folder.name, "failed", share, message if said.get("state") == "failed" else died, path)


def _spawn(folder: Path, lock: int) -> None:
    with (folder / "log.txt").open("ab") as log:
        start_module(WORKER, str(folder.absolute()), output=log, kept=(lock,), variables=ONE_CORE)


def _jobs() -> list[Job]:
    """Newest first."""
    try:
        return [_job(folder) for folder in sorted(_root().iterdir(), reverse=True)]
    except OSError:
        return []


def _forget_oldest() -> None:
    for old in [job for job in _jobs() if job.state != "running"][KEPT - 1 :]:
        shutil.rmtree(_root() / old.id, ignore_errors=True)


def _root() -> Path:
    return runs.runs_root() / ".published"
