import json
import os
import struct

import pytest

from vae_core import runs
from vae_core.config.schema import train_config
from vae_core.errors import CheckpointError
from vae_core.model_files import model_list


def place_run(name, created=1.0, checkpoint=True, folder=None):
    """A run as it lies on the disk when its process is gone."""
    run_dir = runs.runs_root() / (folder or name)
    run_dir.mkdir()
    (run_dir / "config.json").write_text(train_config(data={"name": "shapes"}).model_dump_json())
    runs.write_json(run_dir / "run.json", {"name": name, "created": created})
    runs.write_json(run_dir / "status.json", {"state": "done"})
    if checkpoint:
        (run_dir / "best.safetensors").write_bytes(b"x")
    return run_dir


def listed():
    return [(entry.name, entry.origin) for entry in model_list.list_models()]


def test_no_folders_mean_no_models(models_dir):
    models_dir.rmdir()
    assert model_list.list_models() == []


def test_shipped_models_come_first_then_runs_newest_first_then_uploads(models_dir, make_model, tmp_path):
    make_model(models_dir / "b.safetensors")
    make_model(models_dir / "a.safetensors")
    place_run("older", created=1.0)
    place_run("newer", created=2.0)
    place_run("nothing-yet", checkpoint=False)
    model_list.add_upload(make_model(tmp_path / "up.safetensors").read_bytes(), "up.safetensors")
    assert listed() == [("a", "shipped"), ("b", "shipped"), ("newer", "run"), ("older", "run"), ("up", "uploaded")]


def test_a_name_that_is_taken_gets_a_number(models_dir, make_model):
    make_model(models_dir / "mnist-10d.safetensors")
    place_run("MNIST-10d", folder="one")
    assert listed() == [("mnist-10d", "shipped"), ("MNIST-10d (2)", "run")]
    assert model_list.model_of_run("one").name == "MNIST-10d (2)"


def test_a_renamed_run_is_a_renamed_model_with_the_same_file(models_dir):
    place_run("before", folder="run")
    path = model_list.model_of_run("run").path
    runs.rename("run", "after")
    assert model_list.model_of_run("run").name == "after" and model_list.model_of_run("run").path == path
    assert model_list.model_of_run("unknown") is None


def test_the_model_of_an_older_run_lies_in_last_safetensors_and_is_found_as_well(models_dir):
    run_dir = place_run("old")
    (run_dir / "best.safetensors").rename(run_dir / "last.safetensors")
    assert model_list.model_of_run("old").path == run_dir / "last.safetensors" == runs.status("old").checkpoint
    assert listed() == [("old", "run")]


def test_a_new_version_of_a_file_has_another_time(models_dir):
    run_dir = place_run("run")
    before = model_list.model_of_run("run").mtime_ns
    os.utime(run_dir / "best.safetensors", ns=(before + 5, before + 5))
    assert model_list.model_of_run("run").mtime_ns == before + 5


def test_half_written_and_hidden_files_are_no_models(models_dir, make_model):
    make_model(models_dir / ".hidden.safetensors")
    (models_dir / "README.md").write_text("")
    assert model_list.list_models() == []


def test_an_upload_is_listed_under_its_file_name_and_can_be_deleted(tiny_checkpoint):
    entry = model_list.add_upload(tiny_checkpoint.read_bytes(), "C:\\models\\my model.safetensors")
    assert (entry.name, entry.origin) == ("my model", "uploaded")
    assert entry.path.read_bytes() == tiny_checkpoint.read_bytes()
    model_list.delete_upload("my model")
    assert listed() == [("tiny", "shipped")]
    with pytest.raises(CheckpointError, match="no uploaded model"):
        model_list.delete_upload("tiny")


def test_a_second_upload_of_the_same_name_leaves_the_first_alone(tiny_checkpoint):
    data = tiny_checkpoint.read_bytes()
    names = [model_list.add_upload(data, "m.safetensors").name for _ in range(3)]
    assert names == ["m", "m-2", "m-3"]


@pytest.mark.parametrize(
    ("filename", "name"),
    [
        ("../../../etc/passwd.safetensors", "passwd"),
        (".hidden.safetensors", "hidden"),
        ("..", "uploaded"),
        ("", "uploaded"),
        ("x" * 300 + ".safetensors", "x" * 80),
        ("a\nb\0c.safetensors", "a-b-c"),
    ],
)
def test_a_hostile_file_name_becomes_a_harmless_one_inside_the_folder(tiny_checkpoint, filename, name):
    entry = model_list.add_upload(tiny_checkpoint.read_bytes(), filename)
    assert entry.name == name and entry.path.parent == model_list.uploads_root()


def hostile(kind, good):
    length = struct.unpack("<Q", good[:8])[0]
    header = json.loads(good[8 : 8 + length])
    if kind == "pickle":
        return b"\x80\x04\x95cos\nsystem\n(S'echo owned'\ntR."
    if kind == "empty":
        return b""
    if kind == "truncated":
        return good[:-100]
    if kind == "huge header":
        return struct.pack("<Q", 1 << 60) + good[8:]
    if kind == "no description":
        del header["__metadata__"]
    if kind == "wrong shape":
        name = next(name for name in header if name.startswith("model.encoder"))
        header[name]["shape"] = [1, *header[name]["shape"]]
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + good[8 + length :]


@pytest.mark.parametrize("kind", ["pickle", "empty", "truncated", "huge header", "no description", "wrong shape"])
def test_a_hostile_or_broken_upload_is_refused_with_a_sentence_and_leaves_nothing_behind(tiny_checkpoint, kind):
    with pytest.raises(CheckpointError) as caught:
        model_list.add_upload(hostile(kind, tiny_checkpoint.read_bytes()), "bad.safetensors")
    assert str(caught.value).endswith(".") and len(str(caught.value)) > 30
    assert list(model_list.uploads_root().iterdir()) == []


def test_an_upload_that_is_too_large_is_refused_before_it_is_written(models_dir, monkeypatch):
    monkeypatch.setattr(model_list, "MAX_UPLOAD_BYTES", 10)
    with pytest.raises(CheckpointError, match="11 bytes; at most 10"):
        model_list.add_upload(b"x" * 11, "m.safetensors")
    assert not model_list.uploads_root().exists()


def test_an_upload_to_a_full_disk_says_so(tiny_checkpoint, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "link", full)
    with pytest.raises(CheckpointError, match="no space left on device"):
        model_list.add_upload(tiny_checkpoint.read_bytes(), "m.safetensors")
    assert listed() == [("tiny", "shipped")]
