"""Importing own pictures against Pillow's own decoding, and training from the memory map against the same data in memory.

    python -m benchmarks.import_speed [--files 10000] [--images 100000] [--trained 100000] [--repeats 3]

Files: generated JPEGs of 256 x 256 in a folder, imported at 64 x 64 in colour with all that belongs to it (walking the folder,
finding duplicates, digest, writing, fsync). Beside it Pillow alone on the same files with the same resizing, in as many threads:
decoded whole, and decoded small by its draft mode as thumbnails are. All take turns, medians; the files are in the page cache.
"Difference" is that of our pixels from those of pictures that were decoded whole.

Images: so many generated 64 x 64 colour images (1,000,000 shows that memory does not grow with them; 12 GB of disk), imported in
a process of their own and trained on for one epoch by another; the memory of each is the most that was not page cache (RssAnon)
above what it had with its modules loaded. The speed of training: steps of the training loop that pick batches from the memory
map and from a copy in memory in turns, for a conv and for an mlp so small that picking counts; so many images of them.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks import report
from vae_core.import_images import ImportOptions, Source, import_images, open_source
from vae_core.import_images.to_pixels import fitted, upright
from vae_core.system.child_processes import environment

SIDE, SIZE = 256, 64
BATCH, BLOCK = 128, 10  # steps that one way of picking takes before it is the other one's turn
NETWORKS: dict[str, dict[str, Any]] = {
    "conv": {"architecture": "conv", "latent_dim": 10},
    "mlp, 32 units": {"architecture": "mlp", "hidden": (32,), "latent_dim": 10},
}


# --- files


def make_files(folder: Path, count: int) -> list[Path]:
    """JPEGs with the sizes that photographs have: soft blots, and grain."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    grain = rng.normal(0, 12, (2 * SIDE, 2 * SIDE, 3)).astype(np.int16)
    paths = [folder / f"{i:06}.jpg" for i in range(count)]
    for path in paths:
        blots = Image.fromarray(rng.integers(0, 256, (12, 12, 3), np.uint8)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        y, x = rng.integers(0, SIDE, 2)
        pixels = np.clip(np.asarray(blots, np.int16) + grain[y : y + SIDE, x : x + SIDE], 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(path, quality=85)
    return paths


def pillow(paths: Sequence[Path], *, draft: bool) -> float:
    """Seconds that Pillow takes to decode and resize the files."""

    def part(some: Sequence[Path]) -> None:
        for path in some:
            with Image.open(path) as image:
                if draft:
                    image.draft("RGB", (2 * SIZE, 2 * SIZE))
                np.asarray(image.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BICUBIC))

    begin = time.perf_counter()
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        list(pool.map(part, [paths[i : i + 32] for i in range(0, len(paths), 32)]))
    return time.perf_counter() - begin


def ours(folder: Path) -> float:
    """Seconds of a whole import."""
    begin = time.perf_counter()
    with open_source(folder) as source:
        import_images(source, f"files {time.time_ns()}", ImportOptions(size=SIZE))
    return time.perf_counter() - begin


def difference(paths: Sequence[Path]) -> tuple[float, int]:
    """Mean and largest difference of our pixels from those of pictures that were decoded whole, in 256 levels."""
    options, found = ImportOptions(size=SIZE), []
    for path in paths[:500]:
        with Image.open(path) as image:
            whole = np.asarray(image.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BICUBIC), int)
        found.append(np.abs(fitted(upright(path.read_bytes(), SIZE)[0], options) - whole))
    return float(np.mean(found)), int(np.max(found))


def files_table(count: int, repeats: int) -> str:
    """Images per second of the three, and their ratios."""
    folder = Path(os.environ["VAE_DATA"]) / "files"
    paths = make_files(folder, count)
    bytes_each = sum(path.stat().st_size for path in paths) / count
    ways: dict[str, Callable[[], float]] = {
        "Pillow, decoded whole": lambda: pillow(paths, draft=False),
        "Pillow, draft mode": lambda: pillow(paths, draft=True),
        "import": lambda: ours(folder),
    }
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(repeats):
        for way, run in ways.items():
            seconds[way].append(run())
    middle = {way: statistics.median(found) for way, found in seconds.items()}
    rows = [(way, f"{count / found:,.0f}", f"{found / middle['import']:.2f}") for way, found in middle.items()]
    mean, most = difference(paths)
    words = f"{count:,} JPEGs of {SIDE} x {SIDE}, {bytes_each / 1000:.1f} kB each, to {SIZE} x {SIZE} colour. "
    words += f"Difference from decoding whole: {mean:.2f} of 255 levels on average, at most {most}.\n\n"
    shutil.rmtree(folder)
    return words + report.table(["", "images per second", "time / import's time"], rows)


# --- many images


class Generated(Source):
    """So many different images with names as in a folder; drawn when they are read."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.names = [f"class {i % 10}/{i:08}.jpg" for i in range(count)]
        self.labels = (np.arange(count) % 10).astype(np.int32)
        self.classes = {f"class {i}": count // 10 for i in range(10)}
        self._tiles = np.random.default_rng(0).integers(0, 256, (64, 2 * SIZE, 2 * SIZE, 3), np.uint8)

    def read(self, index: int) -> NDArray[np.uint8]:
        """A window of a tile, brightened: different for every index."""
        tile, y, x = index % 64, index // 64 % 61, index // 3904 % 61
        return self._tiles[tile, y : y + SIZE, x : x + SIZE] ^ np.uint8(index // 238_144)


def anonymous() -> float:
    """MB of this process that are not page cache."""
    text = Path("/proc/self/status").read_text()
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith(("RssAnon", "RssShmem"))) / 1024


def watched(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What the work answers, its seconds, and by how many MB it grew at most."""
    before, most, done = anonymous(), 0.0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.wait(0.05):
            most = max(most, anonymous())

    thread, begin = threading.Thread(target=watch), time.perf_counter()
    thread.start()
    found = work()
    seconds = time.perf_counter() - begin
    done.set()
    thread.join()
    return found | {"seconds": seconds, "grown": most - before}


def child(what: str, count: int) -> dict[str, Any]:
    """The same in a process of its own."""
    argv = [sys.executable, "-m", "benchmarks.import_speed", "--part", what, "--images", str(count)]
    done = subprocess.run(argv, env=environment(), stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def import_many(count: int) -> dict[str, Any]:
    """Imports generated images."""

    def work() -> dict[str, Any]:
        info = import_images(Generated(count), "many", ImportOptions(size=SIZE))
        return {"kept": info.training_images + info.test_images}

    return watched(work)


def train_on_many(_: int) -> dict[str, Any]:
    """One epoch of the training loop, with validation and test."""
    from vae_core.config.schema import train_config
    from vae_core.training.loop import train

    config = train_config(data={"name": "many"}, model=NETWORKS["mlp, 32 units"], epochs=1, batch_size=BATCH)

    def work() -> dict[str, Any]:
        rows: list[dict[str, Any]] = []
        with tempfile.TemporaryDirectory() as folder:
            train(config, Path(folder), on_row=rows.append)
        return {"load": rows[0]["seconds_to_load"], "images": rows[0]["images"]}

    return watched(work)


def picked_in_turns(images: int) -> dict[str, Any]:
    """Images per second of training steps with batches from the memory map, and from a copy in memory."""
    import torch

    from vae_core.config.schema import train_config
    from vae_core.data import loading
    from vae_core.system.devices import choose_device
    from vae_core.training.training_step import TrainingStep

    device, found = choose_device(), {}
    mapped = loading.load("many", 1000, images).train.images
    ways = {"memory map": loading.placed(mapped, device), "in memory": loading.placed(mapped.clone(), device)}
    for name, model in NETWORKS.items():
        config = train_config(data={"name": "many"}, model=model, batch_size=BATCH, learning_rate=1e-4)
        step, orders = TrainingStep(config, mapped, device), torch.Generator().manual_seed(0)
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        batches = list(loading.batches(len(mapped), BATCH, orders))[:-1]
        batches = batches[:400] if name == "conv" else batches
        for start in range(0, len(batches), BLOCK):
            for way, where in ways.items() if start // BLOCK % 2 else reversed(ways.items()):
                begin = time.perf_counter()
                for indices in batches[start : start + BLOCK]:
                    step(loading.rows(where, indices, device))
                step.check_finite()  # waits for the device
                if start:
                    seconds[way].append((time.perf_counter() - begin) / len(batches[start : start + BLOCK]))
        rates = {way: BATCH / statistics.median(all_of_them) for way, all_of_them in seconds.items()}
        pairs = zip(seconds["in memory"], seconds["memory map"], strict=True)  # neighbours in time, alike on a busy machine
        found[name] = rates | {"ratio": statistics.median(copy / file for copy, file in pairs)}
    return found


def many_tables(count: int, trained: int) -> list[str]:
    """Memory and time of importing and of training, and the speed of picking batches."""
    imported, epoch, picked = child("import", count), child("train", count), child("pick", trained)
    memory = [
        (what, f"{images:,}", f"{found['seconds']:.0f}", f"{found['grown']:.0f}")
        for what, images, found in (
            ("import", imported["kept"], imported),
            ("one epoch (mlp, 32 units), validation and test", epoch["images"], epoch),
        )
    ]
    size = f"{count:,} generated images of {SIZE} x {SIZE} in colour, {count * 3 * SIZE * SIZE / 1e9:.1f} GB; "
    loaded = f"loading them for training took {epoch['load']:.2f} s.\n\n"
    columns = ["", "images", "seconds", "MB of memory beyond the page cache"]
    ways = ("memory map", "in memory")
    speeds = [(name, *(f"{rates[way]:,.0f}" for way in ways), f"{rates['ratio']:.3f}") for name, rates in picked.items()]
    about = f"Training steps on {min(trained, count):,} of them, images per second:\n\n"
    return [size + loaded + report.table(columns, memory), about + report.table(["", *ways, "ratio"], speeds)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("files", 10_000), ("images", 100_000), ("trained", 100_000), ("repeats", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--part", choices=["import", "train", "pick"], help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part:
        print(json.dumps({"import": import_many, "train": train_on_many, "pick": picked_in_turns}[given.part](given.images)))
        return
    with tempfile.TemporaryDirectory(prefix="import-speed-") as folder:
        os.environ |= {"VAE_DATA": folder, "VAE_RUNS": f"{folder}/runs"}
        tables = [files_table(given.files, given.repeats)] if given.files else []
        tables += many_tables(given.images, given.trained) if given.images else []
    report.write("import_speed", shlex.join(["python", "-m", "benchmarks.import_speed", *sys.argv[1:]]), tables)


if __name__ == "__main__":
    main()
