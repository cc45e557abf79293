"""Deleted runs, which are kept for a week: each lies in `.trash` of the runs' folder, named after when and what it was."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from vae_core.errors import RunError
from vae_core.runs import json_files
from vae_core.runs.json_files import reason
from vae_core.runs.list_runs import runs_root

DAYS = 7
_NAMED = re.compile(r"(\d{10,13})~(.{1,200})", re.DOTALL)  # milliseconds since 1970, and the run's id


@dataclass(frozen=True)
class Deleted:
    """A run in the trash."""

    key: str  # the folder's name
    run_id: str
    name: str
    deleted: float  # seconds since 1970
    path: Path

    @property
    def days_left(self) -> float:
        """Until it is removed for good."""
        return max(0.0, DAYS - (time.time() - self.deleted) / 86400)


def folder() -> Path:
    """Where they lie; it may not be there yet."""
    return runs_root() / ".trash"


def put(run_dir: Path) -> None:
    """Moves a run's folder here in one step, and removes for good what has been here for a week.

    Raises:
        OSError: it cannot be moved.
    """
    folder().mkdir(exist_ok=True)
    run_dir.rename(folder() / f"{time.time_ns() // 1_000_000}~{run_dir.name}")
    sweep()


def deleted_runs() -> list[Deleted]:
    """What is in the trash, last deleted first; nothing where it cannot be read."""
    try:
        names = os.listdir(folder())  # noqa: PTH208 - names only
    except OSError:
        return []
    return sorted(filter(None, map(_entry, names)), key=lambda one: one.deleted, reverse=True)


def restore(key: str) -> str:
    """Brings a run back and returns its id.

    Raises:
        RunError: it is not in the trash any more, or a run of its id is there again.
    """
    one = _entry(key)
    if one is None or not os.path.lexists(one.path):
        raise RunError("This run is not in the trash any more: it was restored, or removed for good.")
    target = runs_root() / one.run_id
    if os.path.lexists(target):
        raise RunError(f"A run with the id {one.run_id} is there already. Delete that one first.")
    try:
        one.path.rename(target)
    except OSError as error:
        raise RunError(f"The run cannot be restored: {reason(error)}.") from None
    return one.run_id


def empty(key: str | None = None) -> int:
    """Removes one run of the trash for good, or all of them; how many there were."""
    found = [one for one in deleted_runs() if key in (None, one.key)]
    for one in found:
        _remove(one.path)
    return len(found)


def sweep() -> None:
    """Removes for good what has been here for a week."""
    for one in deleted_runs():
        if not one.days_left:
            _remove(one.path)


def size(path: Path) -> int:
    """Bytes of the files below a folder, without following links."""
    total = 0
    for place, _, names in os.walk(path):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_size  # noqa: PTH118 - a Path for each is slow
    return total


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink() if path.is_symlink() or not path.is_dir() else shutil.rmtree(path, ignore_errors=True)


def _entry(key: str) -> Deleted | None:
    named = _NAMED.fullmatch(key)
    if named is None or "/" in key:
        return None
    path = folder() / key
    about = json_files.about(path).record
    return Deleted(key, named[2], about.name if about else named[2], int(named[1]) / 1000, path)
