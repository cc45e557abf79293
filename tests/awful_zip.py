"""A zip as people have them: good pictures of every kind in folders of folders, among them what is broken, huge or no picture."""

import io
import struct
import zipfile
import zlib

import numpy as np
from PIL import Image

GOOD_EACH = 14  # ordinary pictures of each class
ODD = 5  # pictures that are unusual and can be read
LEFT_OUT = ("cut short.png", "huge.png", "empty.jpg", "renamed.png", "notes.txt", "inner.zip")


def picture(seed: int, size: tuple[int, int] = (96, 64), mode: str = "RGB") -> Image.Image:
    """Coloured squares that are no copy of any other picture, with a lighter left half."""
    pixels = np.random.default_rng(seed).integers(0, 128, (8, 12, 3), dtype=np.uint8)
    pixels[:, :6] += 120
    return Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST).convert(mode)


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """The picture as a file."""
    image.save(file := io.BytesIO(), kind, **options)
    return file.getvalue()


def rotated() -> bytes:
    """A photograph that was taken with the camera on its side."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(picture(301), "JPEG", exif=exif)


def sixteen_bit() -> bytes:
    """Grey in 16 bits, as microscopes and scanners write it."""
    values = np.random.default_rng(302).integers(0, 65536, (64, 96)).astype(np.uint16)
    return encoded(Image.fromarray(values))


def transparent() -> bytes:
    """A disc on nothing."""
    image = picture(303, (64, 64), "RGBA")
    y, x = np.mgrid[:64, :64]
    image.putalpha(Image.fromarray((((x - 32) ** 2 + (y - 32) ** 2 < 800) * 255).astype(np.uint8)))
    return encoded(image)


def huge() -> bytes:
    """A PNG whose head promises 10 thousand million pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


def bomb() -> bytes:
    """A zip of a few hundred bytes that says it holds three thousand million."""
    with zipfile.ZipFile(file := io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.png", bytes(100_000))
        archive.filelist[0].file_size = 3_000_000_000
    return file.getvalue()


def awful_zip() -> bytes:
    """Two classes, two folders deep, with everything that can be wrong among them."""
    with zipfile.ZipFile(file := io.BytesIO(), "w") as archive:
        for place, kind in enumerate(("light", "dark")):
            for index in range(GOOD_EACH):
                archive.writestr(f"photos/{kind}/{index:02}.png", encoded(picture(100 * place + index)))
        for name, data in {
            "rotated.jpg": rotated(),
            "sixteen bit.png": sixteen_bit(),
            "transparent.png": transparent(),
            "ink.jpg": encoded(picture(304, mode="CMYK"), "JPEG"),
            "été 蝶.webp": encoded(picture(305), "WEBP", lossless=True),
            "twin.png": encoded(picture(0)),
            "cut short.png": encoded(picture(306))[:90],
            "huge.png": huge(),
            "empty.jpg": b"",
            "renamed.png": b"These are words and no pixels.",
            "notes.txt": b"Taken in spring.",
            "inner.zip": b"PK\x05\x06" + bytes(18),
        }.items():
            archive.writestr(f"photos/light/{name}", data)
        archive.writestr("__MACOSX/photos/._01.png", b"\x00\x05\x16\x07")
    return file.getvalue()
