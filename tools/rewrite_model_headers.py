"""Brings the headers of model files to today's format and leaves their tensors alone, byte for byte.

python -m tools.rewrite_model_headers checkpoints/*.safetensors
"""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path

from vae_core.model_files.header import METADATA_KEY, open_model_file, parse_header, read_raw_header


def rewritten(path: Path) -> bytes:
    """The whole file with its header as this version writes it.

    Raises:
        CheckpointError: it is no model of ours.
    """
    with open_model_file(path) as file:
        raw = read_raw_header(file, path.name)
        tensors = file.read()
    raw["__metadata__"] = {METADATA_KEY: parse_header(raw, path.name).model_dump_json()}
    text = json.dumps(raw, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # safetensors begins its tensors at a multiple of eight
    return struct.pack("<Q", len(text)) + text + tensors


def main() -> None:
    """Rewrites every file that is named and not of today's format yet."""
    for path in map(Path, sys.argv[1:]):
        data = rewritten(path)
        if data != path.read_bytes():
            beside = path.with_name(f".{path.name}.new")
            beside.write_bytes(data)
            beside.replace(path)
            print(f"{path}: rewritten")


if __name__ == "__main__":
    main()
