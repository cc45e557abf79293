"""A run's numbers as one session follows them: only what is new is read at each look."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

from vae_core.runs import RunStatus
from vae_core.runs.metrics_log import Row, read_since

PACE_SECONDS = 30.0  # over at least so long the pace of a run is taken
KEY = "train.history"  # the History of the run this session looks at


@dataclass
class History:
    """Rows by kind, in order of time."""

    path: Path
    offset: int = 0
    start: Row = field(default_factory=dict)
    end: Row = field(default_factory=dict)
    steps: list[Row] = field(default_factory=list)
    validations: list[Row] = field(default_factory=list)

    def read(self) -> History:
        """Takes in what was written since the last look."""
        rows, self.offset = read_since(self.path, self.offset)
        for row in rows:
            kind = row.get("kind")
            if kind == "step":
                self.steps.append(row)
            elif kind == "validation":
                self.validations.append(row)
            elif kind in ("start", "end"):
                setattr(self, kind, row)
        return self

    def column(self, kind: str, name: str) -> tuple[list[float], list[float]]:
        """Epochs and values of one number of the "step" or "validation" rows; rows without it are left out."""
        rows = _full(self.steps) if kind == "step" else self.validations
        pairs = [(row["epoch"], row[name]) for row in rows if isinstance(row.get(name), int | float)]
        return [x for x, _ in pairs], [y for _, y in pairs]

    @property
    def progress(self) -> float:
        """Share of all steps that is done, 0 to 1."""
        last = self.steps[-1]["step"] if self.steps else 0
        return min(1.0, last / self.start["steps"]) if self.start.get("steps") else 0.0

    @property
    def rate(self) -> float:
        """Images per second lately: the median of the last twenty rows, which a pause for validation does not move."""
        recent: list[Any] = sorted(row.get("images_per_second") or 0.0 for row in self.steps[-20:])
        return recent[len(recent) // 2] if recent else 0.0

    @property
    def seconds_left(self) -> float | None:
        """From the pace lately, which a machine that gets busier or calmer changes; None before there is a pace."""
        if len(self.steps) < 3 or not self.progress:
            return None
        began, last = self._paced_from(), self.steps[-1]
        done = last["step"] - began["step"]
        to_do = max(0, self.start["steps"] - last["step"])
        return max(0.0, last["time"] - began["time"]) / done * to_do if done > 0 else None

    def _paced_from(self) -> Row:
        """The row from which on the pace is taken: a third of the time so far, but long enough to hold a validation."""
        end = self.steps[-1]["time"]
        first = self.validations[0] if self.validations else self.steps[0]
        epoch = (end - first["time"]) / max(self.steps[-1]["epoch"], 1e-9)
        since = end - max(PACE_SECONDS, (end - first["time"]) / 3, min(epoch, 4 * PACE_SECONDS))
        return next((row for row in self.steps if row["time"] >= since), first) if since > first["time"] else first


def _full(steps: list[Row]) -> list[Row]:
    """Without the rows over a handful of batches, as the end of an epoch leaves them: their means are noise."""
    lengths = [after["step"] - before["step"] for before, after in itertools.pairwise(steps)]
    typical = sorted(lengths)[len(lengths) // 2] if lengths else 0
    return steps[:1] + [row for row, length in zip(steps[1:], lengths, strict=True) if length > 0.4 * typical]


def follow(run: RunStatus) -> History:
    """The history of the run this session looks at, up to now."""
    path = run.path / "metrics.jsonl"
    history = st.session_state.get(KEY)
    if not isinstance(history, History) or history.path != path:
        history = st.session_state[KEY] = History(path)
    return history.read()
