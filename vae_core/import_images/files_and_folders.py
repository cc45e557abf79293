"""Picture files as a source: a folder with its subfolders, or several files. Links are not followed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from vae_core.errors import DataError, ImageError
from vae_core.images.decode_upload import MAX_BYTES
from vae_core.import_images.classes_from_names import arrange, printable
from vae_core.import_images.source import Source
from vae_core.system.open_untrusted_file import read_regular

MAX_PICTURES = 2_000_000
PICTURES = frozenset((".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".tif", ".tiff", ".gif", ".bmp", ".dib", ""))
ARCHIVES = frozenset((".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".npz", ".zst"))
UNSEEN = frozenset(("__macosx", "thumbs.db", "desktop.ini"))  # what systems leave behind, beside all that begins with a dot
TABLE, MAX_TABLE = "labels.csv", 64_000_000
NESTED = "It is an archive inside; unpack it first."
A_LINK = "It is a symbolic link; links are not followed."


def why_no_picture(path: str) -> str | None:
    """Why a file is left out by its name alone; None for what may be a picture, "" for what nobody has to be told of."""
    if any(part.startswith(".") or part.lower() in UNSEEN for part in path.split("/")):
        return ""
    suffix = os.path.splitext(path)[1].lower()  # noqa: PTH122 - a million times
    if suffix in ARCHIVES:
        return NESTED
    return None if suffix in PICTURES else f"A {printable(suffix)} file is not a picture; PNG, JPEG, WebP, GIF, BMP and TIFF are."


class Files(Source):
    """Files below a folder, by their path in it."""

    def __init__(self, folder: str, paths: Sequence[str], left_out: Sequence[tuple[str, str]], table: str | None) -> None:
        super().__init__()
        self._folder, self._paths = folder, paths
        self.names = paths if all(map(str.isprintable, paths)) else [printable(path) for path in paths]
        self.left_out += left_out
        check_some(self)
        arrange(self, paths, None if table is None else read_regular(Path(folder, table), MAX_TABLE))

    def read(self, index: int) -> bytes:
        """The picture's file."""
        try:
            return read_regular(f"{self._folder}/{self._paths[index]}", MAX_BYTES)
        except OSError as error:
            raise ImageError(f"It cannot be read: {(error.strerror or str(error)).lower()}.") from None


def check_some(source: Source) -> None:
    """The source has pictures, and not too many.

    Raises:
        DataError: it has none; the sentence says what it has instead.
    """
    if source.count > MAX_PICTURES:
        raise DataError(f"There are more than {MAX_PICTURES:,} pictures; import a part of them.")
    if not source.count:
        instead = f" What there is: {source.left_out[0][0]}. {source.left_out[0][1]}" if source.left_out else ""
        raise DataError(f"There is no picture in it; PNG, JPEG, WebP, GIF, BMP and TIFF files work.{instead}")


def open_folder(folder: Path) -> Files:
    """A folder with all that lies in it.

    Raises:
        DataError: it cannot be read, or holds no picture.
    """
    paths, left_out, tables = list[str](), list[tuple[str, str]](), list[str]()
    for path, is_link in _walk(os.fspath(folder), ""):
        reason = A_LINK if is_link and why_no_picture(path) != "" else why_no_picture(path)
        if path.rpartition("/")[2].lower() == TABLE and not is_link:
            tables.append(path)
        elif reason is None:
            paths.append(path)
        elif reason:
            left_out.append((printable(path), reason))
        if len(paths) > MAX_PICTURES:
            break
    return Files(os.fspath(folder), sorted(paths), left_out, min(tables, key=lambda path: path.count("/"), default=None))


def _walk(folder: str, inside: str) -> Iterator[tuple[str, bool]]:
    """Every file below it, by its path from there, and whether it is a link."""
    try:
        entries = list(os.scandir(f"{folder}/{inside}"))
    except OSError as error:
        where = printable(f"{folder}/{inside}")
        raise DataError(f"The folder {where} cannot be read: {(error.strerror or str(error)).lower()}.") from None
    for entry in entries:
        if entry.is_symlink():
            yield inside + entry.name, True
        elif entry.is_dir(follow_symlinks=False):
            if not entry.name.startswith(".") and entry.name.lower() not in UNSEEN:
                yield from _walk(folder, f"{inside}{entry.name}/")
        else:
            yield inside + entry.name, False


def open_files(files: Sequence[Path]) -> Files:
    """Several picture files, and perhaps a labels.csv, that lie in one folder or in several.

    Raises:
        DataError: none of them may be a picture.
    """
    folder = os.path.commonpath([path.absolute().parent for path in files])
    inside = [os.path.relpath(path.absolute(), folder) for path in files]
    reasons = [(path, A_LINK if file.is_symlink() else why_no_picture(path)) for path, file in zip(inside, files, strict=True)]
    table = next((path for path in inside if path.rpartition("/")[2].lower() == TABLE), None)
    left_out = [(printable(path), reason) for path, reason in reasons if reason and path != table]
    return Files(folder, [path for path, reason in reasons if reason is None], left_out, table)
