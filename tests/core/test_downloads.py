"""Built-in datasets from a local web server: each in its original format, and every way in which that can fail."""

import dataclasses
import hashlib
import re
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from tests.core import published_files
from vae_core.cli import app
from vae_core.data import convert_downloads, downloads, loading, own_datasets, stored_images
from vae_core.data.catalog import DATASETS
from vae_core.data.download_sources import SOURCES
from vae_core.errors import DataError
from vae_core.evaluation.factor_regression import factor_scores, known_factors

TRAIN, TEST = 240, 40
NAMES = sorted(SOURCES)


class Server(SimpleHTTPRequestHandler):
    silent = False  # whether it accepts connections and then says nothing

    def do_GET(self):
        if type(self).silent:
            time.sleep(1.0)
        super().do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A folder that a real web server hands out."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    handler = type("Handler", (Server,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(Mirror, "address", f"http://127.0.0.1:{server.server_port}/", raising=False)
        monkeypatch.setattr(Mirror, "handler", handler, raising=False)
        yield folder
        server.shutdown()


class Mirror:
    """Where the running server is."""


def images_of(name):
    rng = np.random.default_rng(5)
    info = DATASETS[name]
    images = rng.integers(0, 256, (TRAIN + TEST, *info.image_shape), dtype=np.uint8)
    labels = rng.integers(0, max(1, len(info.classes)), TRAIN + TEST)
    factors = np.stack([labels + 1.0, *rng.random((4, TRAIN + TEST))], axis=1)
    if name == "dsprites":
        images = np.where(images > 127, 255, 0).astype(np.uint8)
    if name == "celeba":  # JPEG keeps what is smooth
        images = np.broadcast_to(images[:, :, :1, :1], images.shape)
    return images, labels, factors


def files_of(name, images, labels, factors):
    if name == "celeba":
        return published_files.celeba_files(images)
    if name == "dsprites":
        return published_files.dsprites_files(images, factors)
    return getattr(published_files, f"{name}_files", published_files.mnist_files)(images, labels, TRAIN)


@pytest.fixture
def publish(mirror, monkeypatch):
    """`publish(name)` puts a small version of a dataset on the server and returns its images, labels and factors."""

    def put(name):
        made = images_of(name)
        contents = files_of(name, *made)
        assert set(contents) == {file.name for file in SOURCES[name].files}, "the real ones have these names"
        for file, content in contents.items():
            (mirror / file).write_bytes(content)
        digests = {name: hashlib.md5(content).hexdigest() for name, content in contents.items()}
        here = {"mirrors": (Mirror.address,), "whole": False}
        published = ((file, len(contents[file.name]), digests[file.name]) for file in SOURCES[name].files)
        files = tuple(dataclasses.replace(file, **here, bytes=size, md5=digest) for file, size, digest in published)
        monkeypatch.setitem(SOURCES, name, dataclasses.replace(SOURCES[name], files=files))
        monkeypatch.setitem(DATASETS, name, DATASETS[name].model_copy(update={"training_images": TRAIN, "test_images": TEST}))
        return made

    return put


@pytest.mark.parametrize("name", NAMES)
def test_every_set_arrives_as_its_authors_published_it(name, publish, tmp_path):
    images, labels, _ = publish(name)
    labels = labels if DATASETS[name].classes else np.zeros_like(labels)
    root = tmp_path / "root"
    loaded = loading.load(name, 100, root=root)
    parts = (loaded.train, loaded.validation, loaded.test)
    assert [len(part) for part in parts] == [TRAIN - 100, 100, TEST] and loaded.train.images.shape[1:] == images.shape[1:]
    found = np.concatenate([part.images.numpy() for part in parts])
    assert np.array_equal(np.sort(np.concatenate([part.labels.numpy() for part in parts])), np.sort(labels))
    close = 4 if name == "celeba" else 0
    for at in (0, 17, TRAIN - 101, TRAIN, TRAIN + TEST - 1):  # the picture is there, with its own label
        distances = np.abs(images.astype(int) - found[at].astype(int)).mean(axis=(1, 2, 3))
        assert distances.min() <= close
        assert labels[distances.argmin()] == torch.cat([part.labels for part in parts])[at]
    if name != "dsprites":  # its test images are drawn; the authors of all others name them
        assert np.abs(found[TRAIN:].astype(int) - images[TRAIN:].astype(int)).mean() <= close
    assert not (found[:50].astype(int) == images[:50]).all(), "training images are shuffled"


@pytest.mark.parametrize("name", NAMES)
def test_it_is_there_whole_is_found_again_and_a_test_image_is_read_alone(name, publish, tmp_path):
    publish(name)
    root = tmp_path / "root"
    assert not stored_images.available(name, root)
    first = loading.load(name, 100, root=root)
    assert stored_images.available(name, root) and [path.name for path in root.iterdir()] == [DATASETS[name].folder]
    assert loading.load(name, 100, root=root).digest == first.digest != loading.load(name, 150, root=root).digest
    image, label = stored_images.test_image(name, 17, root)
    assert np.array_equal(image, first.test.images[17].permute(1, 2, 0).numpy()) and label == first.test.labels[17]
    assert stored_images.test_count(name, root) == TEST


@pytest.mark.parametrize("name", [name for name in NAMES if DATASETS[name].array])
def test_what_is_kept_as_one_array_is_a_memory_map_of_which_nothing_is_copied(name, publish, tmp_path):
    publish(name)
    loaded = loading.load(name, 100, root=tmp_path)
    whole, _ = own_datasets.arrays(DATASETS[name], tmp_path)
    for part in (loaded.train, loaded.validation, loaded.test):
        assert np.shares_memory(part.images.numpy(), whole)
    assert len(loading.load(name, 100, 120, root=tmp_path).train) == 120


def test_progress_counts_the_bytes_of_every_file_and_of_what_is_unpacked(publish, tmp_path, mirror):
    publish("svhn")
    seen = []
    loading.load("svhn", 100, root=tmp_path / "root", progress=lambda *report: seen.append(report))
    assert {title for title, _, _ in seen} == {"SVHN house numbers", "SVHN house numbers, unpacking"}
    size = (mirror / "train_32x32.mat").stat().st_size
    assert ("SVHN house numbers", size, size) in seen
    assert seen[-1][1] == seen[-1][2] == convert_downloads.needed_bytes(DATASETS["svhn"])


def test_large_pieces_of_matlab_and_small_ones_give_the_same(publish, tmp_path, monkeypatch):
    images, _, _ = publish("svhn")
    monkeypatch.setattr(convert_downloads, "_MANY", 7)
    assert np.array_equal(loading.load("svhn", 100, root=tmp_path).test.images.numpy(), images[TRAIN:])


def test_dsprites_keeps_its_factors_for_the_regression(publish, tmp_path, monkeypatch):
    images, _, factors = publish("dsprites")
    monkeypatch.setenv("VAE_DATA", str(tmp_path))
    test = loading.load("dsprites", 100).test
    known = known_factors("dsprites", TEST)
    rows = [int((images == image).all(axis=(1, 2, 3)).argmax()) for image in test.images.numpy()]
    assert list(known.targets) == ["shape", "scale", "orientation", "posX", "posY"]
    torch.testing.assert_close(known.targets["posX"][:, 0], torch.from_numpy(factors[rows, 3]))
    assert torch.equal(known.targets["shape"].argmax(dim=1), test.labels)
    turns = torch.tensor([4, 2, 1])[test.labels] * torch.from_numpy(factors[rows, 2])
    torch.testing.assert_close(known.targets["orientation"], torch.stack([turns.cos(), turns.sin()], dim=1))
    scores = factor_scores(torch.cat([known.targets["posX"], torch.randn(TEST, 2)], dim=1), known)
    assert scores["posX"].linear > 0.99 > scores["posY"].linear


def without(mirror, name):
    (mirror / SOURCES[name].files[-1].name).unlink()


def cut_short(mirror, name):
    path = mirror / SOURCES[name].files[-1].name
    path.write_bytes(path.read_bytes()[:-5])


def a_web_page(mirror, name):
    (mirror / SOURCES[name].files[-1].name).write_bytes(b"<html>Google Drive - Quota exceeded</html>")


@pytest.mark.parametrize(
    ("damage", "why"),
    [(without, "HTTP Error 404"), (cut_short, "is not that file: its MD5 is"), (a_web_page, r"\(\d+ bytes\) is not that file")],
)
@pytest.mark.parametrize("name", ["mnist", "svhn", "celeba"])
def test_a_download_that_fails_leaves_nothing_and_says_what_to_put_where(name, damage, why, publish, mirror, tmp_path):
    publish(name)
    damage(mirror, name)
    root = tmp_path / "root"
    with pytest.raises(DataError, match=why) as caught:
        loading.load(name, 100, root=root)
    assert not list(root.iterdir())
    sentence = str(caught.value)
    assert f"put {SOURCES[name].files[0].name}" in sentence and "or choose shapes" in sentence
    assert ("mmlab.ie.cuhk.edu.hk" in sentence) == (name == "celeba")


def test_the_second_mirror_is_asked_when_the_first_fails(publish, tmp_path, monkeypatch):
    publish("mnist")
    files = tuple(dataclasses.replace(file, mirrors=("http://127.0.0.1:9/", *file.mirrors)) for file in SOURCES["mnist"].files)
    monkeypatch.setitem(SOURCES, "mnist", dataclasses.replace(SOURCES["mnist"], files=files))
    assert len(loading.load("mnist", 100, root=tmp_path).train) == TRAIN - 100


@pytest.mark.parametrize("name", ["celeba", "kmnist"])
def test_files_that_a_person_put_there_are_taken_and_need_no_network(name, publish, mirror, tmp_path):
    publish(name)
    folder = downloads.folder_of(DATASETS[name], tmp_path)
    folder.mkdir(parents=True)
    for file in SOURCES[name].files:
        (mirror / file.name).rename(folder / file.name)
    assert downloads.outlook(DATASETS[name], tmp_path) == downloads.Outlook(0)
    assert len(loading.load(name, 100, root=tmp_path).test) == TEST
    assert (folder / SOURCES[name].files[0].name).is_file(), "what is theirs stays"


def test_a_wrong_file_that_a_person_put_there_is_named(publish, tmp_path):
    publish("celeba")
    folder = tmp_path / "celeba"
    folder.mkdir()
    (folder / "img_align_celeba.zip").write_bytes(b"a web page")
    with pytest.raises(DataError, match=r"celeba/img_align_celeba.zip is not the file that was published.*delete it"):
        loading.load("celeba", 100, root=tmp_path)


def test_an_archive_of_another_number_of_images_is_refused(publish, tmp_path, monkeypatch):
    publish("cifar10")
    monkeypatch.setitem(DATASETS, "cifar10", DATASETS["cifar10"].model_copy(update={"test_images": TEST + 1}))
    with pytest.raises(DataError, match=rf"hold {TRAIN + TEST} images; expected {TRAIN + TEST + 1}"):
        loading.load("cifar10", 100, root=tmp_path)
    assert not list(tmp_path.glob("CIFAR10/*")) and not list(tmp_path.glob(".loading*"))


def test_whoever_stops_while_it_loads_leaves_nothing(publish, tmp_path):
    class StoppedError(Exception):
        pass

    def stop(what, done, total):
        raise StoppedError

    publish("cifar10")
    root = tmp_path / "root"
    with pytest.raises(StoppedError):
        loading.load("cifar10", 100, root=root, progress=stop)
    assert not list(root.iterdir())


def test_a_data_folder_that_cannot_be_made_is_a_sentence(publish, tmp_path):
    publish("mnist")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="choose shapes"):
        loading.load("mnist", 100, root=tmp_path / "file")


# --- before the run


def test_the_outlook_says_how_much_there_is_to_fetch(publish, tmp_path):
    publish("emnist")
    found = downloads.outlook(DATASETS["emnist"], tmp_path)
    assert found.trouble == "" and found.bytes == SOURCES["emnist"].files[0].bytes


@pytest.fixture
def no_network(monkeypatch):
    """MNIST's mirror is the discard port, on which nobody listens."""
    files = tuple(dataclasses.replace(file, mirrors=("http://127.0.0.1:9/",)) for file in SOURCES["mnist"].files)
    monkeypatch.setitem(SOURCES, "mnist", dataclasses.replace(SOURCES["mnist"], files=files))


def test_without_a_network_the_command_says_so_before_it_prints_or_trains(no_network, tmp_path, monkeypatch):
    monkeypatch.setenv("VAE_DATA", str(tmp_path))
    result = CliRunner().invoke(app, ["train", "--data", "mnist", "--out", str(tmp_path / "m.safetensors")])
    assert result.exit_code == 2 and "cannot be downloaded" in " ".join(result.output.split())
    assert "--seed" not in result.output and not list(tmp_path.iterdir())


def test_without_a_network_the_outlook_says_so_before_anything_is_tried(no_network, tmp_path):
    found = downloads.outlook(DATASETS["mnist"], tmp_path)
    assert re.match(r"MNIST digits cannot be downloaded \(127.0.0.1: .*refused\)\.$", found.trouble)
    assert "put train-images-idx3-ubyte.gz (10 MB), " in found.remedy and "choose shapes" in found.remedy
    with pytest.raises(DataError, match=re.escape(found.remedy)):
        loading.load("mnist", 100, root=tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_server_that_says_nothing_is_waited_for_only_so_long(publish, tmp_path, monkeypatch):
    publish("mnist")
    monkeypatch.setattr(Mirror.handler, "silent", True)
    monkeypatch.setattr(downloads, "LOOK_SECONDS", 0.2)
    began = time.monotonic()
    trouble = downloads.outlook(DATASETS["mnist"], tmp_path).trouble
    assert "did not answer" in trouble or "timed out" in trouble
    assert time.monotonic() - began < 0.9


def test_too_small_a_disk_is_said_before_and_refused(publish, tmp_path, monkeypatch):
    publish("celeba")
    usage = type("Usage", (), {"free": 1_000_000})
    monkeypatch.setattr(downloads.shutil, "disk_usage", lambda path: usage)
    assert "while it is unpacked, and 1 MB are free" in downloads.outlook(DATASETS["celeba"], tmp_path).trouble
    with pytest.raises(DataError, match="Make room"):
        loading.load("celeba", 100, root=tmp_path)


def test_every_built_in_set_has_a_source_a_digest_and_a_way_to_be_read():
    assert set(SOURCES) == set(convert_downloads.CONVERTERS) == {name for name, info in DATASETS.items() if info.folder}
    for source in SOURCES.values():
        for file in source.files:
            assert len(file.md5) == 32 and file.bytes > 1000
            assert all(address.startswith(("https://", "http://")) for address in file.addresses)
