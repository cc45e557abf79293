"""Child processes that run modules of this project, wherever the parent was started."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO

PROJECT = Path(__file__).resolve().parents[2]  # the folder that holds vae_core
ONE_CORE = {  # of the environment
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
}


def environment(**more: str) -> dict[str, str]:
    """This process's environment, in which `python -m vae_core...` finds this project, and `more`."""
    path = os.pathsep.join(part for part in (str(PROJECT), os.environ.get("PYTHONPATH")) if part)
    return os.environ | {"PYTHONPATH": path} | more


def start_module(
    module: str,
    *arguments: str,
    output: IO[bytes],
    given: IO[bytes] | None = None,
    kept: tuple[int, ...] = (),
    variables: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Starts `python -m module` in a session of its own: it goes on when the server is stopped with Ctrl+C.

    Args:
        output: of what it prints, errors too.
        given: what it reads; nothing by default.
        kept: file descriptors that it inherits, such as that of a lock.
        variables: of its environment.

    Raises:
        OSError: no process can be started.
    """
    child = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.DEVNULL if given is None else given,
        stdout=output,
        stderr=subprocess.STDOUT,
        pass_fds=kept,
        start_new_session=True,
        env=environment(**(variables or {})),
    )
    threading.Thread(target=child.wait, daemon=True, name=f"reap-{child.pid}").start()  # no zombie is left behind
    return child
