"""The one door to loaded models and to everything that is cached. A cache key always holds (path, mtime_ns).

Models are kept in a plain thread-safe cache and not in `st.cache_resource`, because the live route (ui/live.py) needs the same
objects outside any script run. They are shared by every session and never mutated. `vae_core.latents` is imported on first use:
it brings torch, and the server should answer before that second has passed.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from vae_core.errors import CheckpointError
from vae_core.registry import ModelEntry, list_models

if TYPE_CHECKING:
    from vae_core.atlas import Atlas
    from vae_core.header import Header
    from vae_core.latents import LatentModel
    from vae_core.nearest import RealImages

HASH_DIGITS = 12  # of the sha256, in links
MAX_MODELS = 12  # loaded at a time; each is a few MB
FileKey = tuple[str, int]  # (path, mtime_ns)
T = TypeVar("T")


class FileCache(Generic[T]):
    """Values made from a file version, least recently used out first. Two threads asking at once wait for one load."""

    def __init__(self, load: Callable[[Path], T], size: int) -> None:
        self._load, self._size = load, size
        self._values: OrderedDict[FileKey, T] = OrderedDict()
        self._loading: dict[FileKey, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, path: Path, mtime_ns: int) -> T:
        """The value of this file version; errors of the loader pass through and are not cached."""
        key = (str(path), mtime_ns)
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
            loading = self._loading.setdefault(key, threading.Lock())
        with loading:
            with self._lock:
                if key in self._values:
                    return self._values[key]
            try:
                value = self._load(path)
            finally:
                with self._lock:
                    self._loading.pop(key, None)
            with self._lock:
                self._drop_older_versions(key)
                self._values[key] = value
                while len(self._values) > self._size:
                    self._values.popitem(last=False)
            return value

    def _drop_older_versions(self, key: FileKey) -> None:
        for old in [k for k in self._values if k[0] == key[0]]:
            del self._values[old]


def _open(path: Path) -> LatentModel:
    from vae_core.devices import leave_room_for_others
    from vae_core.latents import open_model

    leave_room_for_others()
    return open_model(path)


def _chart(path: Path) -> Atlas:
    from vae_core.atlas import Atlas

    return Atlas(_models.get(path, path.stat().st_mtime_ns))


def _gather(path: Path) -> RealImages:
    from vae_core.nearest import RealImages

    return RealImages(_models.get(path, path.stat().st_mtime_ns))


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:HASH_DIGITS]


def _read_header(path: Path) -> Header:
    from vae_core.header import load_header

    return load_header(path)


_models: FileCache[LatentModel] = FileCache(_open, MAX_MODELS)
_atlases: FileCache[Atlas] = FileCache(_chart, MAX_MODELS)
_real_images: FileCache[RealImages] = FileCache(_gather, 3)
_hashes: FileCache[str] = FileCache(_hash, 500)
_headers: FileCache[Header] = FileCache(_read_header, 500)


def models() -> list[ModelEntry]:
    """Every model there is: shipped, trained here, uploaded. Cheap: names and file times only."""
    return list_models()


def entry(name: str) -> ModelEntry:
    """The registry's entry of this name.

    Raises:
        CheckpointError: there is no such model.
    """
    for candidate in models():
        if candidate.name == name:
            return candidate
    raise CheckpointError(f"There is no model named {name!r}; there are {', '.join(m.name for m in models()) or 'none'}.")


def open_entry(found: ModelEntry) -> LatentModel:
    """The loaded model of this file version.

    Raises:
        CheckpointError: the file is broken or gone.
    """
    return _models.get(Path(found.path), found.mtime_ns)


def model(name: str) -> LatentModel:
    """The loaded model of this name, newest version of its file.

    Raises:
        CheckpointError: unknown name, or a file that is broken or gone.
    """
    return open_entry(entry(name))


def atlas(found: ModelEntry) -> Atlas:
    """What the map of this model shows.

    Raises:
        CheckpointError: the file is broken or gone, or carries no encoded images.
    """
    return _atlases.get(Path(found.path), found.mtime_ns)


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
