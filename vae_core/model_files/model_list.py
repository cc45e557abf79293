"""Every model there is: shipped in checkpoints/, trained in runs/, uploaded into runs/uploads/. Imports no torch.

$VAE_CHECKPOINTS and $VAE_RUNS override the folders. A model's name is what people see and what an address holds; it is unique.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vae_core import runs
from vae_core.errors import CheckpointError, RunError
from vae_core.runs.json_files import reason
from vae_core.runs.snapshot_files import model_path
from vae_core.system.child_processes import PROJECT

MAX_UPLOAD_BYTES = 200_000_000
SUFFIX = ".safetensors"
Origin = Literal["shipped", "run", "uploaded"]


@dataclass(frozen=True)
class ModelEntry:
    """A model file; (path, mtime_ns) identifies one version of it."""

    name: str
    path: Path
    mtime_ns: int
    origin: Origin


def checkpoints_root() -> Path:
    """The folder of shipped models: $VAE_CHECKPOINTS, else checkpoints/ beside the packages."""
    return Path(os.environ.get("VAE_CHECKPOINTS") or PROJECT / "checkpoints")


def uploads_root() -> Path:
    """The folder of uploaded models, which may not exist yet."""
    return runs.runs_root() / "uploads"


def list_models() -> list[ModelEntry]:
    """Shipped models by name, then those of runs, newest first, then uploads by name. Looks at names and times only.

    Where two have one name, the later in this order gets a number.
    """
    entries: list[ModelEntry] = []
    taken: set[str] = set()
    for name, path, origin in _found():
        found = _look(path)
        if found is not None and stat.S_ISREG(found.st_mode):
            entries.append(ModelEntry(_unique(name, taken), path, found.st_mtime_ns, origin))
    return entries


def model_of_run(run_id: str) -> ModelEntry | None:
    """The model of a run, under the name it has among all models; None while it has none."""
    return next((entry for entry in list_models() if entry.path.parent == runs.runs_root() / run_id), None)


def add_upload(data: bytes, filename: str) -> ModelEntry:
    """Takes a checkpoint into runs/uploads/ after opening it completely; nothing is kept of one that is refused.

    Raises:
        CheckpointError: it is too large, no checkpoint, broken, hostile, or cannot be written.
    """
    if len(data) > MAX_UPLOAD_BYTES:
        raise CheckpointError(f"The file has {len(data):,} bytes; at most {MAX_UPLOAD_BYTES:,} are accepted.")

    def write(path: Path) -> None:
        path.write_bytes(data)
        _check(path)

    return add_written(filename, write)


def add_written(filename: str, write: Callable[[Path], None]) -> ModelEntry:
    """Takes what `write` writes to the path it is given into runs/uploads/; nothing is kept if it raises.

    Raises:
        CheckpointError: the file cannot be stored.
    """
    name = _name_from(filename)
    incoming = uploads_root() / f".incoming-{os.getpid()}-{threading.get_ident()}" / f"{name}{SUFFIX}"
    try:
        incoming.parent.mkdir(parents=True, exist_ok=True)
        write(incoming)
        return _entry_at(_place(incoming, name))
    except OSError as error:
        raise CheckpointError(f"The upload could not be stored: {reason(error)}. Free some space and try again.") from None
    finally:
        incoming.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            incoming.parent.rmdir()


def delete_upload(name: str) -> None:
    """Removes an uploaded model.

    Raises:
        CheckpointError: there is no upload of this name.
    """
    found = next((entry for entry in list_models() if entry.name == name and entry.origin == "uploaded"), None)
    if found is None:
        raise CheckpointError(f"There is no uploaded model named {name!r}; it may have been deleted.")
    found.path.unlink(missing_ok=True)


def _found() -> Iterator[tuple[str, Path, Origin]]:
    for path in sorted(checkpoints_root().glob(f"[!.]*{SUFFIX}")):
        yield path.stem, path, "shipped"
    for run in runs.list_names():
        yield run.name, model_path(run.path), "run"
    for path in sorted(uploads_root().glob(f"[!.]*{SUFFIX}")):
        yield path.stem, path, "uploaded"


def _look(path: Path) -> os.stat_result | None:
    """None for a run without a model, for what was deleted in this moment, and for what cannot be looked at."""
    try:
        return os.stat(path)  # noqa: PTH116 - a third of the time of Path.stat, for every run several times a second
    except OSError:
        return None


def _unique(name: str, taken: set[str]) -> str:
    number, candidate = 2, name
    while candidate.lower() in taken:
        candidate, number = f"{name} ({number})", number + 1
    taken.add(candidate.lower())
    return candidate


def _name_from(filename: str) -> str:
    """A usable name from whatever a browser sends: the file's own, without folders and without what a name may not hold."""
    stem = filename.replace("\\", "/").rsplit("/", 1)[-1].removesuffix(SUFFIX)
    kept = "".join(letter if letter.isalnum() or letter in "-_.+() " else "-" for letter in stem)[: runs.MAX_NAME]
    try:
        return runs.check_name(kept.lstrip("-_.+() "))
    except RunError:
        return "uploaded"


def _check(path: Path) -> None:
    from vae_core.foreign_decoders.trial import ensure_passed
    from vae_core.model_files.checkpoints import load  # brings torch; listing models does without

    checkpoint = load(path)
    if checkpoint.header.foreign is not None:
        files = (checkpoint.extras.get(name) for name in ("onnx.decoder", "onnx.encoder"))
        ensure_passed(*(b"" if one is None else one.numpy().tobytes() for one in files))


def _place(incoming: Path, name: str) -> Path:
    """Moves the checked file to the first free name; link() never overwrites, so two uploads at once both survive."""
    for number in range(1, 1000):
        target = uploads_root() / f"{name if number == 1 else f'{name}-{number}'}{SUFFIX}"
        with contextlib.suppress(FileExistsError):
            os.link(incoming, target)
            return target
    raise CheckpointError(f"There are a thousand uploads named {name!r}. Rename the file and upload it again.")


def _entry_at(path: Path) -> ModelEntry:
    return next(entry for entry in list_models() if entry.path == path)
