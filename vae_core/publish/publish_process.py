"""python -m vae_core.publish.publish_process FOLDER: makes the page that job.json asks for, standing back for everybody else."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

from vae_core import runs
from vae_core.errors import LatentWalkError
from vae_core.publish.write_page import Sources, Words, make_page, single_file, write_zip
from vae_core.runs.json_files import read_json
from vae_core.system.atomic_write import replaced

NICENESS = 19


def main(folder: Path) -> None:
    os.nice(NICENESS)
    asked = read_json(folder / "job.json")

    def report(what: str, share: float) -> None:
        runs.write_status(folder, state="running", message=what, share=share)

    try:
        sources = Sources.of(Path(asked["components"]))
        models = [(name, Path(path)) for name, path in asked["models"]]
        page = make_page(models, Words(**asked["words"]), sources, report=report)
        runs.write_status(folder, message=f"{page.bytes / 1e6:.1f} MB over the wire")
        if asked["form"] == "zip":
            write_zip(page, folder / "page.zip")
        else:
            with replaced(folder / "page.html") as beside:
                beside.write_text(single_file(page, sources), encoding="utf-8")
    except LatentWalkError as error:
        runs.write_status(folder, state="failed", message=str(error))
    except OSError as error:
        runs.write_status(folder, state="failed", message=f"A file cannot be written ({error.strerror}). Free some space.")
    except Exception as error:
        traceback.print_exc()
        message = f"The page could not be made ({type(error).__name__}: {str(error)[:200]}). Try again."
        runs.write_status(folder, state="failed", message=message)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
