"""ONNX files of models: each made once, by a child process, and kept under the hash of the model's file.

`$VAE_RUNS/.onnx/HASH-PART-WEIGHTS-VERSION.onnx.gz`. A file is there whole or not at all, whatever happens to the child; one child
of a server works at a time, and one of all servers that share the folder. What was not asked for longest goes first.
"""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import os
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import IO, Literal, cast

from vae_core.errors import CheckpointError, LatentWalkError, NoEncoderError
from vae_core.model_files.header import load_header, open_model_file
from vae_core.runs import runs_root
from vae_core.system.atomic_write import replaced
from vae_core.system.child_processes import ONE_CORE, start_module

Part = Literal["decoder", "encoder"]
FORMAT = 2  # rises when the same model is written differently than before
HASH_DIGITS = 12  # of the sha256, as in links
WORKER = "vae_core.onnx_export.export_process"
MOST_KEPT = 1 << 30  # bytes in the folder
MOST_BYTES = 256 << 20  # of one file as it is kept
FAILURE_KEPT = 30.0  # seconds in which a model that could not be exported is not tried again
LOOK = 0.05  # seconds


class OnnxExportError(LatentWalkError):
    """A model cannot be written as ONNX."""


@dataclass(frozen=True)
class OnnxFile:
    """A file that can be made of a version of a model's file. `half`: weights as float16 where the pictures stay the same."""

    model: Path
    digest: str  # of the model's file
    part: Part
    half: bool

    @property
    def version(self) -> str:
        """Of the file; another one has other bytes."""
        return f"{self.digest}-{FORMAT}"

    @property
    def path(self) -> Path:
        """Where it lies, compressed by gzip, once it is made."""
        weights = "small" if self.half else "float32"
        return runs_root() / ".onnx" / f"{self.digest}-{self.part}-{weights}-{FORMAT}.onnx.gz"


def file_hash(path: Path) -> str:
    """Of a model's file: another hash is another model.

    Raises:
        CheckpointError: it is missing or cannot be read.
    """
    with open_model_file(path) as file:
        return hashlib.file_digest(cast(BufferedReader, file), "sha256").hexdigest()[:HASH_DIGITS]


def onnx_file(path: Path, part: Part, *, half: bool) -> OnnxFile:
    """The decoder or the encoder of a model's file as it is now.

    Raises:
        CheckpointError: the file is missing or no model.
        NoEncoderError: the model is a decoder alone.
    """
    header = load_header(path)
    if part == "encoder" and not header.has_encoder:
        raise NoEncoderError(f"The model {header.name!r} is a decoder alone: it has no encoder to export.")
    return OnnxFile(Path(path).absolute(), file_hash(path), part, half)


def decoder_bytes(path: Path, *, half: bool = True) -> bytes:
    """A model's decoder as the bytes of an .onnx file; waits for a child that makes it.

    Raises:
        CheckpointError: the file is missing or no model.
        OnnxExportError: the model cannot be written as ONNX.
    """
    return gzip.decompress(made(onnx_file(path, "decoder", half=half)).read_bytes())


def encoder_bytes(path: Path, *, half: bool = True) -> bytes:
    """The same of its encoder.

    Raises:
        NoEncoderError: the model is a decoder alone.
        CheckpointError, OnnxExportError: as `decoder_bytes`.
    """
    return gzip.decompress(made(onnx_file(path, "encoder", half=half)).read_bytes())


def made(file: OnnxFile) -> Path:
    """Where the file lies; waits until it is made.

    Raises:
        OnnxExportError: it cannot be made.
    """
    while (path := made_or_started(file)) is None:
        time.sleep(LOOK)
    return path


def made_or_started(file: OnnxFile) -> Path | None:
    """Where the file lies; None while a child makes it or another one. Never waits.

    Raises:
        OnnxExportError: it cannot be made.
    """
    return _children.ask(file)


@dataclass
class _Child:
    file: OnnxFile
    process: subprocess.Popen[bytes]
    output: IO[bytes]

    def failure(self) -> str:
        """Why it ended without a file."""
        self.output.seek(0)
        lines = self.output.read().decode(errors="replace").strip().splitlines()
        code = self.process.returncode
        if code == 2 and lines:
            return lines[-1]
        why = f"its process was ended by signal {-code}" if code < 0 else lines[-1] if lines else f"its process ended with {code}"
        return f"The {self.file.part} could not be written as ONNX: {why[:300]}. Try again in half a minute."


class _Children:
    """Starts children and knows how they are doing. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: _Child | None = None
        self._failures: dict[OnnxFile, tuple[float, str]] = {}  # file -> (until, sentence)

    def ask(self, file: OnnxFile) -> Path | None:
        with self._lock:
            self._reap()
            if file.path.is_file():
                with suppress(OSError):
                    os.utime(file.path)  # asked for just now: the last to go
                return file.path
            until, sentence = self._failures.get(file, (0.0, ""))
            if time.monotonic() < until:
                raise OnnxExportError(sentence)
            if self._child is None:
                self._child = _start(file)
            return None

    def _reap(self) -> None:
        if self._child is None or self._child.process.poll() is None:
            return
        ended, self._child = self._child, None
        now = time.monotonic()
        self._failures = {file: kept for file, kept in self._failures.items() if now < kept[0]}
        if not ended.file.path.is_file():
            self._failures[ended.file] = (now + FAILURE_KEPT, ended.failure())
        ended.output.close()


_children = _Children()


def _start(file: OnnxFile) -> _Child:
    try:
        output = tempfile.TemporaryFile()  # noqa: SIM115  (closed when the child is reaped)
        asked = (str(file.model), file.digest, file.part, "small" if file.half else "float32")
        process = start_module(WORKER, *asked, output=output, variables=ONE_CORE)
    except OSError as error:
        raise OnnxExportError(f"The {file.part} cannot be written as ONNX: {error.strerror or error}. Try again.") from None
    return _Child(file, process, output)


def make(file: OnnxFile) -> None:
    """What a child does: fills the file unless it is there.

    Raises:
        CheckpointError: the model's file is missing or broken, or was replaced meanwhile.
        OnnxExportError: it cannot be exported.
        OSError: the disk is full.
    """
    from vae_core.onnx_export.torch_to_onnx import exported_file  # brings torch

    file.path.parent.mkdir(parents=True, exist_ok=True)
    with (file.path.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # freed by the kernel, however this process ends
        if file.path.is_file():
            return
        data = gzip.compress(exported_file(file.model, file.part, half=file.half), mtime=0)
        if file_hash(file.model) != file.digest:
            raise CheckpointError(f"{file.model.name} was replaced by another model meanwhile. Try again.")
        if len(data) > MOST_BYTES:
            raise OnnxExportError(f"The {file.part} has {len(data) >> 20} MiB; at most {MOST_BYTES >> 20} are written as ONNX.")
        with replaced(file.path) as beside:
            beside.write_bytes(data)
        _forget_oldest(file.path.parent)


def _forget_oldest(folder: Path) -> None:
    kept = 0
    for path in sorted(folder.glob("[!.]*.onnx.gz"), key=lambda one: one.stat().st_mtime_ns, reverse=True):
        kept += path.stat().st_size
        if kept > MOST_KEPT:
            path.unlink(missing_ok=True)
