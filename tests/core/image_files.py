"""Pictures as bytes, and what the models of the tests expect: shared by the tests of uploads."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from vae_core.data.catalog import Ink

MNIST = {"height": 28, "width": 28, "channels": 1, "ink": Ink(share=20 / 28, centre="mass")}
FASHION = {"height": 28, "width": 28, "channels": 1, "ink": Ink(share=1.0, centre="box")}
GREY = {"height": 28, "width": 28, "channels": 1}
AS_IN_PRODUCTION = pytest.mark.filterwarnings("ignore")  # where Pillow's warnings stay warnings, the error must come all the same
COLOUR = {"height": 64, "width": 64, "channels": 3}


def as_file(image, kind="PNG", **options):
    """An image, or an array, as the bytes of a file."""
    file = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(file, kind, **options)
    return file.getvalue()


def arrow(width=60, height=40):
    """Grey (H, W): bright in the upper left corner, so that every turn and flip looks different."""
    pixels = np.full((height, width), 40, np.uint8)
    pixels[: height // 4, : width // 2] = 250
    return pixels


def one(light, paper=255, ink=0, size=200):
    """A vertical stroke like a 1 on paper, a third of the way in; `light` swaps ink and paper."""
    pixels = np.full((size, size), ink if light else paper, np.uint8)
    pixels[size // 5 : size // 5 * 3, size // 3 : size // 3 + size // 14] = paper if light else ink
    return pixels


def names(upload):
    return [step.name for step in upload.steps]


def png_claiming(width, height):
    """A PNG of a hundred bytes whose header promises a huge picture."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")
