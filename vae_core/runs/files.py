"""The two things a run folder rests on: files that are replaced whole, and a lock that the kernel frees."""

from __future__ import annotations

import fcntl
import json
import os
import time
from pathlib import Path
from typing import Any

from vae_core.system.regular_files import open_regular, read_regular
from vae_core.system.replaced_file import replaced

MAX_JSON = 1_000_000  # bytes


def is_alive(run_dir: Path) -> bool:
    """Whether some process holds the run's lock. Readers share it, so they never see each other as the run."""
    try:
        lock = open_regular(run_dir / "lock")
    except OSError:  # missing, or something that no run has made and no process can hold
        return False
    with lock:
        return not try_lock(lock.fileno(), fcntl.LOCK_SH)


def write_status(run_dir: Path, **fields: Any) -> None:
    """Merges fields into status.json, atomically.

    A few kB are kept aside in `reserve`, so that even a run that ends because the disk is full can say so.
    """
    merged = read_json(run_dir / "status.json") | fields
    try:
        write_json(run_dir / "status.json", merged)
    except OSError:
        (run_dir / "reserve").unlink(missing_ok=True)
        write_json(run_dir / "status.json", merged)


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Replaces the file whole."""
    with replaced(path) as beside:
        beside.write_text(json.dumps(value, indent=1))


def try_lock(descriptor: int, kind: int) -> bool:
    """Whether the lock was had at once; `kind` is fcntl.LOCK_EX or LOCK_SH."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def lock_within(descriptor: int, seconds: float) -> bool:
    """Whether the lock could be had, alone, before the time was over."""
    deadline = time.monotonic() + seconds
    while not try_lock(descriptor, fcntl.LOCK_EX):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def read_json(path: Path) -> dict[str, Any]:
    """What the file holds; empty when it is missing, torn, far too large or no JSON object."""
    try:
        value = json.loads(read_regular(path, MAX_JSON))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def reason(error: OSError) -> str:
    """The system's own words for an error, without number and path."""
    return os.strerror(error.errno).lower() if error.errno else str(error)
