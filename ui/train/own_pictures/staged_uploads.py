"""Pictures that were dropped on the page wait on the disk until they are kept, each drop in a folder of its own.

A page finds them again after a reload by the folder's name in its address. They go when they have become a dataset, when others
are chosen, or after a day (`vae_core.import_images.import_jobs`).
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from vae_core.errors import DataError
from vae_core.import_images.import_jobs import incoming_folder, incoming_root

PATHS_VARIABLE = "VAE_IMPORT_PATHS"
ARCHIVES = (".zip", ".npz", ".npy")
CHUNK = 1 << 20  # bytes
MOST_BYTES_OF_A_NAME = 200  # of the 255 that a disk takes
MOST_FOLDERS = 10  # above a file
_ID = re.compile(r"[0-9a-f]+-\d+")
_ABOUT = "about.json"


class Upload(Protocol):
    """A file as the browser sent it; its name may hold the folders it lay in."""

    name: str

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes."""
        ...


@dataclass(frozen=True)
class Staged:
    """Pictures that wait to be looked at and kept."""

    id: str
    path: Path  # a folder, a zip, an array or a picture
    title: str  # what a person knows them by
    is_path: bool = False  # on the server: it was not uploaded

    @property
    def suggestion(self) -> str:
        """What the dataset may be called."""
        stem = Path(self.title).stem if self.path.suffix.lower() in ARCHIVES or self.path.is_dir() else ""
        words = re.sub(r"[^\w.+() -]+", " ", stem).strip(" ._-+()")
        return words[:40].strip() if words and not words[0].isdigit() else "pictures"


def take(files: Sequence[Upload]) -> Staged:
    """Writes uploaded files to the disk.

    Raises:
        DataError: several archives at once, or the disk does not take them.
    """
    archives = [file.name for file in files if file.name.lower().endswith(ARCHIVES)]
    if archives and len(files) > 1:
        raise DataError(
            f"{PurePosixPath(archives[0]).name} came together with {len(files) - 1:,} other files. Give one zip or array "
            "at a time, or pictures and folders without one."
        )
    folder = incoming_folder()
    try:
        for file in files:
            _write(file, folder / "files")
        (first, *more) = sorted((folder / "files").iterdir())
        _say(folder, title=f"{len(files):,} files" if more else first.name)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise DataError(f"The pictures cannot be put aside in {folder.parent}: {_reason(error)}. Nothing was kept.") from None
    found = find(folder.name)
    assert found is not None
    return found


def take_path(text: str) -> Staged:
    """Pictures that lie on the server already; they are read where they are.

    Raises:
        DataError: the owner of the server does not allow it, or nothing is there.
    """
    roots = allowed_roots()
    if roots is None:
        raise DataError(f"Paths on the server are not allowed here; whoever runs it allows them with {PATHS_VARIABLE}.")
    try:
        path = Path(roots[0] if roots else Path.cwd(), Path(text.strip()).expanduser()).resolve(strict=True)
    except (OSError, RuntimeError, ValueError):
        raise DataError(f"There is nothing at {text.strip()[:200]!r} on the server that can be read. Check the path.") from None
    if roots and not any(path.is_relative_to(root) for root in roots):
        within = " or ".join(map(str, roots))
        raise DataError(f"{path} is not allowed: paths on this server have to lie in {within}.")
    folder = incoming_folder()
    _say(folder, title=path.name or str(path), path=str(path))
    return Staged(folder.name, path, path.name or str(path), is_path=True)


def allowed_roots() -> tuple[Path, ...] | None:
    """The folders in which paths may lie: none at all where paths are not allowed, an empty tuple where all are."""
    said = os.environ.get(PATHS_VARIABLE, "").strip()
    if said in ("", "0"):
        return None
    return () if said == "1" else tuple(Path(part).expanduser().resolve() for part in said.split(os.pathsep) if part)


def find(staged_id: str) -> Staged | None:
    """What waits under this id, if it is still there."""
    folder = incoming_root() / staged_id
    if not _ID.fullmatch(staged_id) or not (folder / _ABOUT).is_file():
        return None
    try:
        about = json.loads((folder / _ABOUT).read_text())
        path = Path(about["path"]) if about.get("path") else _uploaded(folder / "files")
        return Staged(staged_id, path, str(about["title"]), bool(about.get("path")))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def discard(staged_id: str) -> None:
    """These pictures are not wanted any more."""
    if _ID.fullmatch(staged_id):
        shutil.rmtree(incoming_root() / staged_id, ignore_errors=True)


def safe_path(name: str) -> PurePosixPath:
    """The name that a browser gives a file, as a path that cannot lead out of a folder and that any disk takes."""
    parts = [_safe_name(part) for part in name.replace("\\", "/").split("/")]
    parts = [part for part in parts if part not in ("", ".", "..")]
    return PurePosixPath(*parts[-MOST_FOLDERS:]) if parts else PurePosixPath("unnamed")


def _safe_name(part: str) -> str:
    printable = "".join(letter for letter in part if letter.isprintable())
    stem, dot, suffix = printable.rpartition(".")
    if len(printable.encode()) > MOST_BYTES_OF_A_NAME:
        suffix = suffix[:10] if dot else ""
        return (stem or printable).encode()[: MOST_BYTES_OF_A_NAME - 12].decode(errors="ignore") + dot + suffix
    return printable


def _write(file: Upload, folder: Path) -> None:
    path = folder / safe_path(file.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    number = 2
    while path.exists():
        path = path.with_name(f"{path.stem.removesuffix(f' ({number - 1})')} ({number}){path.suffix}")
        number += 1
    with path.open("xb") as beside:
        shutil.copyfileobj(file, beside, CHUNK)


def _uploaded(files: Path) -> Path:
    """What came: the one file or folder, or the folder of all of them."""
    entries = sorted(files.iterdir())
    return entries[0] if len(entries) == 1 else files


def _say(folder: Path, **about: object) -> None:
    (folder / _ABOUT).write_text(json.dumps(about))


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
