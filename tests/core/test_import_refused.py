"""What must not be imported: each is answered by a sentence, and nothing of it is kept."""

import os
import re
import stat
import threading
import time
import zipfile

import numpy as np
import pytest
from image_files import AS_IN_PRODUCTION, as_file
from picture_folders import awful, blots, good, lying_zip, pictures, zipped

from vae_core.data.catalog import datasets
from vae_core.data.own_datasets import own_root
from vae_core.errors import DataError
from vae_core.import_images import ImportOptions, import_images, inspect, open_source, start_import, write_dataset, zip_files

SMALL = ImportOptions(size=32)
SENTENCE = re.compile(r"^([A-Z0-9/\"'.]|\w+\.\w+).*[.]$", re.DOTALL)


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("VAE_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def kept() -> list[str]:
    """Whatever lies beside the datasets, hidden or not."""
    return sorted(path.name for path in own_root().iterdir()) if own_root().exists() else []


def refusal(paths, name="own", options=SMALL) -> str:
    """Why it is refused; nothing of it is left anywhere."""
    before = kept()
    with pytest.raises(DataError) as refused, open_source(paths) as source:
        import_images(source, name, options)
    assert kept() == before
    assert SENTENCE.match(str(refused.value)), str(refused.value)
    return str(refused.value)


# --- zips that mean harm


def test_a_zip_that_unpacks_to_many_times_its_size(tmp_path, monkeypatch):
    monkeypatch.setattr(zip_files, "SMALL", 1_000_000)
    bomb = zipped(tmp_path / "bomb.zip", {f"{i}.bmp": b"\0" * 1_000_000 for i in range(3)})
    assert "zip bombs" in refusal(bomb)


def test_a_zip_that_unpacks_to_more_than_any_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(zip_files, "MAX_UNPACKED", 100_000)
    assert "zip bombs" in refusal(zipped(tmp_path / "bomb.zip", good(30)))


def test_a_zip_with_too_many_files_is_refused_before_its_directory_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(zip_files, "MAX_ENTRIES", 30)
    path = zipped(tmp_path / "many.zip", {f"{i}.png": b"" for i in range(31)})
    monkeypatch.setattr(zip_files.zipfile, "ZipFile", None)
    assert "more than 30 files" in refusal(path)


def test_a_zip_whose_files_overlap(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a.png": b"a" * 500, "b.png": b"b" * 500}, zipfile.ZIP_STORED)
    raw = bytearray(path.read_bytes())
    second = raw.rfind(b"PK\1\2")
    raw[second + 42 : second + 46] = (10).to_bytes(4, "little")  # the second file begins within the first
    path.write_bytes(raw)
    assert "overlap" in refusal(path).lower()


@AS_IN_PRODUCTION
def test_a_file_in_a_zip_that_lies_about_its_size_is_unpacked_to_a_bound_and_left_out(tmp_path):
    with open_source(lying_zip(tmp_path / "lies.zip")) as source:
        [(_, reason)] = inspect(source).unreadable
    assert "32 MB" in reason
    assert "32 MB" in refusal(tmp_path / "lies.zip")


@pytest.mark.parametrize("name", ["../../evil.png", "/etc/evil.png", "C:\\evil.png", "a/..\\..\\evil.png", "..\\evil.png"])
def test_a_zip_with_a_path_that_leads_out_of_it(tmp_path, name):
    assert "outside" in refusal(zipped(tmp_path / "a.zip", good(30) | {name: as_file(blots(99))}))


def test_an_encrypted_zip(tmp_path):
    path = zipped(tmp_path / "a.zip", good(30))
    raw = bytearray(path.read_bytes())
    for head, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        for found in re.finditer(re.escape(head), bytes(raw)):
            raw[found.start() + flags] |= 1
    path.write_bytes(raw)
    assert "encrypted" in refusal(path)


@pytest.mark.parametrize("raw", [b"PK\3\4", b"PK\5\6" + b"\0" * 18, b"PK\3\4" + os.urandom(3000)])
def test_a_zip_that_is_broken_or_empty(tmp_path, raw):
    (tmp_path / "a.zip").write_bytes(raw)
    refusal(tmp_path / "a.zip")


def test_a_damaged_picture_in_a_zip_is_left_out_and_the_rest_is_read(tmp_path):
    path = zipped(tmp_path / "a.zip", good(25), zipfile.ZIP_STORED)
    raw = bytearray(path.read_bytes())
    raw[300] ^= 0xFF
    path.write_bytes(raw)
    with open_source(path) as source:
        report = inspect(source)
    assert report.readable == 24 and "damaged inside the zip" in report.unreadable[0][1]


def test_archives_and_links_inside_are_left_out_with_the_reason_and_refused_where_nothing_else_is(tmp_path):
    link = zipfile.ZipInfo("link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = zipped(tmp_path / "a.zip", {"inner.zip": zipped(tmp_path / "i.zip", good(30)).read_bytes(), "b.tar.gz": b"x"})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    assert "archive inside" in refusal(path) or "symbolic link" in refusal(path)
    with zipfile.ZipFile(path, "a") as archive:
        for name, data in good(25).items():
            archive.writestr(name, data)
    with open_source(path) as source:
        report = inspect(source)
    assert report.readable == 25
    assert dict(report.unreadable).keys() == {"inner.zip", "b.tar.gz", "link.png"}


# --- folders


def test_links_in_a_folder_are_not_followed(tmp_path):
    outside, folder = pictures(tmp_path / "outside", 5), pictures(tmp_path / "given", 15)
    (folder / "file.png").symlink_to(outside / "monarch" / "1.png")
    (folder / "more").symlink_to(outside)
    (folder / "round").symlink_to(folder)
    (folder / "gone.png").symlink_to(folder / "nowhere")
    with open_source(folder) as source:
        report = inspect(source)
    assert report.readable == 30
    assert {"file.png", "more", "round", "gone.png"} <= {name for name, reason in report.unreadable if "symbolic link" in reason}


def test_a_fifo_and_a_file_that_may_not_be_read_hold_nothing_up(tmp_path):
    folder = pictures(tmp_path / "given", 15)
    os.mkfifo(folder / "pipe.png")
    with open_source(folder) as source:
        report = inspect(source)
    assert report.readable == 30 and report.unreadable[0][0] == "pipe.png"


@pytest.mark.parametrize("make", [lambda path: path / "nowhere", lambda path: path, lambda path: [], lambda path: path / "a.txt"])
def test_what_holds_no_picture(tmp_path, make):
    (tmp_path / "a.txt").write_text("hello")
    refusal(make(tmp_path))


def test_two_archives_at_once(tmp_path):
    assert "One zip" in refusal([zipped(tmp_path / "a.zip", good(20)), zipped(tmp_path / "b.zip", good(20))])


# --- too little


def test_a_hundred_thousand_empty_files(tmp_path):
    path, started = tmp_path / "empty.zip", time.monotonic()
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(100_000):
            archive.writestr(zipfile.ZipInfo(f"{i}.png"), b"")
    with open_source(path) as source:
        report = inspect(source)
        assert report.readable == 0 and report.unreadable_count == 100_000 and len(report.unreadable) <= 1000
    assert "0 bytes" in refusal(path)
    assert time.monotonic() - started < 120


def test_one_picture(tmp_path):
    (tmp_path / "one.png").write_bytes(as_file(blots(1)))
    assert "at least 20" in refusal(tmp_path / "one.png")


def test_two_pictures_that_are_the_same(tmp_path):
    for name in ("one.png", "two.bmp"):
        (tmp_path / name).write_bytes(as_file(blots(1), "PNG" if name.endswith("png") else "BMP"))
    assert "1 are exact duplicates" in refusal([tmp_path / "one.png", tmp_path / "two.bmp"])


@AS_IN_PRODUCTION
def test_nothing_but_what_cannot_be_read(tmp_path):
    assert "cannot be read" in refusal(zipped(tmp_path / "a.zip", awful()))


# --- names of datasets


@pytest.mark.parametrize(
    "name", ["", "  ", "x" * 61, "../up", ".hidden", "a/b", "a\\b", "a\nb", "mnist", "Shapes", "-x", "a\0b", "con:trol"]
)
def test_a_name_that_cannot_be_used(tmp_path, name):
    refusal(pictures(tmp_path / "given", 15), name)


@pytest.mark.parametrize("name", ["Schmetterlinge über 3 cm", "蝶", "a.b (2)", "x" * 60])
def test_names_of_other_languages_can_be_used(tmp_path, name):
    with open_source(pictures(tmp_path / "given", 15)) as source:
        import_images(source, f" {name} ", SMALL)
    assert name in datasets() and kept() == [name]


def test_a_name_that_is_taken_in_whatever_capitals(tmp_path):
    folder = pictures(tmp_path / "given", 15)
    with open_source(folder) as source:
        import_images(source, "Butterflies", SMALL)
    assert "already a dataset" in refusal(folder, "butterflies")
    with pytest.raises(DataError, match="already a dataset"):
        start_import(folder, "BUTTERFLIES", SMALL)


def test_two_people_who_import_under_one_name_at_once(tmp_path):
    """One of them gets it, whole; the other one gets a sentence at once."""
    folders = [pictures(tmp_path / str(person), 40, first=person * 1000) for person in range(2)]
    together, answers = threading.Barrier(2), []

    def add(folder):
        with open_source(folder) as source:
            together.wait()
            try:
                answers.append(import_images(source, "own", SMALL).images_digest)
            except DataError as error:
                answers.append(error)

    people = [threading.Thread(target=add, args=(folder,)) for folder in folders]
    for person in people:
        person.start()
    for person in people:
        person.join(60)
    [refused] = [answer for answer in answers if isinstance(answer, DataError)]
    assert "own" in str(refused) and ("at this moment" in str(refused) or "already" in str(refused))
    assert kept() == ["own"] and datasets()["own"].images_digest in answers


# --- the disk


def test_a_disk_without_room_is_noticed_before_a_picture_is_decoded(tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(write_dataset.shutil, "disk_usage", lambda path: usage)
    monkeypatch.setattr(write_dataset, "decoded", None)
    assert "disk has" in refusal(pictures(tmp_path / "given", 15))


def test_an_array_that_unpacks_to_more_than_the_disk_holds(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "a.npz", images=np.zeros((30, 64, 64), np.uint8))
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("vae_core.import_images.arrays.shutil.disk_usage", lambda path: usage)
    assert "unpacks to" in refusal(tmp_path / "a.npz")
