"""Child processes that run modules of this project, wherever the parent was started."""

from __future__ import annotations

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]  # the folder that holds vae_core


def environment(**more: str) -> dict[str, str]:
    """This process's environment, in which `python -m vae_core...` finds this project, and `more`."""
    path = os.pathsep.join(part for part in (str(PROJECT), os.environ.get("PYTHONPATH")) if part)
    return os.environ | {"PYTHONPATH": path} | more
