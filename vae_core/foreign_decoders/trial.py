"""A trial of an ONNX file in a process of its own, and which files have passed one. Imports neither torch nor onnx.

The server itself only ever runs a file that has passed, to the byte: its cost does not depend on z (check_graph.py), the trial
has run it with the largest batch that is used afterwards, within a bound of memory, and has measured how long it takes.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vae_core.errors import CheckpointError
from vae_core.foreign_decoders.facts import MAX_FILE_BYTES, Layout, Range
from vae_core.runs.json_files import read_json
from vae_core.runs.list_runs import runs_root
from vae_core.system.child_processes import environment

PROCESS = "vae_core.foreign_decoders.trial_process"
SECONDS = 150.0  # for a whole trial, by the clock; its time on a processor is bounded more tightly, in the process itself
VERSION = 1  # of what a trial asks: a larger one has every file tried again
ENDED = {-9: "it took too long or too much memory", -24: "it took too long"}
REMEMBERED = 200  # refusals


class Report(BaseModel):
    """What a trial has found."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    latent_dim: int = Field(ge=1, le=256)
    height: int = Field(ge=8, le=256)
    width: int = Field(ge=8, le=256)
    channels: int = Field(ge=1, le=3)
    layout: Layout
    range: Range
    low: float  # of the values that it draws
    high: float
    milliseconds: float  # for one picture
    nodes: int
    encoder_layout: Layout | None = None


@dataclass(frozen=True)
class Trial:
    """A file that has passed: what was found, the files as they are kept, and draws as the decoder gives them, by prior."""

    report: Report
    decoder: bytes
    encoder: bytes
    draws: Mapping[str, NDArray[Any]]


_one_at_a_time = threading.Lock()
_refused: dict[str, str] = {}  # digest -> sentence, of this process
_passed: dict[str, Report] = {}  # the same of those that have passed


def try_out(decoder: bytes, encoder: bytes = b"") -> Trial:
    """Runs a trial and waits for it, some seconds.

    Raises:
        CheckpointError: the file is refused; the sentence says why.
    """
    if max(len(decoder), len(encoder)) > MAX_FILE_BYTES:
        raise CheckpointError(f"The file has {max(len(decoder), len(encoder)):,} bytes; at most {MAX_FILE_BYTES:,} are accepted.")
    with _one_at_a_time, _folder() as folder:
        (folder / "decoder.onnx").write_bytes(decoder)
        if encoder:
            (folder / "encoder.onnx").write_bytes(encoder)
        _run(folder)
        found = _read(folder)
    _remember(found)
    return found


@contextmanager
def _folder() -> Iterator[Path]:
    try:
        with tempfile.TemporaryDirectory(prefix="latent-walk-trial-", ignore_cleanup_errors=True) as name:
            yield Path(name)
    except OSError as error:
        raise CheckpointError(f"The file cannot be tried: {error.strerror or error}. Free some space and try again.") from None


def _run(folder: Path) -> None:
    argv = [sys.executable, "-m", PROCESS, str(folder)]
    nowhere = subprocess.DEVNULL
    try:
        ended = subprocess.run(
            argv,
            stdin=nowhere,
            stdout=nowhere,
            stderr=nowhere,
            cwd=folder,
            env=environment(OMP_NUM_THREADS="1"),
            timeout=SECONDS,
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CheckpointError(f"It was stopped after {SECONDS:.0f} seconds: it takes too long to load or to run.") from None
    if ended.returncode:
        reason = ENDED.get(ended.returncode, "it broke the runtime, or took too much memory")
        raise CheckpointError(f"Its trial in a process of its own ended before it was done: {reason}.")


def _read(folder: Path) -> Trial:
    said = read_json(folder / "report.json")
    if error := said.get("error"):
        raise CheckpointError(str(error)[:1000])
    try:
        report = Report.model_validate(said)
        with np.load(folder / "draws.npz", allow_pickle=False) as file:
            draws = {prior: file[prior] for prior in ("normal", "uniform")}
        kept = folder / "checked-encoder.onnx"
        encoder = kept.read_bytes() if kept.exists() else b""
        return Trial(report, (folder / "checked-decoder.onnx").read_bytes(), encoder, draws)
    except (ValidationError, OSError, ValueError, KeyError):
        raise CheckpointError("Its trial in a process of its own left no answer. Try it again.") from None


def ensure_passed(decoder: bytes, encoder: bytes = b"") -> Report:
    """The report of a file that has passed, here or under another server of these runs; of one that nobody knows, after a trial.

    Raises:
        CheckpointError: it is refused, or is not in the form in which accepted files are kept.
    """
    digest = digest_of(decoder, encoder)
    known = _passed.get(digest) or _noted(digest)
    if known is not None:
        _passed[digest] = known
        return known
    if digest in _refused:
        raise CheckpointError(_refused[digest])
    try:
        found = try_out(decoder, encoder)
        if (found.decoder, found.encoder) != (decoder, encoder):
            raise CheckpointError("Its network is not as imported decoders are kept. Import the .onnx file again.")
    except CheckpointError as error:
        if len(_refused) < REMEMBERED:
            _refused[digest] = str(error)
        raise
    return found.report


def digest_of(decoder: bytes, encoder: bytes) -> str:
    """Of both files, and of what a trial asks."""
    parts = hashlib.sha256(f"{VERSION} {len(decoder)} ".encode())
    parts.update(decoder)
    parts.update(encoder)
    return parts.hexdigest()


def _remember(trial: Trial) -> None:
    digest = digest_of(trial.decoder, trial.encoder)
    _passed[digest] = trial.report
    note = _note(digest)
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps(trial.report.model_dump()))
    except OSError:
        return  # then the next server tries it again


def _noted(digest: str) -> Report | None:
    try:
        return Report.model_validate(read_json(_note(digest)))
    except (ValidationError, OSError):
        return None


def _note(digest: str) -> Path:
    return runs_root() / ".tried-decoders" / f"{digest}.json"
