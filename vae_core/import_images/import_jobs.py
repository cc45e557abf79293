"""Imports in processes of their own, which survive the page that started them: start, list, stop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vae_core.import_images.import_options import ImportOptions

JobState = Literal["running", "done", "stopped", "failed", "died"]


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


def incoming_folder() -> Path:
    """A new empty folder for uploaded files on the disk of the datasets. The job that reads them removes it when it ends."""
    raise NotImplementedError


def start_import(paths: Path | Sequence[Path], name: str, options: ImportOptions) -> str:
    """Starts an import and returns its id.

    Raises:
        DataError: the name cannot be used or is taken, or the process cannot be started.
    """
    raise NotImplementedError


def import_jobs() -> list[ImportJob]:
    """Imports that run or have ended within a day, newest first."""
    return []


def stop_import(job_id: str) -> None:
    """Asks an import to end; nothing of it is kept. One that has ended is left as it is."""
    raise NotImplementedError


def forget_import(job_id: str) -> None:
    """Takes an import that has ended off the list."""
    raise NotImplementedError
