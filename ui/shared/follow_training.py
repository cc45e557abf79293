"""A model whose training still goes: its facts say how far it is. Its newer weights reach the explorer without a run of the page
(ui/server/training_route.py); the end of the training draws the page anew, with the model that it leaves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from vae_core import runs
from vae_core.errors import RunError
from vae_core.runs.snapshot_files import LIVE, model_path

if TYPE_CHECKING:
    from vae_core.model_files.model_list import ModelEntry
    from vae_core.runs import RunStatus

LOOK_AGAIN = 2.0  # seconds, while it is being trained


def caption(entry: ModelEntry, facts: Callable[[], str]) -> None:
    """The model's facts as one quiet line, and how far its training is while that goes on."""
    if _run(entry) is None:
        st.caption(facts())
    else:
        st.fragment(_follow, run_every=LOOK_AGAIN)(entry, facts)


def goes_on(entry: ModelEntry) -> bool:
    """Whether this file is the model of a run as it is now, replaced again and again."""
    return Path(entry.path).name == LIVE and _run(entry) is not None


def _follow(entry: ModelEntry, facts: Callable[[], str]) -> None:
    """Looks again by itself; another file in its place, or the end of the training, draws the whole page anew."""
    run = _run(entry)
    if run is None or _replaced(entry):
        st.rerun(scope="app")
    else:
        st.caption(f"**{progress(run)}** · {facts()}")


def _run(entry: ModelEntry) -> RunStatus | None:
    """The run that this model comes from, while it goes."""
    if entry.origin != "run":
        return None
    try:
        run = runs.status(Path(entry.path).parent.name)
    except RunError:
        return None
    return run if run.live else None


def _replaced(entry: ModelEntry) -> bool:
    path = Path(entry.path)
    if model_path(path.parent) != path:
        return True
    try:
        return path.name != LIVE and path.stat().st_mtime_ns != entry.mtime_ns
    except OSError:
        return True


def progress(run: RunStatus) -> str:
    """How far the training is, counted as on the Train page."""
    if run.stopping or run.config is None:
        return "training is ending" if run.stopping else "still training"
    return f"still training, epoch {min(int(run.epoch) + 1, run.config.epochs)} of {run.config.epochs}"
