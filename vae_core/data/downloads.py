"""Built-in datasets that are not on this computer: what is missing, whether it can be had, and fetching it. No torch.

Every file is checked against its digest, and a dataset appears whole or not at all: it is fetched and converted in a folder
beside the others that goes when this fails, and the file without which it does not count as there is moved last.
"""

from __future__ import annotations

import hashlib
import http.client
import shutil
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from vae_core.data.catalog import DatasetInfo, data_root
from vae_core.data.convert_downloads import CONVERTERS, needed_bytes
from vae_core.data.download_sources import SOURCES, RemoteFile
from vae_core.errors import DataError

Progress = Callable[[str, int, int], None]  # what is being loaded, bytes so far, bytes in all (0: unknown)

SILENT_SECONDS = 20.0  # a download that sends nothing for so long has failed
LOOK_SECONDS = 4.0  # for an answer, when it is only asked whether there is one
_PIECE = 1 << 18  # bytes
_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Outlook:
    """What stands between this computer and a dataset: bytes that must be fetched, and why that cannot be."""

    bytes: int  # 0 where all its files are here and only have to be unpacked
    trouble: str = ""  # a sentence; "" where nothing speaks against it
    remedy: str = ""  # what can be done without a network


def folder_of(info: DatasetInfo, root: Path | None = None) -> Path:
    """Where a dataset's files lie, those that a person puts there too."""
    assert info.folder is not None, info.name
    return (data_root() if root is None else root) / info.folder / ("" if info.array else "raw")


def outlook(info: DatasetInfo, root: Path | None = None) -> Outlook:
    """Before anything is fetched: how much it is, whether there is room, and whether the first missing file answers.

    It asks the network and takes at most `LOOK_SECONDS`, however long the computer itself would look for a name.
    """
    folder = folder_of(info, root)
    missing = [file for file in SOURCES[info.name].files if not (folder / file.name).is_file()]
    size = sum(file.bytes for file in missing)
    try:
        _check_room(info, data_root() if root is None else root, size)
    except DataError as error:
        return Outlook(size, str(error))
    if not missing:
        return Outlook(0)
    found: list[str] = []
    look = threading.Thread(target=lambda: found.append(_why_unreachable(missing[0])), daemon=True)
    look.start()
    look.join(LOOK_SECONDS)
    why = found[0] if found else f"{_hosts(missing[0])} did not answer within {LOOK_SECONDS:.0f} s"
    return Outlook(size, f"{info.title} cannot be downloaded ({why}).", _remedy(info, folder)) if why else Outlook(size)


def _why_unreachable(file: RemoteFile) -> str:
    why = ""
    for address in file.addresses:
        try:
            with _opened(address, LOOK_SECONDS / len(file.addresses)):
                return ""
        except (OSError, http.client.HTTPException, ValueError) as error:
            why = why or f"{urlsplit(address).hostname}: {_reason(error)}"
    return why


def download(info: DatasetInfo, root: Path | None = None, progress: Progress | None = None) -> None:
    """Fetches what is missing of a dataset into the data folder and brings it into the form in which it is read.

    Raises:
        DataError: no network, a wrong digest, no room; the sentence says what to put where.
    """
    root, folder = data_root() if root is None else root, folder_of(info, root)
    why = ""
    try:
        root.mkdir(parents=True, exist_ok=True)
        with _one_at_a_time, tempfile.TemporaryDirectory(dir=root, prefix=".loading-") as staging:
            files = SOURCES[info.name].files
            _check_room(info, root, sum(file.bytes for file in files if not (folder / file.name).is_file()))
            here = {file.name: _fetched(file, folder, Path(staging), info.title, progress) for file in files}
            converted = Path(staging) / "converted"
            converted.mkdir()
            names = CONVERTERS[info.name](here, converted, info, partial(_tell, progress, f"{info.title}, unpacking"))
            folder.mkdir(parents=True, exist_ok=True)
            for name in names:
                (converted / name).replace(folder / name)
    except (OSError, http.client.HTTPException) as error:
        why = _reason(error)
    if why:
        raise DataError(f"{info.title} is not in {folder} and could not be downloaded ({why}). {_remedy(info, folder)}")


def _fetched(file: RemoteFile, folder: Path, staging: Path, title: str, progress: Progress | None) -> Path:
    """The file, from the dataset's folder or from the network, with the right digest."""
    given = folder / file.name
    if given.is_file():
        digest = _digest_of(given)
        if digest != file.md5:
            raise OSError(f"{given} is not the file that was published: its MD5 is {digest}, not {file.md5}; delete it")
        return given
    failures = []
    for address in file.addresses:
        try:
            return _fetch(address, file, staging / file.name, title, progress)
        except (OSError, http.client.HTTPException) as error:
            failures.append(f"{urlsplit(address).hostname}: {_reason(error)}")
    raise OSError("; ".join(failures))


def _fetch(address: str, file: RemoteFile, target: Path, title: str, progress: Progress | None) -> Path:
    hasher, done = hashlib.md5(usedforsecurity=False), 0
    with _opened(address, SILENT_SECONDS) as answer, target.open("wb") as out:
        total = int(answer.headers.get("Content-Length") or 0)
        while piece := answer.read(_PIECE):
            out.write(piece)
            hasher.update(piece)
            done += len(piece)
            _tell(progress, title, done, total)
    if hasher.hexdigest() != file.md5:
        found = hasher.hexdigest()
        raise OSError(f"what came as {file.name} ({done:,} bytes) is not that file: its MD5 is {found}, not {file.md5}")
    return target


def _opened(address: str, timeout: float) -> http.client.HTTPResponse:
    request = urllib.request.Request(address, headers={"User-Agent": "latent-walk"})
    answer: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=timeout)
    return answer


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _check_room(info: DatasetInfo, root: Path, to_fetch: int) -> None:
    """Room for what is fetched and for what is made of it, which are there at the same time."""
    there = next(path for path in (root, *root.absolute().parents) if path.exists())
    needed, free = to_fetch + needed_bytes(info), shutil.disk_usage(there).free
    if free < needed:
        raise DataError(
            f"{info.title} needs {size_words(needed)} in {root} while it is unpacked, and {size_words(free)} are free. Make "
            "room, or set VAE_DATA to a larger disk."
        )


def _remedy(info: DatasetInfo, folder: Path) -> str:
    source = SOURCES[info.name]
    files = ", ".join(f"{file.name} ({size_words(file.bytes)})" for file in source.files)
    by_hand = f"{source.by_hand} " if source.by_hand else ""
    return f"{by_hand}Connect to a network and try again, put {files} into {folder}, or choose shapes, which needs no download."


def _hosts(file: RemoteFile) -> str:
    return " and ".join(dict.fromkeys(str(urlsplit(address).hostname) for address in file.addresses))


def _reason(error: Exception) -> str:
    inner = error.reason if isinstance(error, urllib.error.URLError) and isinstance(error.reason, Exception) else error
    text = getattr(inner, "strerror", None) or str(inner) or type(inner).__name__
    return text.strip().splitlines()[-1].rstrip(".")


def size_words(count: int) -> str:
    """Bytes as people say them: 27 MB, 1.4 GB."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{max(1, round(count / 1e6))} MB"


def _tell(progress: Progress | None, what: str, done: int, total: int) -> None:
    if progress is not None:
        progress(what, done, total)
