"""python -m vae_core.onnx_export.export_process MODEL HASH PART small|float32: makes one ONNX file of a model, standing back for
everybody else. What went wrong is the last line of what it prints."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from vae_core.errors import LatentWalkError
from vae_core.onnx_export import onnx_files

NICENESS = 10  # as threads of the server whose work can wait: with 19 it would come to nothing beside a run
LONGEST = 900  # seconds, however busy the machine


def main(arguments: list[str]) -> int:
    """Exit status 2 with a sentence for what a person can meet."""
    model, digest, _, weights = arguments
    part: onnx_files.Part = "decoder" if arguments[2] == "decoder" else "encoder"
    os.nice(NICENESS)
    signal.alarm(LONGEST)
    try:
        onnx_files.make(onnx_files.OnnxFile(Path(model), digest, part, weights == "small"))
    except LatentWalkError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"A file cannot be written ({error.strerror or error}). Free some space and try again.", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
