"""python -m vae_core.import_images.import_process JOB_DIR: what the child process of an import does.

It inherits the job's lock and keeps it until it ends, however it ends. Prints nothing but tracebacks, into the job's log.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from vae_core import runs
from vae_core.errors import DataError
from vae_core.import_images.import_jobs import remove_incoming
from vae_core.import_images.import_options import ImportOptions
from vae_core.import_images.open_source import open_source
from vae_core.import_images.write_dataset import ImportStoppedError, import_images
from vae_core.runs.json_files import read_json

NICENESS = 10  # of 19: whoever drags a slider on the same machine comes first
SECONDS = 0.3  # between two reports


def main(folder: Path) -> None:
    """Works on one job."""
    os.nice(NICENESS)
    runs.write_status(folder, state="running", pid=os.getpid())
    asked = read_json(folder / "job.json")
    paths = [Path(path) for path in asked["paths"]]
    try:
        with open_source(paths if len(paths) > 1 else paths[0]) as source:
            options = ImportOptions.model_validate(asked["options"])
            info = import_images(source, asked["name"], options, progress=_reporter(folder), should_stop=_stop_asked(folder))
        kept = info.training_images + info.test_images
        out = source.count + len(source.left_out) - kept
        left = f" {out:,} were left out: not readable, no pictures, or exact duplicates." if out else ""
        _end(folder, "done", f"{kept:,} pictures were imported.{left}", done=source.count, total=source.count)
    except ImportStoppedError as stopped:
        _end(folder, "stopped", str(stopped))
    except DataError as error:
        _end(folder, "failed", str(error))
    except MemoryError:
        _end(folder, "failed", "There was not enough memory. Choose a smaller size, or import a part of the pictures.")
    except Exception as error:
        traceback.print_exc()
        _end(folder, "failed", f"The import failed ({type(error).__name__}: {str(error)[:200]}). Nothing of it is kept.")
    remove_incoming(paths)


def _end(folder: Path, state: str, message: str, **more: int) -> None:
    runs.write_status(folder, state=state, message=message, **more)


def _reporter(folder: Path) -> Callable[[int, int], None]:
    """Writes how far it is and how long it will take, a few times a second."""
    began, told = time.monotonic(), 0.0

    def report(done: int, total: int) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told > SECONDS:
            told = now
            left = (now - began) / done * (total - done) if now - began > 1 else None
            with contextlib.suppress(OSError):  # a full disk ends the import where it writes pictures, and says so
                runs.write_status(folder, done=done, total=total, seconds_left=left)

    return report


def _stop_asked(folder: Path) -> Callable[[], bool]:
    looked, asked = 0.0, False

    def should_stop() -> bool:
        nonlocal looked, asked
        now = time.monotonic()
        if not asked and now - looked > 0.1:
            looked, asked = now, (folder / "stop").exists()
        return asked

    return should_stop


if __name__ == "__main__":
    main(Path(sys.argv[1]))
