"""Loaded models, and everything else that is cached, for all sessions. A cache key always holds (path, mtime_ns).

Models are kept in a plain thread-safe cache and not in `st.cache_resource`, because the live route needs the same
objects outside any script run. They are shared by every session and never mutated. `latent_model` is imported on first use:
it brings torch, and the server should answer before that second has passed.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from vae_core.errors import CheckpointError
from vae_core.model_files.model_list import ModelEntry, list_models
from vae_core.runs.snapshot_files import FOLDER, is_of_training, snapshot_path, snapshot_steps

if TYPE_CHECKING:
    from vae_core.latent.encoded_images import EncodedImages
    from vae_core.latent.latent_model import LatentModel
    from vae_core.latent.nearest_images import RealImages
    from vae_core.model_files.header import Header

HASH_DIGITS = 12  # of the sha256, in links
NAMED = 20  # models in a sentence
MAX_MODELS = 12  # loaded at a time; each is a few MB
MAX_SNAPSHOTS = 8  # of trainings, loaded whole
MAX_DECODERS = 80  # of snapshots: those of two runs; each takes as much memory as its file, and those of a run are bounded
TRIES = 3  # loads of a file that is replaced meanwhile
T = TypeVar("T")


def _version(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return None


class FileCache(Generic[T]):
    """Values made from a file, of its newest version only; least recently used out first. Two threads at once wait for one load.

    A value is kept under the version that was there before and after it was made, which may be newer than the one asked for.
    """

    def __init__(self, load: Callable[[Path], T], size: int, version: Callable[[Path], int | None] = _version) -> None:
        self._load, self._size, self._version = load, size, version
        self._values: OrderedDict[str, tuple[int, T]] = OrderedDict()  # path -> (version, value)
        self._loading: dict[str, threading.Lock] = {}  # by path; a lock is never removed
        self._lock = threading.Lock()

    def peek(self, path: Path, mtime_ns: int) -> T | None:
        """The value if it is at hand; never loads."""
        with self._lock:
            found = self._values.get(str(path))
            if found is None or found[0] != mtime_ns:
                return None
            self._values.move_to_end(str(path))
            return found[1]

    def get(self, path: Path, mtime_ns: int) -> T:
        """The value of this file version, or of the newer one that has replaced it.

        Errors of the loader pass through and are not cached.
        """
        found = self.peek(path, mtime_ns)
        if found is not None:
            return found
        with self._lock:
            loading = self._loading.setdefault(str(path), threading.Lock())
        with loading:
            found = self.peek(path, mtime_ns)
            return self._newest(path) if found is None else found

    def _newest(self, path: Path) -> T:
        for _ in range(TRIES):
            version = self._version(path)
            found = None if version is None else self.peek(path, version)
            if found is not None:
                return found
            value = self._load(path)  # of a file that is not there it says so in its own words
            if version is not None and self._version(path) == version:
                self._keep(str(path), version, value)
                break
        return value  # replaced again and again: good for now, not to be kept

    def _keep(self, path: str, version: int, value: T) -> None:
        with self._lock:
            self._values[path] = (version, value)
            self._values.move_to_end(path)
            while len(self._values) > self._size:
                self._values.popitem(last=False)


def _open(path: Path) -> LatentModel:
    from vae_core.latent.latent_model import open_model
    from vae_core.system.devices import leave_room_for_others

    leave_room_for_others()
    return open_model(path)


def _open_decoder(path: Path) -> LatentModel:
    from vae_core.latent.latent_model import open_decoder

    return open_decoder(path)


def _encode_images(path: Path) -> EncodedImages:
    from vae_core.latent.encoded_images import EncodedImages

    return EncodedImages(_whole(path).get(path, path.stat().st_mtime_ns), judges=not is_of_training(path))


def _gather(path: Path) -> RealImages:
    from vae_core.latent.nearest_images import RealImages

    return RealImages(_models.get(path, path.stat().st_mtime_ns))


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:HASH_DIGITS]


def _read_header(path: Path) -> Header:
    from vae_core.model_files.header import load_header

    return load_header(path)


_models: FileCache[LatentModel] = FileCache(_open, MAX_MODELS)
_snapshots: FileCache[LatentModel] = FileCache(_open, MAX_SNAPSHOTS)  # however many are visited, no model is put away for them
_decoders: FileCache[LatentModel] = FileCache(_open_decoder, MAX_DECODERS)
_encoded_images: FileCache[EncodedImages] = FileCache(_encode_images, MAX_MODELS)
_real_images: FileCache[RealImages] = FileCache(_gather, 3)
_hashes: FileCache[str] = FileCache(_hash, 500)
_headers: FileCache[Header] = FileCache(_read_header, 500)


def _whole(path: Path) -> FileCache[LatentModel]:
    return _snapshots if path.parent.name == FOLDER else _models


def models() -> list[ModelEntry]:
    """Every model there is: shipped, trained here, uploaded. Cheap: names and file times only."""
    return list_models()


def entry(name: str) -> ModelEntry:
    """The registry's entry of this name.

    Raises:
        CheckpointError: there is no such model.
    """
    return pick(models(), name)


def pick(entries: Sequence[ModelEntry], name: str) -> ModelEntry:
    """The one of this name.

    Raises:
        CheckpointError: there is no such model.
    """
    for candidate in entries:
        if candidate.name == name:
            return candidate
    there = ", ".join(one.name for one in entries[:NAMED]) or "none"
    more = f" and {len(entries) - NAMED} more" if len(entries) > NAMED else ""
    raise CheckpointError(f"There is no model named {name[:80]!r}; there are {there}{more}.")


def steps_of(found: ModelEntry) -> list[int]:
    """The steps of its training of which there are snapshots, rising."""
    return snapshot_steps(found.path.parent) if found.origin == "run" else []


def at_step(found: ModelEntry, step: int) -> ModelEntry:
    """The model as it was at a step of its training.

    Raises:
        CheckpointError: there is no snapshot of this step.
    """
    path = snapshot_path(found.path.parent, step)
    version = _version(path) if found.origin == "run" else None
    if version is None:
        raise CheckpointError(f"There is no snapshot of {found.name!r} at step {step}; the run may have been deleted.")
    return replace(found, path=path, mtime_ns=version)


def opened_decoder(found: ModelEntry) -> LatentModel | None:
    """The decoder of a snapshot if it is loaded already."""
    return _decoders.peek(found.path, found.mtime_ns)


def decoder(found: ModelEntry) -> LatentModel:
    """The decoder of a snapshot, with the codes it carries.

    Raises:
        CheckpointError: the file is broken or gone.
    """
    return _decoders.get(found.path, found.mtime_ns)


def opened(found: ModelEntry) -> LatentModel | None:
    """The model of this file version if it is loaded already."""
    return _whole(Path(found.path)).peek(Path(found.path), found.mtime_ns)


def open_entry(found: ModelEntry) -> LatentModel:
    """The loaded model of this file version.

    Raises:
        CheckpointError: the file is broken or gone.
    """
    return _whole(Path(found.path)).get(Path(found.path), found.mtime_ns)


def model(name: str) -> LatentModel:
    """The loaded model of this name, newest version of its file.

    Raises:
        CheckpointError: unknown name, or a file that is broken or gone.
    """
    return open_entry(entry(name))


def encoded_images(found: ModelEntry) -> EncodedImages:
    """What the map of this model shows.

    Raises:
        CheckpointError: the file is broken or gone, or carries no encoded images.
    """
    return _encoded_images.get(Path(found.path), found.mtime_ns)


def encoded_images_of(path: Path) -> EncodedImages:
    """The same for a file as it is now."""
    return _encoded_images.get(path, path.stat().st_mtime_ns)


def real_images(found: ModelEntry) -> RealImages:
    """Training images to compare pictures with.

    Raises:
        CheckpointError: there are none, or the file is broken or gone.
    """
    return _real_images.get(Path(found.path), found.mtime_ns)


def content_hash(found: ModelEntry) -> str:
    """The start of the sha256 of the model's file: the same name and another hash is another model.

    Raises:
        OSError: the file is gone.
    """
    return _hashes.get(Path(found.path), found.mtime_ns)


def header(found: ModelEntry) -> Header:
    """What a model is, read from its file without loading the weights.

    Raises:
        CheckpointError: the file is broken or gone.
    """
    return _headers.get(Path(found.path), found.mtime_ns)
