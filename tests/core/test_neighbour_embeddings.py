"""Maps without an inverse: clusters stay apart, a child process computes them, and the file is whole, kept and found again."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import types
from pathlib import Path

import numpy as np
import pytest

from vae_core.errors import LatentWalkError
from vae_core.latent import neighbour_embeddings
from vae_core.latent.neighbour_embeddings import Embedding, compute, embed, missing, read, write

ROOT = Path(__file__).parents[2]
UMAP_HERE = missing("umap") == ""


def three_clusters(distance: float, each: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Points of three unit Gaussians in eight dimensions whose centres lie `distance` apart along three axes."""
    labels = np.repeat(np.arange(3), each)
    points = np.random.default_rng(1).normal(size=(3 * each, 8))
    return (points + distance * np.eye(8)[labels]).astype(np.float32), labels


def purity(coordinates: np.ndarray, labels: np.ndarray) -> float:
    """The share of points whose nearest neighbour has their own label."""
    squares = ((coordinates[:, None] - coordinates[None]) ** 2).sum(axis=-1)
    np.fill_diagonal(squares, np.inf)
    return float((labels[squares.argmin(axis=1)] == labels).mean())


class FakeUmap:
    """umap-learn's interface: the first two dimensions, and what it was asked for."""

    asked: dict[str, object]

    def __init__(self, **asked: object) -> None:
        FakeUmap.asked = asked

    def fit_transform(self, points: np.ndarray) -> np.ndarray:
        return points[:, :2] * 100 + 7


@pytest.fixture
def quick(monkeypatch):
    """UMAP stands for a computation that takes no time."""
    fake = types.ModuleType("umap")
    fake.UMAP = FakeUmap
    fake.__spec__ = types.SimpleNamespace()  # type: ignore[assignment]  (what find_spec looks for)
    monkeypatch.setitem(sys.modules, "umap", fake)


def child(kind: str, path: Path, points: np.ndarray) -> subprocess.Popen[bytes]:
    """What it says is in the file .log beside."""
    given = path.with_suffix(".npy")
    np.save(given, points)
    argv = [sys.executable, "-m", "vae_core.latent.neighbour_embeddings", kind, str(path)]
    with given.open("rb") as stdin, path.with_suffix(".log").open("wb") as log:
        return subprocess.Popen(argv, cwd=ROOT, stdin=stdin, stderr=log)


@pytest.mark.parametrize("kind", ["tsne", *(["umap"] if UMAP_HERE else [])])
@pytest.mark.filterwarnings("ignore")
def test_clusters_that_lie_apart_stay_apart_and_those_that_do_not_are_not_invented(kind):
    apart, labels = three_clusters(12)
    found = embed(apart, kind)
    assert purity(found.coordinates, labels) == 1.0
    one, _ = three_clusters(0)
    assert purity(embed(one, kind).coordinates, labels) < 0.6


def test_the_same_points_give_the_same_map():
    points, _ = three_clusters(5, each=15)
    np.testing.assert_array_equal(embed(points, "tsne").coordinates, embed(points, "tsne").coordinates)


def test_umap_is_asked_for_one_core_and_a_fixed_seed_and_its_units_are_forgotten(quick):
    found = embed(three_clusters(0, each=4)[0], "umap")
    assert FakeUmap.asked == {"n_neighbors": 11, "random_state": 0, "n_jobs": 1}
    np.testing.assert_allclose(found.coordinates.mean(axis=0), 0, atol=1e-5)
    assert np.quantile(np.abs(found.coordinates).max(axis=1), 0.99) == pytest.approx(neighbour_embeddings.RADIUS, rel=0.01)


def test_of_many_points_the_same_few_are_taken_and_numbered(quick):
    points = np.random.default_rng(0).normal(size=(5000, 3)).astype(np.float32)
    found = embed(points, "umap")
    assert len(found.indices) == len(set(found.indices.tolist())) == neighbour_embeddings.MOST
    taken = points[found.indices, :2] - points[found.indices, :2].mean(axis=0)
    ratio = found.coordinates / taken
    np.testing.assert_allclose(ratio, np.median(ratio), rtol=1e-2)
    np.testing.assert_array_equal(found.indices, embed(points, "umap").indices)


def test_too_few_points_and_a_library_that_is_not_there_are_sentences(monkeypatch):
    with pytest.raises(LatentWalkError, match="t-SNE needs at least 10 encoded images; this model carries 4"):
        embed(np.zeros((4, 3), np.float32), "tsne")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(LatentWalkError, match=r"UMAP needs umap-learn, .*pip install -r requirements-maps.txt"):
        embed(np.zeros((20, 3), np.float32), "umap")


def test_what_to_install_is_what_the_optional_requirements_say():
    wanted = (ROOT / "requirements-maps.txt").read_text()
    assert all(f"\n{package}" in wanted for _, package in neighbour_embeddings.PACKAGES.values())


def test_a_file_that_is_there_is_not_computed_again(quick, tmp_path):
    path = tmp_path / "a.npz"
    kept = Embedding(np.arange(2, dtype=np.uint32), np.ones((2, 2), np.float32))
    write(path, kept)
    compute(three_clusters(0)[0], "umap", path)
    np.testing.assert_array_equal(read(path).coordinates, kept.coordinates)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 torn", b"words", None])
def test_a_missing_or_broken_file_counts_as_none_and_is_replaced(quick, tmp_path, content):
    path = tmp_path / "a.npz"
    if content is not None:
        path.write_bytes(content)
    assert read(path) is None
    compute(three_clusters(0)[0], "umap", path)
    assert len(read(path).indices) == 120


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    write(path, Embedding(np.arange(1, dtype=np.uint32), np.ones((1, 2), np.float32)))

    def full(file, **arrays):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="No space"):
        write(path, Embedding(np.arange(9, dtype=np.uint32), np.ones((9, 2), np.float32)))
    assert len(read(path).indices) == 1 and [one.name for one in tmp_path.iterdir()] == ["a.npz"]


def test_the_oldest_files_go(tmp_path, monkeypatch):
    monkeypatch.setattr(neighbour_embeddings, "KEPT", 2)
    for number in range(4):
        write(tmp_path / f"{number}.npz", Embedding(np.arange(1, dtype=np.uint32), np.ones((1, 2), np.float32)))
        os.utime(tmp_path / f"{number}.npz", (number, number))
    write(tmp_path / "new.npz", Embedding(np.arange(1, dtype=np.uint32), np.ones((1, 2), np.float32)))
    assert sorted(one.name for one in tmp_path.iterdir()) == ["3.npz", "new.npz"]


def test_a_real_child_stands_back_and_leaves_a_whole_file(tmp_path):
    points, labels = three_clusters(12)
    process = child("tsne", tmp_path / "a.npz", points)
    highest = 0
    while process.poll() is None:
        highest = max(highest, os.getpriority(os.PRIO_PROCESS, process.pid))
        time.sleep(0.01)
    assert process.returncode == 0, (tmp_path / "a.log").read_text()
    assert highest == 19
    found = read(tmp_path / "a.npz")
    assert purity(found.coordinates, labels[found.indices]) == 1.0


def test_a_child_that_cannot_says_why_in_its_last_line(tmp_path):
    process = child("tsne", tmp_path / "a.npz", np.zeros((3, 2), np.float32))
    assert process.wait(60) == 2
    assert (tmp_path / "a.log").read_text().splitlines()[-1].endswith("this model carries 3.")
    assert read(tmp_path / "a.npz") is None


def test_two_children_at_once_compute_only_once(tmp_path):
    points, _ = three_clusters(3)
    first, second = (child("tsne", tmp_path / "a.npz", points) for _ in range(2))
    assert (first.wait(60), second.wait(60)) == (0, 0)
    assert {one.name for one in tmp_path.iterdir()} == {"a.npy", "a.log", "a.npz", "lock"}
