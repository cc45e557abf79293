"""The copy of onnxruntime-web: what its hashes say it is, and what its program makes of the package."""

import base64
import gzip
import hashlib
import io
import json
import tarfile

import pytest

from tools import renew_onnxruntime_web as tool

TOLD = json.loads((tool.FOLDER / tool.HASHES).read_text())


def package(path, version, files):
    with tarfile.open(path, "w:gz") as tar:
        for name, data in {"package.json": json.dumps({"version": version}).encode(), **files}.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return path


def unpacked():
    return {f"dist/{name}": gzip.decompress((tool.FOLDER / f"{name}.gz").read_bytes()) for name in tool.FILES}


def test_the_files_are_what_their_hashes_say_and_small_enough_and_there_are_no_others():
    assert set(TOLD["files"]) == set(tool.FILES)
    for name, data in unpacked().items():
        told = TOLD["files"][name.removeprefix("dist/")]
        assert told == {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    there = {path.name: path.stat().st_size for path in tool.FOLDER.iterdir()}
    assert set(there) == {"LICENSE", "ThirdPartyNotices.txt.gz", tool.HASHES, *(f"{name}.gz" for name in tool.FILES)}
    assert max(there.values()) <= tool.MOST
    assert "Microsoft" in (tool.FOLDER / "LICENSE").read_text()


def test_the_program_makes_the_same_files_of_the_package(tmp_path):
    tgz = package(tmp_path / "p.tgz", TOLD["version"], {**unpacked(), "dist/ort.js": b"left out"})
    tool.renew(tgz, tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {tool.HASHES, *(f"{name}.gz" for name in tool.FILES)}
    for name in tool.FILES:
        made = gzip.decompress((tmp_path / "out" / f"{name}.gz").read_bytes())
        assert made == unpacked()[f"dist/{name}"]
    integrity = f"sha512-{base64.b64encode(hashlib.sha512(tgz.read_bytes()).digest()).decode()}"
    assert json.loads((tmp_path / "out" / tool.HASHES).read_text()) == TOLD | {"integrity": integrity}


def test_a_package_that_lacks_a_file_changes_nothing(tmp_path):
    tgz = package(tmp_path / "p.tgz", "9.9.9", {"dist/ort.wasm.bundle.min.mjs": b"1"})
    with pytest.raises(SystemExit, match="simd-threaded"):
        tool.renew(tgz, tmp_path / "out")
    assert not (tmp_path / "out").exists()
