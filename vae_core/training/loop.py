"""The training loop: one function to call, one class that holds a run's moving parts, readable top to bottom.

Writes into the run's folder: metrics.jsonl (rows below), preview.npz, live.safetensors and snapshots (see snapshots.py),
best.safetensors (the best epoch so far by beta-free validation ELBO; at the end the same weights with test figures), and
state.safetensors (see resume_state.py), from which a run goes on after whatever ended it; the rows after that state are dropped.
Where tensorboard is installed the rows are in its event files too (tensorboard_events.py). Knows nothing of processes, locks or
pages.

Rows, all in nats per image:
  start       steps, epochs, images, parameters, device, precision, seconds_to_load
  step        step, epoch, time, reconstruction, kl, elbo, loss, lr, gradient_norm (before clipping), images_per_second, and what
              the objective has besides, such as beta: means since the row before; in about every 150th part of a run also
              kl_per_dim, its mean since the last row that had it
  validation  step, epoch, time, reconstruction, kl, elbo, kl_per_dim (of the marginals), active_units, best
  change      step, epoch, time, what ("learning_rate", a setting of the objective such as "beta", or "epochs"), before, after,
              and of "epochs" steps: in all, as in the start row
  end         state (done | stopped | paused | diverged), message, step, epoch, time, and the test metrics of the best weights
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from vae_core.config.live_settings import live_settings, with_settings
from vae_core.config.schema import TrainConfig, check_shape
from vae_core.data import loading
from vae_core.evaluation import diagnostics
from vae_core.evaluation.factor_regression import factor_scores, known_factors
from vae_core.model.autoencoder import whitened
from vae_core.model.vae import VAE
from vae_core.model_files import checkpoints
from vae_core.model_files.header import Header, Metrics
from vae_core.runs import CHECKPOINT
from vae_core.runs.metrics_log import MetricsWriter, cut
from vae_core.system.devices import choose_device, describe
from vae_core.training import resume_state
from vae_core.training.previews import Preview
from vae_core.training.row_means import RowMeans
from vae_core.training.snapshots import Snapshots
from vae_core.training.tensorboard_events import TensorBoardEvents
from vae_core.training.training_step import DivergedError, TrainingStep

METRICS, PREVIEW = "metrics.jsonl", "preview.npz"
ROW_SECONDS, PREVIEW_SECONDS = 0.25, 1.0
REFERENCE_BYTES, REFERENCE_IMAGES = 1_000_000, 500
KL_ROWS = 150  # of a run's step rows hold the KL of each dimension
CODES = 2000  # of validation images, to which a Gaussian is fitted

State = Literal["done", "stopped", "paused", "diverged"]
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
    should_pause: Callable[[], bool] = lambda: False,
    changes: Callable[[], Mapping[str, float]] = dict,
    added_epochs: tuple[int, ...] = (),
    resumable: bool = False,
    on_row: Callable[[Row], None] = lambda row: None,
    on_download: loading.Progress | None = None,
    name: str = "",
    command: str = "",
) -> TrainResult:
    """Train a model and leave it in the run's folder.

    Args:
        should_stop: asked at every step; when true the run validates, saves and ends as "stopped",
        should_pause: or, when this is true as well, ends at once as "paused".
        changes: asked at every step for settings of `vae_core/config/live_settings.py` that are no longer the config's.
        added_epochs: epochs by which the run was extended, each time so many; they come after those of the config.
        resumable: states are kept, and the one that is there is gone on from.
        on_row: sees every metrics row after it was written.
        on_download: progress of a dataset's download, (what, bytes done, bytes in all).
        name, command: kept in the checkpoint's header.

    Raises:
        DataError: the dataset is missing and cannot be downloaded.
        ConfigError: the device is not there.
        RunError: the state cannot be used, or the images or the config are no longer those it was made with.
        OSError: the folder cannot be written (the last good checkpoint stays).
    """
    run_dir.mkdir(parents=True, exist_ok=True)
    run = Run(config, run_dir, on_row, on_download, name or run_dir.name, command, added_epochs)
    if resumable:
        run.resume()
    run.events = TensorBoardEvents(run_dir, after_step=run.step.count)
    with MetricsWriter(run_dir / METRICS) as run.writer:
        return run.go(should_stop, should_pause, changes)


class Run:
    """One run's moving parts. Everything random comes from generators seeded by the config."""

    writer: MetricsWriter
    events: TensorBoardEvents

    def __init__(
        self, config: TrainConfig, run_dir: Path, on_row: Callable[[Row], None],
        on_download: loading.Progress | None, name: str, command: str, added_epochs: tuple[int, ...],
    ) -> None:  # fmt: skip
        self.config, self.run_dir, self.on_row = config, run_dir, on_row
        self.name, self.command = name, command
        self.added_epochs, self.epochs = added_epochs, config.epochs + sum(added_epochs)
        self.started = time.monotonic()
        self.device = choose_device(config.device)
        self.dataset = loading.load(*config.data.parts, progress=on_download)
        self.seconds_to_load = time.monotonic() - self.started
        check_shape(config.model, self.dataset.info)
        self.images = loading.placed(self.dataset.train.images, self.device)
        self.step = TrainingStep(config, self.dataset.train.images, self.device, added_epochs)
        self.model, self.kind = self.step.model, config.objective.trains
        self.order = torch.Generator().manual_seed(config.seed)
        self.epoch, self.batch = 0, 0  # whole epochs so far, and batches of the one that goes on
        self.epoch_order = self.order.get_state()  # at its beginning
        self.wanted: Mapping[str, float] = {}  # changed settings
        self.keeper: resume_state.Keeper | None = None
        self.resumed: resume_state.Facts | None = None
        self.best: tuple[float, int, dict[str, Tensor]] | None = None  # validation ELBO, step, weights
        self.means, self.next_kl_per_dim = RowMeans(self.device), 0.0  # step from which on a row holds it
        self.preview = Preview(run_dir / PREVIEW, self.dataset.test.images, config.model.latent_dim, self.device, config.seed)
        self.snapshots = Snapshots(run_dir, config, self.dataset, self.model, name=self.name, command=command)

    def go(
        self, should_stop: Callable[[], bool], should_pause: Callable[[], bool], changes: Callable[[], Mapping[str, float]]
    ) -> TrainResult:
        if not self.resumed:
            parameters = sum(parameter.numel() for parameter in self.model.parameters())
            precision = "bfloat16" if self.step.bfloat16 else "float32"
            self._record("start", steps=self.step.total_steps, epochs=self.epochs, images=len(self.images), parameters=parameters,
                         device=describe(self.device), precision=precision, seconds_to_load=self.seconds_to_load)  # fmt: skip
            self._look()
            self._validate(keep=False)
        elif self.resumed.added_epochs != self.added_epochs:
            before = self.config.epochs + sum(self.resumed.added_epochs)
            self._record("change", what="epochs", before=before, after=self.epochs, steps=self.step.total_steps)
        try:
            stopped = self._run_epochs(should_stop, changes)
            if self.keeper:
                self.keeper.write_if_moved()
            if stopped and should_pause():
                message = f"Paused at step {self.step.count:,} of {self.step.total_steps:,}."
                self.snapshots.end()
                self._record("end", state="paused", message=message)
                return TrainResult("paused", message, None, self.run_dir / CHECKPOINT)
            if stopped:
                self._validate()
        except DivergedError as error:
            kept = "Nothing was saved yet." if self.best is None else f"The model of step {self.best[1]:,} is kept."
            return self._finish("diverged", f"{error} {kept}")
        if stopped:
            return self._finish("stopped", f"Stopped at step {self.step.count:,} of {self.step.total_steps:,}.")
        return self._finish("done", "")

    def _run_epochs(self, should_stop: Callable[[], bool], changes: Callable[[], Mapping[str, float]]) -> bool:
        """True when asked to stop before the end."""
        next_row = next_preview = 0.0
        while self.epoch < self.epochs:
            self.epoch_order = self.order.get_state()
            for indices in islice(loading.batches(len(self.images), self.config.batch_size, self.order), self.batch, None):
                self._change(changes())
                if should_stop():
                    return True
                batch = loading.rows(self.images, indices, self.device)
                self.means.add(self.step(batch), self.step.gradient_norm)
                self._look()
                now = time.monotonic()
                if now >= next_row:
                    self._record_step()
                    next_row = now + ROW_SECONDS
                if now >= next_preview:
                    self.preview.write(self._saved_form(), self.step.count)
                    next_preview = now + PREVIEW_SECONDS
                self.batch += 1
                if self.keeper and self.keeper.due():
                    self.keeper.write()
            self._record_step()
            self._validate()
            self.epoch, self.batch = self.epoch + 1, 0
            if self.keeper and self.keeper.due(epoch_ended=True):
                self.keeper.write()
        return False

    def resume(self) -> None:
        """Goes on from the state in the run's folder, if there is one, and keeps one from now on.

        Nothing in the folder changes before all of the state is known to fit.
        """
        self.keeper = resume_state.Keeper(self)
        self.resumed = self.keeper.restore()
        cut(self.run_dir / METRICS, self.resumed.log_bytes if self.resumed else 0)

    def _change(self, wanted: Mapping[str, float]) -> None:
        """Takes over changed settings: a row for each, and a state, so that a resumed run has them at the same step."""
        if wanted == self.wanted:
            return
        self.wanted, before = dict(wanted), live_settings(self.step.config)
        changed = {name: value for name, value in wanted.items() if value != before[name]}
        if not changed:
            return
        self._record_step()
        self.step.reconfigure(with_settings(self.step.config, changed))
        for name, value in changed.items():
            self._record("change", what=name, before=before[name], after=value)
        if self.keeper:
            self.keeper.write()

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
            name=self.name, kind=self.kind, config=self.step.config.model_copy(update={"epochs": self.epochs}),
            data=self.dataset.info.facts(len(self.dataset.train)),
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
        self.events.write(row)
        self.on_row(row)


def _rounded(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.half().float() if tensor.is_floating_point() else tensor for name, tensor in weights.items()}
