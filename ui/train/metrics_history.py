"""A run's numbers as pages follow them: only what is new is read at each look, and all sessions share what was read."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from vae_core.runs import RunStatus
from vae_core.runs.metrics_log import MetricsFollower, Row

PACE_SECONDS = 30.0  # over at least so long the pace of a run is taken
READ_SECONDS = 0.5  # at one look; a longer history comes with the next ones
KEPT = 12  # histories in memory, a million rows of which take 70 MB
COLUMNS = 64  # a file with more names than that was not written by a run
EXACT = ("step", "epoch", "time")
CHECKED = {*EXACT, "reconstruction", "kl", "elbo", "loss", "beta", "lr", "gradient_norm", "images_per_second"}  # by the reader
Numbers = np.ndarray


class Columns:
    """Rows of numbers, column by column: a million of them fit into memory. NaN stands where a row has no such number."""

    def __init__(self) -> None:
        self._arrays: dict[str, Numbers] = {}
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> Row:
        """One row, with the numbers it has."""
        place = range(self._length)[index]
        values = ((name, float(array[place])) for name, array in self._arrays.items())
        return {name: value for name, value in values if value == value}

    def column(self, name: str) -> Numbers:
        """All values of one number."""
        return self._arrays[name][: self._length] if name in self._arrays else np.full(self._length, np.nan)

    def extend(self, rows: list[Row]) -> None:
        """Adds rows at the end."""
        start, end = self._length, self._length + len(rows)
        for name in {name for row in rows for name in row}:
            values = [row.get(name) if name in CHECKED else _number(row.get(name)) for row in rows]
            if any(value is not None for value in values) and (name in self._arrays or len(self._arrays) < COLUMNS):
                self._place(name, end)[start:end] = values
        for name in self._arrays:
            self._place(name, end)
        self._length = end

    def _place(self, name: str, end: int) -> Numbers:
        """The array of a name, long enough for so many rows."""
        array = self._arrays.get(name)
        if array is None or len(array) < end:
            kind = np.float64 if name in EXACT else np.float32
            longer = np.full(max(end, 2 * self._length, 256), np.nan, kind)
            if array is not None:
                longer[: self._length] = array[: self._length]
            self._arrays[name] = array = longer
        return array


class History:
    """Rows by kind, in order of time."""

    def __init__(self, path: Path) -> None:
        self._follower = MetricsFollower(path)
        self._lock = threading.Lock()
        self.behind = False  # the last look was over before everything was read
        self._clear()

    def _clear(self) -> None:
        self.start: Row = {}
        self.end: Row = {}
        self.steps = Columns()
        self._full = np.ones(0, bool)  # which of them are not over a handful of batches only
        self.validations: list[Row] = []
        self.changes: list[Row] = []  # of settings, while it ran
        self.dimensions: list[Row] = []  # rows with the KL of each dimension

    def read(self, seconds: float = READ_SECONDS) -> History:
        """Takes in what was written since the last look, for about so long."""
        until = time.monotonic() + seconds
        with self._lock:
            while True:
                before = self._follower.offset
                rows, again = self._follower.read()
                if again:
                    self._clear()
                self.add(rows)
                self.behind = self._follower.offset != before and time.monotonic() > until
                if self.behind or self._follower.offset == before:
                    return self

    @property
    def share_read(self) -> float:
        """How much of what was written has been taken in, 0 to 1."""
        return self._follower.share

    def add(self, rows: list[Row]) -> None:
        """Takes in rows."""
        self.steps.extend([row for row in rows if row.get("kind") == "step"])
        for row in rows:
            kind = row.get("kind")
            if kind == "validation":
                _append(self.validations, row)
            elif kind == "change" and isinstance(row.get("what"), str) and _number(row.get("after")) is not None:
                _append(self.changes, row)
                if row["what"] == "epochs" and row.get("steps"):
                    self.start = self.start | {"steps": row["steps"], "epochs": row["after"]}
            elif kind in ("start", "end"):
                setattr(self, kind, row)
            if kind in ("step", "validation") and row.get("kl_per_dim"):
                _append(self.dimensions, row)

    def column(self, kind: str, name: str, axis: str = "epoch") -> tuple[Numbers, Numbers]:
        """One number of the "step" or "validation" rows over epoch, step or time; rows without it are left out."""
        if kind == "step":
            steps, full = self.steps, self._full
            count = len(steps)  # another session may add rows meanwhile
            xs, ys = steps.column(axis)[:count], steps.column(name)[:count]
            if len(full) != count:
                self._full = full = _full(steps.column("step")[:count])  # for all charts of a look
            there = np.isfinite(ys) & full
        else:
            xs, ys = (np.array([_number(row.get(key)) for row in self.validations], float) for key in (axis, name))
            there = np.isfinite(ys)
        return xs[there], ys[there]

    @property
    def progress(self) -> float:
        """Share of all steps that is done, 0 to 1."""
        last = self.steps[-1]["step"] if self.steps else 0
        return min(1.0, last / self.start["steps"]) if self.start.get("steps") else 0.0

    @property
    def rate(self) -> float:
        """Images per second lately: the median of the last twenty rows, which a pause for validation does not move."""
        recent = np.sort(np.nan_to_num(self.steps.column("images_per_second")[-20:]))
        return float(recent[len(recent) // 2]) if len(recent) else 0.0

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
        times, last = self.steps.column("time"), self.steps[-1]
        first = self.validations[0] if self.validations else self.steps[0]
        epoch = (last["time"] - first["time"]) / max(last["epoch"], 1e-9)
        since = last["time"] - max(PACE_SECONDS, (last["time"] - first["time"]) / 3, min(epoch, 4 * PACE_SECONDS))
        return self.steps[int(np.argmax(times >= since))] if since > first["time"] else first


def _append(rows: list[Row], row: Row, most: int = 20_000) -> None:
    """Adds a row; of more than any run writes every second one is dropped."""
    rows.append(row)
    if len(rows) > most:
        del rows[::2]


def _number(value: Any) -> float | None:
    """What can be drawn of a value that came from a file."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= 1e15:
        return None
    return value


def _full(steps: Numbers) -> np.ndarray:
    """Not the rows over a handful of batches, as the end of an epoch leaves them: their means are noise."""
    lengths = np.diff(steps)
    if not len(lengths):
        return np.ones(len(steps), bool)
    sample = lengths[:: max(1, len(lengths) // 5000)]
    typical = np.sort(sample)[len(sample) // 2]
    return np.concatenate([[True], (lengths > 0) & (lengths > 0.4 * typical)])


_histories: dict[Path, History] = {}
_choosing = threading.Lock()


def behind(run: RunStatus) -> bool:
    """Whether more of a run's history can be read at once."""
    history = _histories.get(_path(run))
    return history is not None and history.behind


def _path(run: RunStatus) -> Path:
    return run.path / "metrics.jsonl"


def follow(run: RunStatus) -> History:
    """The history of a run, up to now."""
    path = _path(run)
    with _choosing:
        history = _histories.pop(path, None) or History(path)
        _histories[path] = history  # the last one looked at comes last
        for oldest in list(_histories)[:-KEPT]:
            del _histories[oldest]
    return history.read(READ_SECONDS)
