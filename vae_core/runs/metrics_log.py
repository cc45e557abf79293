"""A run's numbers as they happen: one JSON object per line, appended and flushed, so that any process can follow.

Knows nothing of torch. A line is whole once its newline is there; a reader never sees less, and a writer that was killed in the
middle of a line spoils that line only. Readers pass over a line that does not fit the schema below, whatever it holds.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from vae_core.system.atomic_write import replaced
from vae_core.system.open_untrusted_file import is_regular, open_regular

Row = dict[str, Any]
MAX_READ = 16 << 20  # bytes at one look; the rest of a longer file comes with the next ones
MAX_BYTES = 512 << 20  # of a whole file; what lies beyond is not read

Number = Annotated[float, Field(ge=-1e15, le=1e15, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=2**53)]
Figure = Number | None  # None: it was not finite when it was written


@with_config(ConfigDict(extra="allow"))
class _Known(TypedDict, total=False):
    """What a row may hold under these names; vae_core/training/loop.py lists the rows."""

    kind: str
    step: Count
    epoch: Annotated[Number, Field(ge=0)]
    time: Annotated[Number, Field(ge=0)]
    steps: Count
    epochs: Count
    images: Count
    parameters: Count
    device: str
    precision: str
    seconds_to_load: Figure
    reconstruction: Figure
    kl: Figure
    elbo: Figure
    loss: Figure
    beta: Figure
    lr: Figure
    gradient_norm: Figure
    images_per_second: Figure
    kl_per_dim: Annotated[list[Figure], Field(max_length=256)] | None
    active_units: Figure
    best: bool
    state: str
    message: str | None
    what: str
    before: Figure
    after: Figure
    test_elbo: Figure
    test_elbo_se: Figure
    test_reconstruction: Figure
    test_kl: Figure
    test_active_units: Figure


_REQUIRED = {"start": {"steps", "epochs"}, "step": {"step", "epoch", "time"}, "validation": {"step", "epoch", "time"},
             "change": {"step", "epoch", "time", "what"}}  # fmt: skip
_schema = TypeAdapter(_Known)


class MetricsWriter:
    """Appends rows to one file; a number that is not finite is written as null, which every JSON reader understands."""

    def __init__(self, path: Path | str) -> None:
        """Opens the file for appending and closes off a line torn by a killed writer.

        Raises:
            OSError: the folder is missing or not writable.
        """
        self._file = Path(path).open("a+b", buffering=0)  # noqa: SIM115 - kept open for the writer's life
        if _is_torn(self._file.fileno()):
            self._file.write(b"\n")

    def write(self, row: Mapping[str, Any]) -> None:
        """Appends one row in a single write, so that concurrent readers see all of it or none."""
        self._file.write(json.dumps(_plain(row), allow_nan=False).encode() + b"\n")

    def flushed(self) -> int:
        """How many bytes the file has, all of them on the disk."""
        os.fsync(self._file.fileno())
        return os.fstat(self._file.fileno()).st_size

    def close(self) -> None:
        """Closes the file; a second call does nothing."""
        self._file.close()

    def __enter__(self) -> MetricsWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def cut(path: Path, size: int) -> None:
    """Drops what lies beyond `size` bytes. The file is made anew, so that whoever follows it sees by its number that it changed.

    Raises:
        OSError: it cannot be read or written.
    """
    if not is_regular(path) or path.stat().st_size <= size:
        return
    with replaced(path) as beside, open_regular(path) as file, beside.open("wb") as copy:
        while size > 0 and (data := file.read(min(size, 1 << 20))):
            copy.write(data)
            size -= len(data)


def read_since(path: Path | str, offset: int = 0) -> tuple[list[Row], int]:
    """The whole rows from byte `offset` on, and the offset to ask for next.

    A last line without its newline is left for the next call. A line that is no row is skipped. A file that is missing or
    cannot be read has no rows. A file shorter than `offset` was written anew and is read from its start. At most MAX_READ
    bytes are read at once.
    """
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            start = offset if offset <= size else 0
            file.seek(start)
            data = file.read(max(0, min(size - start, MAX_READ, MAX_BYTES - start)))
    except OSError:
        return [], 0
    end = data.rfind(b"\n") + 1
    if not end and len(data) == MAX_READ:  # a line without end is no row
        end = MAX_READ
    return _rows(data[:end]), start + end


class MetricsFollower:
    """Reads a file on from where it stopped, and notices when what it has read is no longer there: a run that is resumed cuts
    off the rows after its last state."""

    def __init__(self, path: Path | str) -> None:
        self.path, self.offset, self._last = path, 0, b""

    def read(self) -> tuple[list[Row], bool]:
        """The new rows, at most MAX_READ bytes of them, and whether they stand in place of everything read before."""
        before = self.offset
        again = _bytes_before(self.path, before) != self._last
        rows, self.offset = read_since(self.path, 0 if again else before)
        self._last = _bytes_before(self.path, self.offset)
        return rows, again or self.offset < before

    @property
    def share(self) -> float:
        """How much of the file as it is now has been read, 0 to 1; what lies beyond MAX_BYTES does not count."""
        try:
            size = min(Path(self.path).stat().st_size, MAX_BYTES)
        except OSError:
            return 1.0
        return min(1.0, self.offset / size) if size else 1.0


def read_tail(path: Path | str, size: int = 65536) -> list[Row]:
    """The whole rows within the last `size` bytes: enough to know where a run stands without reading its history."""
    try:
        start = max(0, Path(path).stat().st_size - size)
    except OSError:
        return []
    rows, _ = read_since(path, start)  # a first line cut by `start` is no JSON object, and so skipped
    return rows


def _bytes_before(path: Path | str, offset: int, count: int = 200) -> bytes:
    """Enough of a file to tell whether the row that ends there is the same: every row holds the time."""
    try:
        with open_regular(path) as file:
            return os.pread(file.fileno(), min(count, offset), max(0, offset - count))
    except OSError:
        return b""


def _rows(data: bytes) -> list[Row]:
    parsed = (_parse(line) for line in data.splitlines())
    return [row for row in parsed if row is not None]


def _parse(line: bytes) -> Row | None:
    try:
        row: Row = dict(_schema.validate_json(line))
    except ValidationError:
        return None
    return row if _REQUIRED.get(row.get("kind", ""), set()) <= row.keys() else None


def _plain(value: Any) -> Any:
    """Numpy scalars and arrays, tuples and infinities as what JSON has."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):  # numpy, without importing it
        return _plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _is_torn(descriptor: int) -> bool:
    """Whether the file has bytes after its last newline."""
    size = os.fstat(descriptor).st_size
    return size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
