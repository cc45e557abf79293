"""A process in which tiny runs are trained by children that can be killed: `python -m tests.core.resume_probe FOLDER JSON`.

With a run's folder alone it is the real worker on the same small images, in a hurry. Otherwise it imports torch once and forks a
child for each attempt. JSON: {"config": ..., "kills": [...]}; a kill is a number of seconds after the child has begun to train,
or "torn" or "written": the child then kills itself in the middle of writing a state, or when it is written whole and has not
yet taken the place of the one before. After the last kill the run is left to end. Every step has a row, so that what is compared
does not depend on a clock.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

import torch

from vae_core.config.schema import train_config
from vae_core.data import loading
from vae_core.training import loop, resume_state, worker_process


def small_set(seed: int = 0) -> Any:
    """A dataset of the shapes' form, quick to make: noise that a network can learn the mean of."""
    info = loading.dataset_info("shapes")
    chance = torch.Generator().manual_seed(seed)
    parts = [torch.randint(0, 256, (count, 3, 64, 64), generator=chance, dtype=torch.uint8) for count in (200, 100, 100)]
    return loading.Dataset(info, *(loading.Split(part, torch.zeros(len(part), dtype=torch.int64)) for part in parts), f"{seed}")


def main(folder: Path, config: dict[str, Any], kills: list[float | str]) -> None:
    """Trains in `folder`/whole without and in `folder`/killed with interruptions, and prints how each child of these ended."""
    torch.set_num_threads(1)
    dataset = small_set()
    loop.loading.load = lambda *parts, progress=None: dataset
    loop.ROW_SECONDS, loop.PREVIEW_SECONDS, resume_state.SECONDS, resume_state.SHARE = 0.0, 60.0, 0.02, 0.5
    os.fsync = lambda descriptor: None  # what a killed process has written is there without it
    training = train_config(**config)
    for kill in ["whole", *kills, None]:
        child = os.fork()
        if child == 0:
            _train(folder / ("whole" if kill == "whole" else "killed"), training, kill)
        if isinstance(kill, float):
            time.sleep(kill)
            os.kill(child, signal.SIGKILL)  # of a child that has ended too: nobody has waited for it yet
        status = os.waitpid(child, 0)[1]
        print(json.dumps({"kill": kill, "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0}), flush=True)


def _train(folder: Path, config: Any, kill: float | str | None) -> None:
    """The child: trains or goes on, and ends without what Python does at an end."""
    failed = 1
    try:
        if kill in ("torn", "written"):
            _die_in_a_write(str(kill), random.Random(time.time_ns()).randrange(1, 6))
        loop.train(config, folder, resumable=True)
        failed = 0
    finally:
        os._exit(failed)


def _die_in_a_write(how: str, number: int) -> None:
    """The `number`th state that is written is the last thing this process does."""
    write, written = resume_state.save_file, 0

    def save_file(tensors: Any, path: Path, metadata: Any) -> None:
        nonlocal written
        written += 1
        write(tensors, path, metadata=metadata)
        if written == number:
            if how == "torn":
                os.truncate(path, path.stat().st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)

    resume_state.save_file = save_file


if __name__ == "__main__":
    if len(sys.argv) == 2:
        loop.loading.load = lambda *parts, progress=None: small_set()
        worker_process.lower_priority = lambda: None
        sys.exit(worker_process.main(sys.argv[1:]))
    given = json.loads(sys.argv[2])
    main(Path(sys.argv[1]), given["config"], given["kills"])
