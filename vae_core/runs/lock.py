"""The lock of a run folder, which the kernel frees when its process ends: the truth about "alive"."""

from __future__ import annotations

import fcntl
import time
from pathlib import Path

from vae_core.system.open_untrusted_file import open_regular


def is_alive(run_dir: Path) -> bool:
    """Whether some process holds the run's lock. Readers share it, so they never see each other as the run."""
    try:
        lock = open_regular(run_dir / "lock")
    except OSError:  # missing, or something that no run has made and no process can hold
        return False
    with lock:
        return not try_lock(lock.fileno(), fcntl.LOCK_SH)


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
