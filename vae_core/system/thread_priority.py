"""Lower priority for threads whose work can wait longer than a picture can."""

from __future__ import annotations

import contextlib
import os
import sys
import threading

NICE = 10  # of 19


def lower_priority() -> None:
    """This thread runs when no other wants the processor; only Linux can say that of one thread."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
