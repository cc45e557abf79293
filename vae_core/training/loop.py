"""The training loop: one function to call, one class that holds a run's moving parts, readable top to bottom.

Writes into the run's folder: metrics.jsonl (rows below), preview.npz, live.safetensors and snapshots (see snapshots.py),
best.safetensors (the best epoch so far by beta-free validation ELBO; at the end the same weights with test figures). Knows
nothing of processes, locks or pages.

Rows, all in nats per image:
  start       steps, epochs, images, parameters, device, precision, seconds_to_load
  step        step, epoch, time, reconstruction, kl, elbo, loss, lr, gradient_norm (before clipping), images_per_second, and what
              the objective has besides, such as beta: means since the row before; in about every 150th part of a run also
              kl_per_dim, its mean since the last row that had it
  validation  step, epoch, time, reconstruction, kl, elbo, kl_per_dim (of the marginals), active_units, best
  end         state (done | stopped | diverged), message, step, epoch, time, and the test metrics of the best weights
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from vae_core.config.schema import TrainConfig, check_shape
from vae_core.data import loading
from vae_core.evaluation import diagnostics
from vae_core.evaluation.factor_regression import factor_scores, known_factors
from vae_core.model.autoencoder import whitened
from vae_core.model.vae import VAE
from vae_core.model_files import checkpoints
from vae_core.model_files.header import Header, Metrics
from vae_core.objectives.objective import Terms
from vae_core.runs import CHECKPOINT
from vae_core.runs.metrics_log import MetricsWriter
from vae_core.system.devices import choose_device, describe
from vae_core.training.previews import Preview
from vae_core.training.snapshots import Snapshots
from vae_core.training.training_step import DivergedError, TrainingStep

METRICS, PREVIEW = "metrics.jsonl", "preview.npz"
ROW_SECONDS, PREVIEW_SECONDS = 0.25, 1.0
REFERENCE_BYTES, REFERENCE_IMAGES = 1_000_000, 500
KL_ROWS = 150  # of a run's step rows hold the KL of each dimension
CODES = 2000  # of validation images, to which a Gaussian is fitted

State = Literal["done", "stopped", "diverged"]
Row = dict[str, Any]


@dataclass(frozen=True)
class TrainResult:
    """How a run ended; header is None when it ended before the first checkpoint."""

    state: State
    message: str
    header: Header | None
    path: Path


def train(
    config: TrainConfig,
    run_dir: Path,
    *,
    should_stop: Callable[[], bool] = lambda: False,
    on_row: Callable[[Row], None] = lambda row: None,
    on_download: loading.Progress | None = None,
    name: str = "",
    command: str = "",
) -> TrainResult:
    """Train a model and leave it in the run's folder.

    Args:
        should_stop: asked at every step; when true the run validates, saves and ends as "stopped".
        on_row: sees every metrics row after it was written.
        on_download: progress of a dataset's download, (what, bytes done, bytes in all).
        name, command: kept in the checkpoint's header.

    Raises:
        DataError: the dataset is missing and cannot be downloaded.
        ConfigError: the device is not there.
        OSError: the folder cannot be written (the last good checkpoint stays).
    """
    run_dir.mkdir(parents=True, exist_ok=True)
    with MetricsWriter(run_dir / METRICS) as writer:
        return _Run(config, run_dir, writer, on_row, on_download, name or run_dir.name, command).go(should_stop)


class _Run:
    """One run's moving parts. Everything random comes from generators seeded by the config."""

    def __init__(
        self, config: TrainConfig, run_dir: Path, writer: MetricsWriter, on_row: Callable[[Row], None],
        on_download: loading.Progress | None, name: str, command: str,
    ) -> None:  # fmt: skip
        self.config, self.run_dir, self.writer, self.on_row = config, run_dir, writer, on_row
        self.name, self.command = name, command
        self.started = time.monotonic()
        self.device = choose_device(config.device)
        self.dataset = loading.load(*config.data.parts, progress=on_download)
        self.seconds_to_load = time.monotonic() - self.started
        check_shape(config.model, self.dataset.info)
        self.images = self.dataset.train.images.to(self.device)
        self.step = TrainingStep(config, self.dataset.train.images, self.device)
        self.model, self.kind = self.step.model, config.objective.trains
        self.order = torch.Generator().manual_seed(config.seed)
        self.best: tuple[float, int, dict[str, Tensor]] | None = None  # validation ELBO, step, weights
        self.means, self.next_kl_per_dim = _Means(self.device), 0.0  # step from which on a row holds it
        self.preview = Preview(run_dir / PREVIEW, self.dataset.test.images, config.model.latent_dim, self.device, config.seed)
        self.snapshots = Snapshots(run_dir, config, self.dataset, self.model, name=self.name, command=command)

    def go(self, should_stop: Callable[[], bool]) -> TrainResult:
        self._record("start", steps=self.step.total_steps, epochs=self.config.epochs, images=len(self.images),
                     parameters=sum(parameter.numel() for parameter in self.model.parameters()), device=describe(self.device),
                     precision="bfloat16" if self.step.bfloat16 else "float32", seconds_to_load=self.seconds_to_load)  # fmt: skip
        self._look()
        self._validate(keep=False)
        try:
            stopped = self._run_epochs(should_stop)
            if stopped:
                self._validate()
        except DivergedError as error:
            kept = "Nothing was saved yet." if self.best is None else f"The model of step {self.best[1]:,} is kept."
            return self._finish("diverged", f"{error} {kept}")
        if stopped:
            return self._finish("stopped", f"Stopped at step {self.step.count:,} of {self.step.total_steps:,}.")
        return self._finish("done", "")

    def _run_epochs(self, should_stop: Callable[[], bool]) -> bool:
        """True when asked to stop before the end."""
        next_row = next_preview = 0.0
        for _ in range(self.config.epochs):
            for indices in loading.batches(len(self.images), self.config.batch_size, self.order):
                if should_stop():
                    return True
                batch = self.images.index_select(0, indices.to(self.device))  # copies rows; [] is 15 times slower on a CPU
                self.means.add(self.step(batch), self.step.gradient_norm)
                self._look()
                now = time.monotonic()
                if now >= next_row:
                    self._record_step()
                    next_row = now + ROW_SECONDS
                if now >= next_preview:
                    self.preview.write(self._saved_form(), self.step.count)
                    next_preview = now + PREVIEW_SECONDS
            self._record_step()
            self._validate()
        return False

    def _look(self) -> None:
        self.snapshots.look(self._saved_form, self.step.count, self.step.count / self.step.steps_per_epoch)

    def _validate(self, *, keep: bool = True) -> None:
        """Measure on the validation images; keep and save the weights when their score is the best so far.

        The score is the beta-free ELBO; of an autoencoder, which has none, minus the squared error.
        """
        self.step.check_finite()
        model = self._saved_form()
        evaluation = diagnostics.evaluate(model, self.dataset.validation.images, seed=self.config.seed)
        metrics = diagnostics.summarise(evaluation, "validation", bound=self.kind == "vae")
        score = -metrics.reconstruction if metrics.elbo is None else metrics.elbo
        if not math.isfinite(score):
            what = "error" if metrics.elbo is None else "ELBO"
            raise DivergedError(
                f"The validation {what} was not finite after step {self.step.count:,}. Try a smaller learning rate."
            )
        best = keep and (self.best is None or score > self.best[0])
        if best:
            weights = {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}
            self.best = (score, self.step.count, weights)
            self._save(model, evaluation, metrics, self.dataset.validation)
        bound = {"kl": metrics.kl, "elbo": metrics.elbo, "kl_per_dim": evaluation.marginal_kl.mean(dim=0).tolist()}
        self._record("validation", reconstruction=metrics.reconstruction, **(bound if self.kind == "vae" else {}),
                     active_units=metrics.active_units, best=best)  # fmt: skip

    def _saved_form(self) -> VAE:
        """The model as it is saved and shown: an autoencoder with its codes brought to a common scale."""
        if self.kind == "vae":
            return self.model
        self.model.eval()
        with torch.no_grad():
            parts = self.dataset.validation.images[:CODES].to(self.device).split(500)
            codes = torch.cat([self.model.encode(loading.to_float(part)).mu for part in parts])
        self.model.train()
        return whitened(self.model, codes)

    def _finish(self, state: State, message: str) -> TrainResult:
        """Measure the best weights on the test images and save them once more with these figures."""
        header, figures = None, {}
        if self.best is not None:
            self.model.load_state_dict(_rounded(self.best[2]) if self.config.half_weights else self.best[2])
            evaluation = diagnostics.evaluate(self.model, self.dataset.test.images, seed=self.config.seed)
            metrics = diagnostics.summarise(evaluation, "test", bound=self.kind == "vae")
            header = self._save(self.model, evaluation, metrics, self.dataset.test)
            figures = {f"test_{key}": value for key, value in metrics if key != "split" and value is not None}
        self.preview.write(self.model, self.step.count)
        self.snapshots.end()
        self._record("end", state=state, message=message, **figures)
        return TrainResult(state, message, header, self.run_dir / CHECKPOINT)

    def _save(self, model: VAE, evaluation: diagnostics.Evaluation, metrics: Metrics, split: loading.Split) -> Header:
        """The model with what was measured on a split, and with some images of it to look at."""
        assert self.best is not None
        truth = known_factors(self.config.data.name, metrics.images) if metrics.split == "test" else None
        header = Header(
            name=self.name, kind=self.kind, config=self.config, data=self.dataset.info.facts(len(self.dataset.train)),
            data_digest=self.dataset.digest, metrics=metrics, command=self.command,
            statistics=diagnostics.latent_statistics(evaluation),
            factors={} if truth is None else factor_scores(evaluation.mu, truth),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            seconds=time.monotonic() - self.started, step=self.best[1], epoch=self.best[1] / self.step.steps_per_epoch,
        )  # fmt: skip
        n, train = checkpoints.MAX_LATENTS, self.dataset.train
        k = min(
            REFERENCE_IMAGES, REFERENCE_BYTES // train.images[0].numel()
        )  # the split is shuffled: the first are a fair sample
        extras = {
            "latents.mu": evaluation.mu[:n], "latents.labels": split.labels[:n],
            "reference.images": train.images[:k], "reference.labels": train.labels[:k],
        }  # fmt: skip
        if self.kind == "vae":  # an autoencoder's code is a point, and has no ELBO
            extras |= {"latents.std": evaluation.marginal_std[:n].half(), "latents.elbo": evaluation.elbo[:n]}
        if evaluation.correlation is not None:
            extras["latents.correlation"] = evaluation.correlation[:n].half()
        checkpoints.save(self.run_dir / CHECKPOINT, model, header, extras, half=self.config.half_weights)
        return header

    def _record_step(self) -> None:
        self.step.check_finite()
        means = self.means.take()
        if means is not None:
            missing = ("kl", "elbo") if self.kind != "vae" else ()
            if self.kind == "vae" and self.step.count >= self.next_kl_per_dim:
                means |= self.means.take_kl_per_dim()
                self.next_kl_per_dim = self.step.count + self.step.total_steps / KL_ROWS
            self._record("step", lr=self.step.lr, **{name: value for name, value in means.items() if name not in missing})

    def _record(self, kind: str, **fields: object) -> None:
        row = {"kind": kind, "step": self.step.count, "epoch": self.step.count / self.step.steps_per_epoch,
               "time": time.monotonic() - self.started, **fields}  # fmt: skip
        self.writer.write(row)
        self.on_row(row)


class _Means:
    """Means over the steps since the last row, summed up on the device so that no step waits for it."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._kl_per_dim, self._coded = torch.zeros((), device=device), 0  # totals, and of how many images
        self._clear()

    def _clear(self) -> None:
        self._totals = torch.zeros(3, device=self._device)  # log_px_z, kl, loss
        self._more: dict[str, Tensor | float] = {}
        self._images, self._since = 0, time.monotonic()

    def add(self, terms: Terms, gradient_norm: Tensor) -> None:
        self._totals += torch.stack([terms.log_px_z.sum(), terms.kl.sum(), terms.loss.sum()]).detach()
        self._images += len(terms.kl)
        if terms.kl_per_dim is not None:
            self._kl_per_dim, self._coded = self._kl_per_dim + terms.kl_per_dim.detach().sum(dim=0), self._coded + len(terms.kl)
        for name, value in {"gradient_norm": gradient_norm, **terms.more}.items():
            mean = value.detach().mean() if isinstance(value, Tensor) else value
            self._more[name] = self._more.get(name, 0.0) + mean * len(terms.kl)

    def take(self) -> Row | None:
        """Means per image since the last call, and the rate; None when there was no step."""
        if self._images == 0:
            return None
        log_px_z, kl, loss = (self._totals / self._images).tolist()
        row = {name: float(total) / self._images for name, total in self._more.items()}
        row |= {"reconstruction": -log_px_z, "kl": kl, "elbo": log_px_z - kl, "loss": loss}
        row["images_per_second"] = self._images / max(time.monotonic() - self._since, 1e-9)
        self._clear()
        return row

    def take_kl_per_dim(self) -> Row:
        """Means of each dimension since the last call; empty where the posterior has no such KL."""
        if not self._coded:
            return {}
        means = (self._kl_per_dim / self._coded).tolist()
        self._kl_per_dim, self._coded = torch.zeros((), device=self._device), 0
        return {"kl_per_dim": means}


def _rounded(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.half().float() if tensor.is_floating_point() else tensor for name, tensor in weights.items()}
