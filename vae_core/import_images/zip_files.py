"""A zip as a source. Nothing is unpacked to the disk; each picture is unpacked in memory when it is read, to a bounded size.

Python's zipfile reads the directory of the archive and nothing else: what is kept of an entry are a few numbers, so that a
million pictures fit into memory and several threads can read at once.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import stat
import struct
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np

from vae_core.errors import DataError, ImageError
from vae_core.images.decode_upload import MAX_BYTES
from vae_core.import_images.classes_from_names import arrange, printable
from vae_core.import_images.files_and_folders import A_LINK, MAX_TABLE, TABLE, check_some, why_no_picture
from vae_core.import_images.source import Source
from vae_core.system.open_untrusted_file import open_regular

MAX_ENTRIES = 1_000_000
MAX_UNPACKED = 500_000_000_000  # bytes of all entries together
MAX_RATIO, SMALL = 200, 1_000_000_000  # an archive that unpacks to so many times its size is a bomb, unless it stays small
_HARMFUL = "It was not opened."
_UTF8, _ENCRYPTED = 0x800, 0x1
_LOCAL = struct.Struct("<4s22xHH")  # signature, lengths of name and extra field


class Zip(Source):
    """The pictures of a zip archive."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file = open_regular(path)
        try:
            entries = _entries(self._file)
            self._choose(entries)
        except BaseException:
            self.close()
            raise

    def _choose(self, entries: list[zipfile.ZipInfo]) -> None:
        kept, paths, tables = list[zipfile.ZipInfo](), list[str](), list[tuple[str, zipfile.ZipInfo]]()
        for entry in entries:
            path = _decoded_name(entry)
            reason = why_no_picture(path)
            if path.rpartition("/")[2].lower() == TABLE:
                tables.append((path, entry))
            elif reason is None and (trouble := _trouble(entry)):
                self.left_out.append((printable(path), trouble))
            elif reason is None:
                kept.append(entry)
                paths.append(path)
            elif reason:
                self.left_out.append((printable(path), reason))
        self.names = paths if all(map(str.isprintable, paths)) else [printable(path) for path in paths]
        check_some(self)
        self._numbers = np.array([_numbers(entry) for entry in kept], np.int64)
        table = min(tables, key=lambda found: found[0].count("/"), default=None)
        arrange(self, paths, None if table is None else self._table(table[1]))

    def _table(self, entry: zipfile.ZipInfo) -> bytes:
        try:
            return _unpacked(self._file, *_numbers(entry), most=MAX_TABLE)
        except ImageError as error:
            raise DataError(f"labels.csv in the zip: {error}") from None

    def read(self, index: int) -> bytes:
        """The picture's file."""
        return _unpacked(self._file, *self._numbers[index].tolist(), most=MAX_BYTES)

    def close(self) -> None:
        """Closes the archive."""
        self._file.close()


def is_zip(path: Path) -> bool:
    """Whether a file begins as zip archives do."""
    with open_regular(path) as file:
        return file.read(4) in (b"PK\3\4", b"PK\5\6")


def _entries(file: BinaryIO) -> list[zipfile.ZipInfo]:
    """The files in the archive.

    Raises:
        DataError: it is broken, or means harm.
    """
    size = os.fstat(file.fileno()).st_size
    if _count(file, size) > MAX_ENTRIES:
        raise DataError(f"The zip holds more than {MAX_ENTRIES:,} files, which is the most that is read. {_HARMFUL}")
    try:
        entries = [entry for entry in zipfile.ZipFile(file).infolist() if not entry.is_dir()]
    except Exception as error:  # the directory is anybody's bytes, and zipfile raises what its parser ran into
        raise DataError(f"The zip cannot be read ({str(error)[:100] or type(error).__name__}). Zip the pictures again.") from None
    _check_archive(entries, size)
    return entries


def _count(file: BinaryIO, size: int) -> int:
    """At most so many entries are in the archive's directory, counted before zipfile makes an object of each."""
    tail = os.pread(file.fileno(), 65_557, max(0, size - 65_557))
    end, end64 = tail.rfind(b"PK\5\6"), tail.rfind(b"PK\6\6")
    length = struct.unpack_from("<I", tail, end + 12)[0] if 0 <= end <= len(tail) - 16 else 0
    if length == 0xFFFFFFFF and 0 <= end64 <= len(tail) - 48:
        length = struct.unpack_from("<Q", tail, end64 + 40)[0]
    start = max(0, size - len(tail) - min(length, size))
    return sum(os.pread(file.fileno(), 2**20 + 3, place).count(b"PK\1\2") for place in range(start, size, 2**20))


def _check_archive(entries: list[zipfile.ZipInfo], size: int) -> None:
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MAX_UNPACKED or (unpacked > SMALL and unpacked > MAX_RATIO * size):
        times = f"{unpacked / 1e9:,.0f} GB, {unpacked / max(size, 1):,.0f} times its size"
        raise DataError(f"The zip would unpack to {times}, as zip bombs do. {_HARMFUL}")
    starts = sorted((entry.header_offset, entry.compress_size) for entry in entries)
    if any(start + length > next_start for (start, length), (next_start, _) in itertools.pairwise(starts)):
        raise DataError(f"Files in the zip overlap, as they do in zip bombs. {_HARMFUL}")
    for entry in entries:
        if entry.flag_bits & _ENCRYPTED:
            raise DataError("The zip is encrypted. Unpack it with its password, and zip the pictures without one.")
        if _escapes(entry.filename) or _escapes(_decoded_name(entry)):
            name = printable(entry.orig_filename)[:60]
            raise DataError(f"The zip holds a file that wants to lie outside of it ({name}). {_HARMFUL}")


def _escapes(path: str) -> bool:
    path = path.replace("\\", "/")
    return path.startswith("/") or bool(re.match(r"[A-Za-z]:", path)) or ".." in path.split("/")


def _decoded_name(entry: zipfile.ZipInfo) -> str:
    """Old archives do not say in what letters their names are written: UTF-8 where that fits, else what zipfile took them for."""
    name = entry.filename
    if not entry.flag_bits & _UTF8 and not name.isascii():
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return name.replace("\\", "/")


def _trouble(entry: zipfile.ZipInfo) -> str:
    """Why one entry is left out, though it is called like a picture; "" when it is not."""
    if stat.S_ISLNK(entry.external_attr >> 16):
        return A_LINK
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "It is packed in an unusual way; zip the pictures again with the system's own program."
    if entry.file_size > MAX_BYTES:
        return f"It unpacks to {entry.file_size / 2**20:,.0f} MB; at most {MAX_BYTES // 2**20} MB are read."
    return ""


def _numbers(entry: zipfile.ZipInfo) -> tuple[int, int, int, int]:
    return entry.header_offset, entry.compress_size, entry.compress_type, entry.CRC


def _unpacked(file: BinaryIO, start: int, length: int, method: int, checksum: int, *, most: int) -> bytes:
    """One entry. Read by position, so that threads do not move each other's place in the file."""
    broken = ImageError("It is damaged inside the zip.")
    head = os.pread(file.fileno(), _LOCAL.size, start)
    if len(head) < _LOCAL.size or head[:4] != b"PK\3\4":
        raise broken
    _, name, extra = _LOCAL.unpack(head)
    packed = os.pread(file.fileno(), min(length, most + 1), start + _LOCAL.size + name + extra)
    try:
        data = packed if method == zipfile.ZIP_STORED else zlib.decompressobj(-15).decompress(packed, most + 1)
    except zlib.error:
        raise broken from None
    if len(data) > most:
        raise ImageError(f"It unpacks to more than {most // 2**20} MB; at most that is read.")
    if zlib.crc32(data) != checksum:
        raise broken
    return data
