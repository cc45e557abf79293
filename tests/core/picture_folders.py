"""Folders and zips of pictures for the tests of imports: honest ones and awful ones."""

import io
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
from image_files import as_file, png_claiming
from PIL import Image


def blots(seed, width=48, height=40):
    """A colour picture (H, W, 3) of large soft blots, different for each seed."""
    small = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))


def pictures(folder: Path, count=30, *, classes=("monarch", "swallowtail"), first=0) -> Path:
    """`count` different PNGs in each of the subfolders `classes`."""
    for number, name in enumerate(classes):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            (folder / name / f"{i}.png").write_bytes(as_file(blots(first + 10_000 * number + i)))
    return folder


def zipped(path: Path, files: dict[str, bytes], method=zipfile.ZIP_DEFLATED) -> Path:
    """A zip of these files."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def good(count=30, folder="") -> dict[str, bytes]:
    """Different pictures under their names, for `zipped`."""
    return {f"{folder}{i}.png": as_file(blots(i)) for i in range(count)}


def turned_jpeg(orientation=6):
    """A JPEG that lies on its side: upright its upper half is red, its lower half blue."""
    upright = np.zeros((60, 40, 3), np.uint8)
    upright[:30, :, 0], upright[30:, :, 2] = 255, 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    return as_file(Image.fromarray(upright).transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif, quality=95)


def every_kind() -> dict[str, bytes]:
    """Pictures of every mode and format that has to be read, each different."""
    rng = np.random.default_rng(5)
    alpha = np.dstack([blots(100), np.full((40, 48), 128, np.uint8)])
    sixteen = (rng.integers(0, 256, (40, 48)) * 257).astype(np.uint16)
    stack = [Image.fromarray(blots(seed)) for seed in (101, 102)]
    file = io.BytesIO()
    stack[0].save(file, "GIF", save_all=True, append_images=stack[1:])
    return {
        "colour.png": as_file(blots(103)),
        "grey.png": as_file(blots(104)[..., 0]),
        "alpha.png": as_file(alpha),
        "sixteen.png": as_file(sixteen),
        "sixteen.tif": as_file(sixteen[::-1].copy(), "TIFF"),
        "palette.png": as_file(Image.fromarray(blots(105)).convert("P")),
        "see-through palette.gif": as_file(Image.fromarray(blots(106)).convert("P"), "GIF", transparency=3),
        "animation.gif": file.getvalue(),
        "print.jpg": as_file(Image.fromarray(blots(107)).convert("CMYK"), "JPEG"),
        "print.tif": as_file(Image.fromarray(blots(108)).convert("CMYK"), "TIFF"),
        "photo.webp": as_file(blots(109), "WEBP"),
        "turned.jpg": turned_jpeg(),
        "bits.png": as_file(Image.fromarray(blots(110)).convert("1")),
        "old.bmp": as_file(blots(111), "BMP"),
        "long.png": as_file(blots(112, 900, 9)),
        "speck.png": as_file(np.array([[[200, 30, 40]]], np.uint8)),
        "float.tif": as_file(blots(113)[..., 0].astype(np.float32) / 255, "TIFF"),
    }


def awful() -> dict[str, bytes]:
    """What cannot be read: each has to be listed with a reason."""
    return {
        "cut short.jpg": as_file(blots(120, 400, 300), "JPEG")[:2000],
        "broken.png": b"\x89PNG\r\n\x1a\n" + b"nothing" * 9,
        "empty.png": b"",
        "letter.jpg": b"Dear Sir or Madam",
        "huge.png": png_claiming(60_000, 60_000),
        "inner.zip": b"PK\3\4" + b"\0" * 50,
        "readme.txt": b"hello",
        "film.mp4": b"\0\0\0\x18ftypmp42",
    }


def lying_zip(path: Path) -> Path:
    """A zip whose only entry says that it has 10 bytes, and unpacks to 100 MB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = packer.compress(b"\0" * 100_000_000) + packer.flush()
    name, crc = b"a.png", zlib.crc32(b"\0" * 100_000_000)
    numbers = struct.pack("<HHHHIIIHH", 0, 8, 0, 0, crc, len(data), 10, len(name), 0)
    local = b"PK\3\4" + struct.pack("<H", 20) + numbers + name + data
    central = b"PK\1\2" + struct.pack("<HH", 20, 20) + numbers + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name
    end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local), 0)
    path.write_bytes(local + central + end)
    return path
