"""A source as a dataset in `VAE_DATA/own/NAME`: written beside, complete, and put into place in one step.

It is written in a hidden folder that belongs to the name and is locked while somebody writes: so nobody else imports under this
name meanwhile, and what a killed import has left is known by its free lock and removed by the next one.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from vae_core.data.catalog import RECORD, DatasetInfo, OwnRecord
from vae_core.data.own_datasets import FACTORS, HEADER, IMAGES, LABELS, check_free, check_own_name, own_root
from vae_core.errors import DataError
from vae_core.import_images.decode_in_threads import Decoded, decoded
from vae_core.import_images.import_options import ImportOptions
from vae_core.import_images.inspect_and_preview import Progress
from vae_core.import_images.source import PARTS, Source
from vae_core.runs.lock import try_lock
from vae_core.system.atomic_write import sync_folder

LEAST = 20  # different pictures: fewer cannot be split
TEST_SHARE, MOST_TEST = 10, 10_000  # one in ten, at most so many
STAGING = ".importing-"
SPARE = 50_000_000  # bytes of disk that an import leaves


class ImportStoppedError(DataError):
    """An import ended because it was asked to."""


def import_images(
    source: Source,
    name: str,
    options: ImportOptions,
    *,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> DatasetInfo:
    """Decodes every picture and keeps them as the dataset `name`. It appears whole or not at all.

    Raises:
        DataError: too few different pictures, a name that is taken or cannot be used, or a full disk.
        ImportStoppedError: `should_stop` said so.
    """
    name = check_own_name(name)
    check_free(name)
    try:
        own_root().mkdir(parents=True, exist_ok=True)
        remove_stale()
        _check_room(source.count, options)
        with _staging(name) as folder:
            record = _write(folder, source, options, progress, should_stop)
            return _put_into_place(folder, name, record)
    except OSError as error:
        raise DataError(f"{name} could not be written to {own_root()}: {_why(error)}. Nothing of it is kept.") from error


def _why(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _check_room(count: int, options: ImportOptions) -> None:
    needed, free = count * int(np.prod(options.shape)) + SPARE, shutil.disk_usage(own_root()).free
    if needed > free:
        raise DataError(
            f"{count:,} pictures of {options.size} x {options.size} need {needed / 1e9:,.1f} GB, and the disk has "
            f"{free / 1e9:,.1f} GB left. Free some space, or choose a smaller size."
        )


def _write(
    folder: Path, source: Source, options: ImportOptions, progress: Progress | None, should_stop: Callable[[], bool] | None
) -> OwnRecord:
    kept = _Kept(source)
    with (folder / IMAGES).open("wb") as file, closing(decoded(source, options, source.order)) as pictures:
        file.write(b"\0" * HEADER)
        for looked, one in enumerate(pictures, start=1):
            if should_stop is not None and should_stop():
                raise ImportStoppedError("The import was stopped. Nothing of it is kept.")
            if kept.takes(one):
                assert one.pixels is not None
                pixels = np.ascontiguousarray(one.pixels.transpose(2, 0, 1))
                kept.digest.update(pixels.data)
                file.write(pixels.data)
            if progress is not None:
                progress(looked, source.count)
        kept.check(source)
        _write_header(file, (len(kept.indices), *options.shape))
    indices = np.array(kept.indices)
    labels = source.labels[indices].astype("<i4")
    kept.digest.update(labels.data)
    _save(folder / LABELS, labels)
    if source.factors is not None:
        _save(folder / FACTORS, source.factors[indices])
    record = kept.record(source, options)
    with (folder / RECORD).open("w") as text:
        text.write(record.model_dump_json(indent=1))
        _to_disk(text)
    sync_folder(folder)
    return record


class _Kept:
    """Which pictures are kept, in their order, and why others are not."""

    def __init__(self, source: Source) -> None:
        self.indices: list[int] = []
        self.digest = sha256()
        self.unreadable = self.duplicates = 0
        self._first_reason = ""
        self._seen: set[bytes] | None = set() if source.drop_duplicates else None

    def takes(self, one: Decoded) -> bool:
        """Whether the picture is kept: it can be read, and none like it came before."""
        if one.pixels is None:
            self.unreadable += 1
            self._first_reason = self._first_reason or one.reason
            return False
        if self._seen is not None:
            if one.key in self._seen:
                self.duplicates += 1
                return False
            self._seen.add(one.key)
        self.indices.append(one.index)
        return True

    def check(self, source: Source) -> None:
        """There are enough.

        Raises:
            DataError: there are not.
        """
        if len(self.indices) >= LEAST:
            return
        unreadable = self.unreadable + len(source.left_out)
        others = [f"{self.duplicates:,} are exact duplicates"] if self.duplicates else []
        reason = self._first_reason or (source.left_out[0][1] if source.left_out else "")
        others += [f"{unreadable:,} cannot be read ({reason})"] if unreadable else []
        raise DataError(
            f"Of {source.count + len(source.left_out):,} files {len(self.indices):,} are different pictures that can be read; a "
            f"dataset needs at least {LEAST}.{' The others: ' + ', '.join(others) + '.' if others else ''} Nothing is kept."
        )

    def record(self, source: Source, options: ImportOptions) -> OwnRecord:
        """What dataset.json says."""
        total = len(self.indices)
        counts = np.zeros(len(PARTS), int) if source.parts is None else np.bincount(source.parts[self.indices], minlength=3)
        validation, test = int(counts[PARTS.index("validation")]), int(counts[PARTS.index("test")])
        test = test or min(MOST_TEST, max(2, total // TEST_SHARE))  # drawn: the last of the shuffled ones
        if total - validation - test < 2:
            raise DataError("The folder train holds no pictures that can be read. Nothing is kept.")
        channels, height, width = options.shape
        return OwnRecord(
            height=height, width=width, channels=channels, classes=source.class_names,
            training_images=total - test, validation_images=validation or None, test_images=test,
            images_digest=self.digest.hexdigest(), factors=source.factor_names, options=options.model_dump(),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            left_out=self.unreadable + self.duplicates + len(source.left_out),
        )  # fmt: skip


def _write_header(file: BinaryIO, shape: tuple[int, ...]) -> None:
    """The header of .npy, version 1.0, padded to HEADER bytes; its length depends on the number of pictures that were kept."""
    text = str({"descr": "|u1", "fortran_order": False, "shape": shape}).encode()
    file.seek(0)
    file.write(b"\x93NUMPY\x01\x00" + (HEADER - 10).to_bytes(2, "little") + text.ljust(HEADER - 11) + b"\n")
    _to_disk(file)


def _save(path: Path, array: NDArray[Any]) -> None:
    with path.open("wb") as file:
        np.save(file, array, allow_pickle=False)
        _to_disk(file)


def _to_disk(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())


@contextmanager
def _staging(name: str) -> Iterator[Path]:
    """A hidden folder to write to, locked; it is gone at the end unless it was put into place.

    Raises:
        DataError: somebody is importing under this name now.
    """
    folder = own_root() / f"{STAGING}{sha256(name.casefold().encode()).hexdigest()[:24]}"
    path, deadline = folder.with_name(folder.name + ".lock"), time.monotonic() + 0.5
    while (lock := _locked(path)) is None and time.monotonic() < deadline:
        time.sleep(0.02)  # `remove_stale` of another import holds it for a moment
    if lock is None:
        raise DataError(f"Somebody is importing a dataset called {name!r} at this moment. Wait for it, or choose another name.")
    try:
        check_free(name)  # an import that held the lock until now may have taken the name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        path.unlink(missing_ok=True)
        os.close(lock)


def _locked(path: Path) -> int | None:
    """The locked file, or None when somebody has it. One that was removed between opening and locking is not the one."""
    while True:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        if not try_lock(lock, fcntl.LOCK_EX):
            os.close(lock)
            return None
        with suppress(FileNotFoundError):
            if path.stat().st_ino == os.fstat(lock).st_ino:
                return lock
        os.close(lock)


def _put_into_place(folder: Path, name: str, record: OwnRecord) -> DatasetInfo:
    try:
        folder.rename(own_root() / name)  # fails where there is one, which has files
    except OSError:
        check_free(name)
        raise
    sync_folder(own_root())
    return record.info(name)


def remove_stale() -> None:
    """Removes what killed imports and deletions have left."""
    for path in own_root().glob(f"{STAGING}*.lock"):
        lock = _locked(path)
        if lock is not None:
            shutil.rmtree(path.with_suffix(""), ignore_errors=True)
            path.unlink(missing_ok=True)
            os.close(lock)
    for path in own_root().glob(".deleted-*"):
        shutil.rmtree(path, ignore_errors=True)
