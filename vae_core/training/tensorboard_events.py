"""A run's numbers as TensorBoard's event files, where `tensorboard` is installed: `tensorboard --logdir runs` shows them.

Of that package only what describes and frames an event is imported, when a run begins; without it nothing happens. Whatever goes
wrong here, the run goes on without.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import socket
import time
from pathlib import Path
from typing import Any

from vae_core.runs.metrics_log import Row

FOLDER = "tensorboard"  # in the folder of a run
GROUPS = {"step": "train", "validation": "validation", "end": "test"}
PLACE = {"kind", "step", "epoch", "time"}  # say where a row stands: not curves
log = logging.getLogger("latent_walk")


class TensorBoardEvents:
    """Appends rows to a file of its own for each time a run begins or goes on."""

    def __init__(self, run_dir: Path, *, after_step: int = 0) -> None:
        """`after_step`: what an earlier file says of later steps is no longer so, because a run goes on from an older state."""
        self._wanted = importlib.util.find_spec("tensorboard") is not None
        self._folder, self._path, self._after = run_dir / FOLDER, Path(), after_step

    def write(self, row: Row) -> None:
        """Appends the numbers of a row, if it has any that belong on a curve."""
        if not self._wanted:
            return
        try:
            if self._path == Path():
                self._begin()
            values = scalars(row)
            if values:
                self._append([_event(row["step"], values)])
        except Exception as error:  # another version of the package, a full disk, a folder that has gone
            self._wanted = False
            log.warning("No more TensorBoard event files for this run: %s: %s", type(error).__name__, error)

    def _begin(self) -> None:
        """A file that says where it begins: TensorBoard then forgets the later steps of earlier files."""
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog

        self._folder.mkdir(exist_ok=True)
        now = time.time()
        self._path = self._folder / f"events.out.tfevents.{now:.6f}.{socket.gethostname()}.{os.getpid()}"
        start = SessionLog(status=SessionLog.START)
        version = Event(wall_time=now, file_version="brain.Event:2")
        self._append([version, Event(wall_time=now, step=self._after + 1, session_log=start)])

    def _append(self, events: list[Any]) -> None:
        from tensorboard.summary.writer.record_writer import RecordWriter

        with self._path.open("ab") as file:
            writer = RecordWriter(file)
            for event in events:
                writer.write(event.SerializeToString())


def scalars(row: Row) -> dict[str, float]:
    """The numbers of a row by TensorBoard's tag: "train/kl", "validation/elbo", "test/elbo", "kl_per_dim/z3"."""
    group = GROUPS.get(row["kind"])
    if group is None:
        return {}
    numbers = {name: value for name, value in row.items() if name not in PLACE and _is_number(value)}
    each = enumerate(row.get("kl_per_dim") or []) if group == "validation" else ()
    return {f"{group}/{name.removeprefix('test_')}": value for name, value in numbers.items()} | {
        f"kl_per_dim/z{d}": value for d, value in each if _is_number(value)
    }


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _event(step: int, values: dict[str, float]) -> Any:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

    summary = Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()])
    return Event(wall_time=time.time(), step=step, summary=summary)
