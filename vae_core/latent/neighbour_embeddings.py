"""t-SNE and UMAP of encoded images: maps that keep neighbours together and have no inverse.

Both libraries are optional (requirements-maps.txt) and slow, so they run in a process of their own that takes one core and stands
back for everybody else: `python -m vae_core.latent.neighbour_embeddings tsne OUT.npz < means.npy`.
Nothing here imports them before that.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_core.errors import LatentWalkError
from vae_core.system.atomic_write import replaced

NAMES = {"tsne": "t-SNE", "umap": "UMAP"}
PACKAGES = {"tsne": ("sklearn", "scikit-learn"), "umap": ("umap", "umap-learn")}  # module, name to install
MOST = 3000  # points: t-SNE of so many takes some ten seconds on one core
FEWEST = 10
RADIUS = 3.0  # of the square that holds 99 % of the points: what a pair of latent dimensions spans, roughly
KEPT = 200  # files, some 40 kB each; every epoch of a training run is another model
SEED = 0


@dataclass(frozen=True)
class Embedding:
    """Where points lie on the map: numbers of the encoded images, (K,) uint32, and coordinates without unit, (K, 2) float32."""

    indices: NDArray[np.uint32]
    coordinates: NDArray[np.float32]


def missing(kind: str) -> str:
    """What to install for this kind of map, as a sentence; empty when it is there. Imports nothing."""
    module, package = PACKAGES[kind]
    if importlib.util.find_spec(module) is not None:
        return ""
    return (
        f"{NAMES[kind]} needs {package}, which is not installed beside this app. "
        f"Install it with: pip install -r requirements-maps.txt (or pip install {package}), and choose {NAMES[kind]} again."
    )


def check_count(count: int, kind: str) -> None:
    """
    Raises:
        LatentWalkError: so few points have no neighbourhoods to keep together.
    """
    if count < FEWEST:
        raise LatentWalkError(f"{NAMES[kind]} needs at least {FEWEST} encoded images; this model carries {count}.")


def embed(means: NDArray[np.float32], kind: str) -> Embedding:
    """The map of at most `MOST` of the posterior means (N, D), the same ones each time, around zero.

    Raises:
        LatentWalkError: too few points, or the library is not installed.
    """
    check_count(len(means), kind)
    if sentence := missing(kind):
        raise LatentWalkError(sentence)
    chosen = np.sort(np.random.default_rng(SEED).permutation(len(means))[:MOST])
    points = np.asarray(means, dtype=np.float32)[chosen]
    return Embedding(chosen.astype(np.uint32), _scaled(_tsne(points) if kind == "tsne" else _umap(points)))


def _tsne(points: NDArray[np.float32]) -> NDArray[Any]:
    from sklearn.manifold import TSNE

    perplexity = min(30.0, (len(points) - 1) / 3)
    return TSNE(perplexity=perplexity, init="pca", random_state=SEED).fit_transform(points)


def _umap(points: NDArray[np.float32]) -> NDArray[Any]:
    from umap import UMAP

    return UMAP(n_neighbors=min(15, len(points) - 1), random_state=SEED, n_jobs=1).fit_transform(points)


def _scaled(found: NDArray[Any]) -> NDArray[np.float32]:
    middle = found - np.mean(found, axis=0)
    size = np.quantile(np.abs(middle).max(axis=1), 0.99)
    return (middle * (RADIUS / size if size > 0 else 1.0)).astype(np.float32)


def read(path: Path) -> Embedding | None:
    """What a file holds; None when it is missing or broken."""
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            found = Embedding(file["indices"].astype(np.uint32), file["coordinates"].astype(np.float32))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    fits = found.coordinates.shape == (len(found.indices), 2) and np.isfinite(found.coordinates).all()
    return found if fits else None


def write(path: Path, embedding: Embedding) -> None:
    """Replaces the file whole. The oldest files beyond `KEPT` go."""
    with replaced(path) as beside, beside.open("wb") as file:
        np.savez(file, indices=embedding.indices, coordinates=embedding.coordinates)
    files = sorted(path.parent.glob("[!.]*.npz"), key=lambda one: one.stat().st_mtime_ns, reverse=True)
    for old in files[KEPT:]:
        old.unlink(missing_ok=True)


def compute(means: NDArray[np.float32], kind: str, path: Path) -> None:
    """Fills the file unless it is there. One computation at a time in its folder, whichever server asked for it.

    Raises:
        LatentWalkError: too few points, or the library is not installed.
    """
    with (path.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # freed by the kernel, however this process ends
        if read(path) is None:
            write(path, embed(means, kind))


def main(arguments: list[str]) -> int:
    """Reads means as .npy from the standard input and fills a file; what went wrong is the last line of what it prints."""
    kind, path = arguments
    os.nice(19)
    try:
        compute(np.load(sys.stdin.buffer, allow_pickle=False), kind, Path(path))
    except LatentWalkError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
