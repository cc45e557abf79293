"""The small JSON files of a run folder: written whole, checked against a schema, read again only when they have changed.

Whatever lies there, reading ends soon and with a record or a sentence: no other file than a regular one of bounded size is read.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, RootModel, ValidationError

from vae_core.config.schema import TrainConfig
from vae_core.config.upgrade_old_config import read_config
from vae_core.runs.metrics_log import Row, read_tail
from vae_core.system.atomic_write import replaced
from vae_core.system.open_untrusted_file import read_regular

MAX_BYTES = 65536
MAX_JSON = 1_000_000  # bytes
SETTLED = 0.1  # seconds; a younger file may change again without its time changing
Time = Annotated[float, Field(ge=0, le=1e11, allow_inf_nan=False)]  # seconds since 1970
Signature = tuple[int, int, int, int]  # time, size and number of a file, and something new while it is young
T = TypeVar("T", bound=BaseModel)


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("a name has no line breaks or control characters")
    return text


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class About(_Record):
    """run.json."""

    name: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_printable)]
    created: Time
    place: Time | None = None  # in the queue, where it is not the time of creation
    parent: Annotated[str, Field(max_length=200), AfterValidator(_printable)] | None = None  # id of the run it was made from
    added_epochs: Annotated[tuple[Annotated[int, Field(ge=1, le=2000)], ...], Field(max_length=1000)] = ()  # by extending it


class Said(_Record):
    """status.json."""

    state: Literal["queued", "running", "done", "stopped", "paused", "failed", "died"] | None = None
    started: Time | None = None
    ended: Time | None = None
    before: Time | None = None  # seconds that it had gone before it was resumed
    pid: Annotated[int, Field(ge=2, le=2**31)] | None = None
    message: str | None = None
    reason: str | None = None  # of a failure, for what can be done about it: diverged | disk | memory | data | state
    elbo: Annotated[float, Field(ge=-1e15, le=1e15, allow_inf_nan=False)] | None = None
    error: Annotated[float, Field(ge=0, le=1e15, allow_inf_nan=False)] | None = None


@dataclass(frozen=True)
class Found(Generic[T]):
    """A record, or why there is none; neither when the file is missing."""

    record: T | None = None
    problem: str = ""


def about(run_dir: Path) -> Found[About]:
    """Name and time of creation."""
    return _read(run_dir / "run.json", About.model_validate_json)


def said(run_dir: Path) -> Found[Said]:
    """What the run itself has written about its state."""
    return _read(run_dir / "status.json", Said.model_validate_json)


class Changes(RootModel[dict[str, Annotated[float, Field(allow_inf_nan=False)]]]):
    """changes.json: settings that are no longer those of config.json, by name."""


def config(run_dir: Path) -> Found[TrainConfig]:
    """What is trained."""
    return _read(run_dir / "config.json", read_config)


def changes(run_dir: Path) -> dict[str, float]:
    """The settings that were changed after the run began; none where there are none or they cannot be read."""
    found = _read(run_dir / "changes.json", Changes.model_validate_json).record
    return found.root if found else {}


def progress(run_dir: Path) -> tuple[float, float | None, float | None]:
    """The last epoch, the best beta-free validation ELBO and the least error, as far as the end of metrics.jsonl tells."""
    path = run_dir / "metrics.jsonl"
    signature = _signature(path)
    return _progress(path, signature) if signature else (0.0, None, None)


def modified(path: Path) -> float:
    """When the file was last written, seconds since 1970; 0 when that cannot be told."""
    signature = _signature(path)
    return signature[0] / 1e9 if signature else 0.0


def best_elbo(rows: list[Row]) -> float | None:
    """The best beta-free validation ELBO among the rows, nats per image."""
    return max((row["elbo"] for row in rows if row.get("kind") == "validation" and row.get("elbo") is not None), default=None)


def least_error(rows: list[Row]) -> float | None:
    """The least validation error of an autoencoder's run, which has no ELBO: squared, per image."""
    errors = (row.get("reconstruction") for row in rows if row.get("kind") == "validation" and "elbo" not in row)
    return min((error for error in errors if error is not None), default=None)


def _read(path: Path, parse: Callable[[bytes], T]) -> Found[T]:
    signature = _signature(path)
    return _parse(path, signature, parse) if signature else Found()  # type: ignore[return-value]


def _signature(path: Path) -> Signature | None:
    """Changes when the file does; None when there is none. What cannot be looked at is left to reading, which says why."""
    try:
        found = os.stat(path)  # noqa: PTH116 - half the time of Path.stat
    except FileNotFoundError:
        return None
    except OSError:
        return 0, 0, 0, time.monotonic_ns()
    settled = time.time() - found.st_mtime > SETTLED
    return found.st_mtime_ns, found.st_size, found.st_ino, 0 if settled else time.monotonic_ns()


@lru_cache(maxsize=4096)
def _parse(path: Path, _: Signature, parse: Callable[[bytes], BaseModel]) -> Found[BaseModel]:
    try:
        return Found(record=parse(read_regular(path, MAX_BYTES)))
    except FileNotFoundError:
        return Found()
    except OSError as error:
        return Found(problem=f"{path.name} cannot be read: {reason(error)}.")
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        return Found(problem=f"{path.name} cannot be understood ({f'{where}: ' if where else ''}{first['msg'][:200]}).")


@lru_cache(maxsize=4096)
def _progress(path: Path, _: Signature) -> tuple[float, float | None, float | None]:
    rows = read_tail(path)
    return max((row["epoch"] for row in rows if "epoch" in row), default=0.0), best_elbo(rows), least_error(rows)


def write_status(run_dir: Path, **fields: Any) -> None:
    """Merges fields into status.json, atomically.

    A few kB are reserved on the disk in `reserve`, so that even a run that ends because the disk is full can say so.
    """
    merged = read_json(run_dir / "status.json") | fields
    try:
        write_json(run_dir / "status.json", merged)
    except OSError:
        (run_dir / "reserve").unlink(missing_ok=True)
        write_json(run_dir / "status.json", merged)


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Replaces the file whole."""
    with replaced(path) as beside:
        beside.write_text(json.dumps(value, indent=1))


def read_json(path: Path) -> dict[str, Any]:
    """What the file holds; empty when it is missing, torn, far too large or no JSON object."""
    try:
        value = json.loads(read_regular(path, MAX_JSON))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def reason(error: OSError) -> str:
    """The system's own words for an error, without number and path."""
    return os.strerror(error.errno).lower() if error.errno else str(error)
