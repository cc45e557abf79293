"""Who imports what takes long on the way to the first picture: `python -m tools.heavy_imports` prints it as JSON.

Runs what the server runs for the first visitor (app.py, the default model, the Explore page) and notes for each of these packages
the innermost caller that is either a file of ours or Streamlit. Streamlit may use what it likes; we import none of them.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).parents[1]
HEAVY = ("torchvision", "scipy", "pandas", "onnx", "onnxscript", "onnxruntime")


class Watcher(MetaPathFinder):
    """Finds nothing; notes who asked first."""

    def __init__(self) -> None:
        self.blamed: dict[str, str] = {}

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        """Called by Python at every import of a module that is not loaded yet."""
        if fullname in HEAVY:
            self.blamed.setdefault(fullname, blame(sys._getframe(1)))


def blame(frame: FrameType | None) -> str:
    """'ui/main.py:12' for a file of ours, 'streamlit' for Streamlit, 'unknown' otherwise."""
    for caller in _callers(frame):
        path = Path(caller.f_code.co_filename)
        if "site-packages" in path.parts:
            if "streamlit" in path.parts:
                return "streamlit"
        elif path.is_relative_to(ROOT) and path != Path(__file__):
            return f"{path.relative_to(ROOT).as_posix()}:{caller.f_lineno}"
    return "unknown"


def _callers(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def main() -> None:
    """Imports what the first picture needs and prints who imported what."""
    watcher = Watcher()
    sys.meta_path.insert(0, watcher)
    importlib.import_module("app").warm_up()
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_file(str(ROOT / "ui" / "main.py"), default_timeout=60).run()
    print(json.dumps({"imported": watcher.blamed, "errors": [error.message for error in app.exception]}))


if __name__ == "__main__":
    main()
