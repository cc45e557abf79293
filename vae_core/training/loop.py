"""The training loop: one function to call, one class that holds a run's moving parts, readable top to bottom.

Writes into the run's folder: metrics.jsonl (rows below), preview.npz, last.safetensors (the best epoch so far by beta-free
validation ELBO; at the end the same weights with test figures). Knows nothing of processes, locks or pages.

Rows, all in nats per image:
  start       steps, epochs, images, parameters, device, precision, seconds_to_load
  step        step, epoch, time, reconstruction, kl, elbo, loss, beta, lr, images_per_second: means since the row before
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
from vae_core.model.architectures import colour_weights, last_layer
from vae_core.model.initialization import listen_to_hue, opponent_colours, start_at
from vae_core.model.vae import VAE, build
from vae_core.model_files import checkpoints
from vae_core.model_files.header import Header, Metrics
from vae_core.objectives.objective import RunContext, Terms
from vae_core.runs.metrics_log import MetricsWriter
from vae_core.system.devices import autocast, choose_device, describe, use_bfloat16
from vae_core.training.learning_rate import lr_at
from vae_core.training.previews import Preview

CHECKPOINT, METRICS, PREVIEW = "last.safetensors", "metrics.jsonl", "preview.npz"
ROW_SECONDS, PREVIEW_SECONDS = 0.25, 1.0
REFERENCE_BYTES, REFERENCE_IMAGES = 1_000_000, 500
MEAN_IMAGES = 1000  # enough for the mean colour; the split is shuffled

State = Literal["done", "stopped", "diverged"]
Row = dict[str, Any]


@dataclass(frozen=True)
class TrainResult:
    """How a run ended; header is None when it ended before the first checkpoint."""

    state: State
    message: str
    header: Header | None
    path: Path


class DivergedError(ArithmeticError):
    """The loss was not finite."""


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
        self.bfloat16 = use_bfloat16(config, self.device)
        self.dataset = loading.load(*config.data.parts, progress=on_download)
        self.seconds_to_load = time.monotonic() - self.started
        check_shape(config.model, self.dataset.info)
        self.images = self.dataset.train.images.to(self.device)
        self.model = self._first_model().to(self.device)
        self.coloured = colour_weights(self.model.encoder, self.model.decoder)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
        )
        self.order = torch.Generator().manual_seed(config.seed)
        self.noise = torch.Generator(self.device).manual_seed(config.seed + 1)
        self.steps_per_epoch = math.ceil(len(self.images) / config.batch_size)
        self.total_steps = self.steps_per_epoch * config.epochs
        self.step = 0
        self.objective = config.objective.start(
            RunContext(
                images=len(self.images), steps_per_epoch=self.steps_per_epoch, total_steps=self.total_steps,
                latent_dim=config.model.latent_dim, device=self.device, seed=config.seed,
            )
        )  # fmt: skip
        self.best: tuple[float, int, dict[str, Tensor]] | None = None  # validation ELBO, step, weights
        self.sums = _Sums(self.device)
        self.preview = Preview(run_dir / PREVIEW, self.dataset.test.images, config.model.latent_dim, self.device, config.seed)

    def _first_model(self) -> VAE:
        model = build(self.config.model, seed=self.config.seed)
        means = loading.to_float(self.dataset.train.images[:MEAN_IMAGES]).mean(dim=(0, 2, 3))
        start_at(last_layer(model.decoder), means, logits=self.config.model.likelihood == "bernoulli")
        coloured = colour_weights(model.encoder, model.decoder)
        if coloured:
            listen_to_hue(*coloured[:2])
        return model

    def go(self, should_stop: Callable[[], bool]) -> TrainResult:
        self._record_start()
        self._validate(keep=False)
        try:
            stopped = self._run_epochs(should_stop)
            if stopped:
                self._validate()
        except DivergedError as error:
            return self._finish("diverged", str(error))
        if stopped:
            return self._finish("stopped", f"Stopped at step {self.step:,} of {self.total_steps:,}.")
        return self._finish("done", "")

    def _run_epochs(self, should_stop: Callable[[], bool]) -> bool:
        """True when asked to stop before the end."""
        next_row = next_preview = 0.0
        for _ in range(self.config.epochs):
            for indices in loading.batches(len(self.images), self.config.batch_size, self.order):
                if should_stop():
                    return True
                self._take_step(self._batch(indices))
                now = time.monotonic()
                if now >= next_row:
                    self._record_step()
                    next_row = now + ROW_SECONDS
                if now >= next_preview:
                    self.preview.write(self.model, self.step)
                    next_preview = now + PREVIEW_SECONDS
            self._record_step()
            self._validate()
        return False

    def _batch(self, indices: Tensor) -> Tensor:
        """x (B, C, H, W) in [0, 1] on the device."""
        x = loading.to_float(self.images.index_select(0, indices.to(self.device)))  # copies rows; [] is 15 times slower on a CPU
        return torch.bernoulli(x, generator=self.noise) if self.config.binarize else x

    def _take_step(self, x: Tensor) -> None:
        self._set_lr()
        with autocast(self.device, self.bfloat16):
            terms = self.objective(self.model, x, self.noise, self.step)
        loss = terms.loss.mean()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.grad_clip)
        self.sums.add(terms, loss.detach(), self.step)
        if self.device.type == "cpu":  # elsewhere reading the loss would wait for the device at every step
            self._check_finite()
        with opponent_colours(self.coloured):
            self.optimizer.step()
        self.step += 1

    def _check_finite(self) -> None:
        bad = self.sums.first_bad_step()
        if bad is not None:
            kept = "nothing was saved yet" if self.best is None else f"the model of step {self.best[1]:,} is kept"
            raise DivergedError(
                f"The loss was not finite at step {bad:,}; {kept}. Try a learning rate below "
                f"{self.config.learning_rate / 3:.2g}, a smaller grad_clip, or precision float32."
            )

    def _set_lr(self) -> None:
        config = self.config
        self.lr = lr_at(self.step, kind=config.lr_schedule, peak=config.learning_rate, total_steps=self.total_steps)
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr

    @torch.inference_mode()
    def _validate(self, *, keep: bool = True) -> None:
        """Measure on the validation images; keep and save the weights when their beta-free ELBO is the best so far."""
        self._check_finite()
        evaluation = self._evaluate(self.dataset.validation)
        metrics = diagnostics.summarise(evaluation, "validation")
        if not math.isfinite(metrics.elbo):
            raise DivergedError(f"The validation ELBO was not finite after step {self.step:,}. Try a smaller learning rate.")
        best = keep and (self.best is None or metrics.elbo > self.best[0])
        if best:
            weights = {name: tensor.detach().cpu().clone() for name, tensor in self.model.state_dict().items()}
            self.best = (metrics.elbo, self.step, weights)
            self._save(evaluation, metrics, self.dataset.validation)
        kl_per_dim = evaluation.marginal_kl.mean(dim=0).tolist()
        self._record("validation", reconstruction=metrics.reconstruction, kl=metrics.kl, elbo=metrics.elbo,
                     kl_per_dim=kl_per_dim, active_units=metrics.active_units, best=best)  # fmt: skip

    def _evaluate(self, split: loading.Split) -> diagnostics.Evaluation:
        self.model.eval()
        evaluation = diagnostics.evaluate(self.model, split.images, seed=self.config.seed)
        self.model.train()
        return evaluation

    def _finish(self, state: State, message: str) -> TrainResult:
        path, header = self.run_dir / CHECKPOINT, None
        if self.best is not None:
            self.model.load_state_dict(_rounded(self.best[2]) if self.config.half_weights else self.best[2])
            evaluation = self._evaluate(self.dataset.test)
            header = self._save(evaluation, diagnostics.summarise(evaluation, "test"), self.dataset.test)
        measured = () if header is None or header.metrics is None else header.metrics
        metrics = {f"test_{key}": value for key, value in measured if key != "split"}
        self.model.eval()
        self.preview.write(self.model, self.step)
        self._record("end", state=state, message=message, **metrics)
        return TrainResult(state, message, header, path)

    def _save(self, evaluation: diagnostics.Evaluation, metrics: Metrics, split: loading.Split) -> Header:
        assert self.best is not None
        truth = known_factors(self.config.data.name, metrics.images) if metrics.split == "test" else None
        factors = {} if truth is None else factor_scores(evaluation.mu, truth)
        header = Header(
            name=self.name, config=self.config, data=self.dataset.info.facts(len(self.dataset.train)),
            data_digest=self.dataset.digest, metrics=metrics, command=self.command,
            statistics=diagnostics.latent_statistics(evaluation), factors=factors,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            seconds=time.monotonic() - self.started, step=self.best[1], epoch=self.best[1] / self.steps_per_epoch,
        )  # fmt: skip
        extras = _latents(evaluation, split) | _references(self.dataset.train)
        checkpoints.save(self.run_dir / CHECKPOINT, self.model, header, extras, half=self.config.half_weights)
        return header

    def _record_start(self) -> None:
        parameters = sum(parameter.numel() for parameter in self.model.parameters())
        precision = "bfloat16" if self.bfloat16 else "float32"
        self._record("start", steps=self.total_steps, epochs=self.config.epochs, images=len(self.images),
                     parameters=parameters, device=describe(self.device), precision=precision,
                     seconds_to_load=self.seconds_to_load)  # fmt: skip

    def _record_step(self) -> None:
        self._check_finite()
        means = self.sums.take()
        if means is not None:
            self._record("step", lr=self.lr, **means)

    def _record(self, kind: str, **fields: object) -> None:
        row = {"kind": kind, "step": self.step, "epoch": self.step / self.steps_per_epoch,
               "time": time.monotonic() - self.started, **fields}  # fmt: skip
        self.writer.write(row)
        self.on_row(row)


class _Sums:
    """Sums over the steps since the last row, kept on the device so that no step waits for it."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._bad = torch.full((), -1, dtype=torch.int64, device=device)
        self._clear()

    def _clear(self) -> None:
        self._totals = torch.zeros(3, device=self._device)  # log_px_z, kl, loss, each times images
        self._more: dict[str, Tensor | float] = {}
        self._images, self._since = 0, time.monotonic()

    def add(self, terms: Terms, loss: Tensor, step: int) -> None:
        self._totals += torch.stack([terms.log_px_z.sum(), terms.kl.sum(), terms.loss.sum()]).detach()
        self._images += len(terms.kl)
        for name, value in terms.more.items():
            mean = value.detach().mean() if isinstance(value, Tensor) else value
            self._more[name] = self._more.get(name, 0.0) + mean * len(terms.kl)
        self._bad = torch.where((self._bad < 0) & ~torch.isfinite(loss), step, self._bad)

    def first_bad_step(self) -> int | None:
        """The first step whose loss was not finite. Waits for the device."""
        bad = int(self._bad)
        return None if bad < 0 else bad

    def take(self) -> Row | None:
        """Means per image since the last call, and the rate; None when there was no step."""
        if self._images == 0:
            return None
        log_px_z, kl, loss = (self._totals / self._images).tolist()
        more = {name: float(total) / self._images for name, total in self._more.items()}
        rate = self._images / max(time.monotonic() - self._since, 1e-9)
        self._clear()
        return {"reconstruction": -log_px_z, "kl": kl, "elbo": log_px_z - kl, "loss": loss, "images_per_second": rate} | more


def _rounded(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.half().float() if tensor.is_floating_point() else tensor for name, tensor in weights.items()}


def _latents(evaluation: diagnostics.Evaluation, split: loading.Split) -> dict[str, Tensor]:
    n = checkpoints.MAX_LATENTS
    pairs = {} if evaluation.correlation is None else {"latents.correlation": evaluation.correlation[:n].half()}
    return pairs | {
        "latents.mu": evaluation.mu[:n], "latents.std": evaluation.marginal_std[:n].half(),
        "latents.elbo": evaluation.elbo[:n], "latents.labels": split.labels[:n],
    }  # fmt: skip


def _references(split: loading.Split) -> dict[str, Tensor]:
    """As many training images as fit the budget; the split is shuffled, so the first ones are a fair sample."""
    n = min(REFERENCE_IMAGES, REFERENCE_BYTES // split.images[0].numel())
    return {"reference.images": split.images[:n], "reference.labels": split.labels[:n]}
