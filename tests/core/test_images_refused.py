"""Uploads that cannot be used: limits checked on the header, and one sentence for everything that is broken or no image."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from image_files import AS_IN_PRODUCTION, GREY, MNIST, as_file, png_claiming
from PIL import Image

from vae_core import images
from vae_core.errors import ImageError
from vae_core.images import decode_upload, read_upload


@AS_IN_PRODUCTION
@pytest.mark.parametrize("claimed", [(30000, 30000), (10000, 10000), (8000, 6251), (2**31 - 1, 2**31 - 1), (2**31 - 1, 1)])
def test_a_decompression_bomb_is_refused_by_its_header(claimed):
    with pytest.raises(ImageError, match=r"pixels; at most 50 million are read\. Scale it down"):
        read_upload(png_claiming(*claimed), **GREY)


@AS_IN_PRODUCTION
@pytest.mark.parametrize("claimed", [(1, 49_999_999), (49_999_999, 1), (20_001, 1), (1, 20_001), (2_000, 24_999)])
def test_a_side_that_is_too_long_is_refused_by_the_header(claimed):
    with pytest.raises(ImageError, match=r"at most 20,000 on each side are read\. Cut it"):
        read_upload(png_claiming(*claimed), **GREY)


EXTREME = [(1, 20_000), (20_000, 1), (300, 12_000)]
MODES = {"PNG": ("L", "RGBA", "I;16"), "JPEG": ("RGB",), "WEBP": ("RGB",), "GIF": ("P",), "BMP": ("RGB",), "TIFF": ("F",)}


@pytest.mark.parametrize(("kind", "mode"), [(kind, mode) for kind, modes in MODES.items() for mode in modes])
def test_pictures_of_extreme_sizes_are_read_with_little_work(kind, mode):
    for size in EXTREME:
        if kind == "WEBP" and max(size) > 16_383:  # more than the format can have
            continue
        picture = images.open_picture(as_file(Image.new(mode, size), kind))
        assert picture.image.width * picture.image.height <= 3_600_000
        began = time.process_time()
        upload = read_upload(picture, **MNIST)
        assert upload.x.shape == (1, 28, 28) and np.isfinite(upload.x).all()
        assert time.process_time() - began < 5


def test_the_largest_pictures_with_many_bits_are_averaged_before_they_become_floats():
    for mode in ("I;16", "F", "I"):
        picture = images.open_picture(as_file(Image.new(mode, (2100, 1500), 9), "TIFF"))
        assert picture.image.size == (1050, 750) and picture.image.getextrema() == (9, 9)


def test_only_so_many_are_decoded_at_once(monkeypatch):
    data, inside, gate = as_file(np.zeros((20, 20), np.uint8)), threading.Semaphore(0), threading.Event()
    load = decode_upload._load

    def slow(image, short_side):
        inside.release()
        gate.wait(20)
        return load(image, short_side)

    monkeypatch.setattr(decode_upload, "_load", slow)
    asking = [threading.Thread(target=read_upload, args=(data,), kwargs=GREY) for _ in range(5)]
    for thread in asking:
        thread.start()
    for _ in range(decode_upload.AT_ONCE):
        assert inside.acquire(timeout=20)
    assert not inside.acquire(timeout=0.2)  # the others wait
    gate.set()
    for thread in asking:
        thread.join(20)
    assert not any(thread.is_alive() for thread in asking)


def test_refusing_a_bomb_allocates_nothing():
    script = (
        "import resource, sys; from image_files import png_claiming, GREY\n"
        "from vae_core.images import read_upload; from vae_core.errors import ImageError\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: read_upload(png_claiming(9000, 9000), **GREY)\n"
        "except ImageError: pass\n"
        "else: sys.exit('accepted')\n"
        "grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before\n"
        "sys.exit(f'{grown} KB' if grown > 20_000 else 0)"
    )
    paths = f"{Path(__file__).parents[2]}:{Path(__file__).parent}"
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True, env={"PYTHONPATH": paths})
    assert done.returncode == 0, done.stderr


def test_too_many_bytes_are_refused_before_anything_is_read():
    with pytest.raises(ImageError, match=r"33 MB; at most 32 MB"):
        read_upload(b"\x89PNG" + bytes(33 * 2**20), **GREY)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"hello, this is text", "not an image"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"PK\3\4....", "ZIP"),
        (b"\n<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"<!doctype html><title>404</title>", "web page"),
        (b"\0\0\0\x18ftypheic....", "HEIC"),
        (bytes(1000), "not an image"),
        (b"\x89PNG\r\n\x1a\n", "not an image"),
        (png_claiming(0, 5), "PNG, JPEG"),
    ],
    ids=["empty", "text", "pdf", "zip", "svg", "html", "heic", "zeros", "bare magic", "no width"],
)
def test_what_is_no_image_is_a_sentence(data, words):
    with pytest.raises(ImageError, match=words) as caught:
        read_upload(data, **GREY)
    assert str(caught.value).endswith(".")


@AS_IN_PRODUCTION
@pytest.mark.parametrize("kind", images.FORMATS)
@pytest.mark.parametrize("kept", [0.02, 0.2, 0.5, 0.9, 0.99])
def test_a_truncated_file_is_a_sentence_and_never_another_exception(kind, kept):
    data = as_file(np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8), kind)
    try:
        x = read_upload(data[: int(len(data) * kept)], **GREY).x
    except ImageError as error:
        assert "damaged or cut short" in str(error) or "not an image" in str(error)
    else:  # some readers fill the missing end: that is a picture, then
        assert kept > 0.5 and np.isfinite(x).all()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "WEBP"])
def test_half_a_file_is_refused(kind):
    data = as_file(np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8), kind)
    with pytest.raises(ImageError, match=r"damaged or cut short|not an image"):
        read_upload(data[: len(data) // 2], **GREY)


@AS_IN_PRODUCTION
@pytest.mark.parametrize("kind", images.FORMATS)
def test_randomly_damaged_files_never_raise_anything_else(kind):
    rng = np.random.default_rng(7)
    clean = as_file(rng.integers(0, 256, (40, 40, 3), dtype=np.uint8), kind)
    survived = 0
    for _ in range(60):
        hurt = bytearray(clean)
        for position in rng.integers(0, min(len(hurt), 200), 4):
            hurt[position] = rng.integers(0, 256)
        try:
            survived += read_upload(bytes(hurt), **MNIST).x.shape == (1, 28, 28)
        except ImageError as error:
            assert str(error).endswith(".")
    assert survived < 60
