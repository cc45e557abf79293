"""A run as it goes and as it went: the model as it is now, and snapshots of it at geometrically spaced steps.

Each is a small model file of its own: the weights in half precision, and the codes of the same few test images with what was
measured on them, so that everything that opens models opens these too. `live.safetensors` is replaced as often as it may cost
SHARE of the run's time. The steps of the snapshots depend on nothing but the step, so a resumed run writes the same ones. A file
that cannot be written is left out: the run is worth more than what is looked at.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import torch

from vae_core.config.schema import TrainConfig
from vae_core.data.loading import Dataset
from vae_core.evaluation.diagnostics import Evaluation, evaluate, latent_statistics, summarise
from vae_core.model.vae import VAE
from vae_core.model_files import checkpoints
from vae_core.model_files.header import Header
from vae_core.runs.snapshot_files import LIVE, MOST, most_snapshots, snapshot_path, snapshot_steps

DENSE_FROM = 128  # the steps double up to here and grow by half an octave after it
IMAGES = 256  # test images whose codes are kept: encoding and decoding them takes about as long as a training step
SHARE = 0.01  # of the run's time for the model as it is now
LIVE_SECONDS = 1.0  # at least, between two of them

GRID = tuple(
    sorted({0, *(2**k for k in range(DENSE_FROM.bit_length())), *(round(2 ** (k / 2)) for k in range(14, 2 * 26))})
)  # of steps


def steps_until(step: int, most: int = MOST) -> list[int]:
    """The steps of which there are snapshots once this one has been taken: of more than `most` every second stays."""
    reached = [known for known in GRID if known <= step]
    stride = 1
    while math.ceil(len(reached) / stride) > most:
        stride *= 2
    return reached[::stride]


class Snapshots:
    """Writes those of one run."""

    def __init__(self, run_dir: Path, config: TrainConfig, dataset: Dataset, model: VAE, *, name: str, command: str) -> None:
        self._run_dir, self._config, self._dataset = run_dir, config, dataset
        self._name, self._command = name, command
        weights = model.state_dict().values()
        self._images = dataset.test.images[:IMAGES].to(next(iter(weights)).device)
        self._labels = dataset.test.labels[:IMAGES]
        self._most = most_snapshots(sum(tensor.numel() for tensor in weights))
        self._next_live = 0.0

    def look(self, saved_form: Callable[[], VAE], step: int, epoch: float) -> None:
        """After each step, and before the first: writes what is due.

        Args:
            saved_form: answers with the model as it is saved.
        """
        due, show = self._is_due(step), time.monotonic() >= self._next_live
        if not (due or show):
            return
        started, worked = time.monotonic(), time.process_time()
        with contextlib.suppress(OSError):
            self._write(saved_form(), step, epoch, due=due, show=show)
        now = time.monotonic()
        if show:  # where others take the processor, waiting for it costs the run nothing that it would not wait for anyway
            took = min(now - started, time.process_time() - worked)
            self._next_live = now + max(LIVE_SECONDS, took / SHARE)

    def end(self) -> None:
        """The run has ended: what is kept of it is its best model and the snapshots."""
        with contextlib.suppress(OSError):
            (self._run_dir / LIVE).unlink(missing_ok=True)

    def _is_due(self, step: int) -> bool:
        return step in GRID and self._most > 0 and steps_until(step, self._most)[-1] == step

    def _write(self, model: VAE, step: int, epoch: float, *, due: bool, show: bool) -> None:
        evaluation = evaluate(model, self._images, seed=self._config.seed)
        if not torch.isfinite(evaluation.elbo).all():
            return  # it has diverged, and nobody could open it
        if show:
            self._save(self._run_dir / LIVE, model, evaluation, step, epoch)
        if due:
            path = snapshot_path(self._run_dir, step)
            path.parent.mkdir(exist_ok=True)
            self._save(path, model, evaluation, step, epoch)
            for other in {*snapshot_steps(self._run_dir)}.difference(steps_until(step, self._most)):
                snapshot_path(self._run_dir, other).unlink(missing_ok=True)  # too many by now, or of a future to be repeated

    def _save(self, path: Path, model: VAE, evaluation: Evaluation, step: int, epoch: float) -> None:
        kind = self._config.objective.trains
        header = Header(
            name=self._name, kind=kind, config=self._config, data=self._dataset.info.facts(len(self._dataset.train)),
            data_digest=self._dataset.digest, metrics=summarise(evaluation, "test", bound=kind == "vae"),
            statistics=latent_statistics(evaluation), command=self._command,
            created=datetime.now(UTC).isoformat(timespec="seconds"), step=step, epoch=epoch,
        )  # fmt: skip
        extras = {"latents.mu": evaluation.mu, "latents.labels": self._labels}
        if kind == "vae":
            extras |= {"latents.std": evaluation.marginal_std.half(), "latents.elbo": evaluation.elbo}
        checkpoints.save(path, model, header, extras, half=True)
