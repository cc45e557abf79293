"""One training step: what the loop repeats and what the estimate of a run's time measures. Knows no objective by name."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from vae_core.config.schema import TrainConfig
from vae_core.data import loading
from vae_core.model.architectures import colour_weights, last_layer, to_be_centred
from vae_core.model.initialization import (
    LAST_GAIN,
    VALUE_GAIN,
    opponent_colours,
    start_at_mean_colour,
    strengthen_hue,
    subtract_mean_colour,
)
from vae_core.model.vae import VAE, drawn
from vae_core.model_files.checkpoints import NETWORKS
from vae_core.objectives.objective import RunContext, Terms
from vae_core.system.devices import autocast, use_bfloat16
from vae_core.training.learning_rate import lr_at

MEAN_IMAGES = 1000  # enough for the mean colour; the split is shuffled


class DivergedError(ArithmeticError):
    """The loss was not finite."""


class TrainingStep:
    """The model of a run, its objective and its optimizer; a call takes one step. All chance comes from the config's seed."""

    def __init__(self, config: TrainConfig, images: Tensor, device: torch.device, added_epochs: tuple[int, ...] = ()) -> None:
        """`images` are those of the training set, uint8 (N, C, H, W): the model starts at their mean colour.

        `added_epochs` come after those of the config, by which the schedules of the learning rate and of beta are laid out.
        """
        self.config, self.device = config, device
        self.model = _first_model(config, images[:MEAN_IMAGES]).to(device)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
        )
        self.noise = torch.Generator(device).manual_seed(config.seed + 1)
        self.steps_per_epoch = math.ceil(len(images) / config.batch_size)
        self._added_steps = tuple(self.steps_per_epoch * epochs for epochs in added_epochs)
        self._first_steps = self.steps_per_epoch * config.epochs
        self.total_steps = self._first_steps + sum(self._added_steps)
        self.objective = config.objective.start(
            RunContext(
                images=len(images), steps_per_epoch=self.steps_per_epoch, total_steps=self._first_steps,
                latent_dim=config.model.latent_dim, device=device, seed=config.seed,
            )
        )  # fmt: skip
        self.bfloat16 = use_bfloat16(config, device)
        self.count, self.lr = 0, 0.0  # steps taken, rate of the last one
        self.gradient_norm = torch.zeros((), device=device)  # of the last step, before it was clipped
        self._coloured = colour_weights(self.model.encoder, self.model.decoder)
        self._first_bad = torch.full((), -1, dtype=torch.int64, device=device)

    def __call__(self, images: Tensor) -> Terms:
        """Learns from uint8 images (B, C, H, W) on the device.

        Raises:
            DivergedError: the loss is not finite. Noticed at once on a CPU; elsewhere by `check_finite`.
        """
        x = loading.to_float(images)
        x = torch.bernoulli(x, generator=self.noise) if self.config.binarize else x
        with autocast(self.device, self.bfloat16):
            terms = self.objective(self.model, x, self.noise, self.count)
        loss = terms.loss.mean()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.gradient_norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.grad_clip)
        self._first_bad = torch.where((self._first_bad < 0) & ~torch.isfinite(loss.detach()), self.count, self._first_bad)
        if self.device.type == "cpu":  # elsewhere reading the loss would wait for the device at every step
            self.check_finite()
        self.lr = lr_at(self.count, kind=self.config.lr_schedule, peak=self.config.learning_rate,
                        total_steps=self._first_steps, added_steps=self._added_steps)  # fmt: skip
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr
        with opponent_colours(self._coloured):
            self.optimizer.step()
        self.objective.update_own_networks()
        self.count += 1
        return terms

    def reconfigure(self, config: TrainConfig) -> None:
        """From the next step on a configuration that differs in settings of `vae_core/config/live_settings.py` only."""
        if config.objective != self.config.objective:
            self.objective.reconfigure(config.objective)
        self.config = config

    def check_finite(self) -> None:
        """Waits for the device.

        Raises:
            DivergedError: the loss of a step was not finite.
        """
        bad = int(self._first_bad)
        if bad >= 0:
            raise DivergedError(
                f"The loss was not finite at step {bad:,}. Try a learning rate below {self.config.learning_rate / 3:.2g}, "
                "a smaller grad_clip, or precision float32."
            )


def _first_model(config: TrainConfig, images: Tensor) -> VAE:
    model = drawn(NETWORKS[config.objective.trains], config.model, config.seed)
    assert isinstance(model, VAE)  # what is trained has an encoder
    means = loading.to_float(images).mean(dim=(0, 2, 3))
    start_at_mean_colour(
        last_layer(model.decoder), means, logits=config.model.likelihood == "bernoulli", per_value=model.head.per_value
    )
    coloured = colour_weights(model.encoder, model.decoder)
    if coloured:
        strengthen_hue(coloured[0], coloured[1], LAST_GAIN if model.head.per_value == 1 else VALUE_GAIN)
    if (first := to_be_centred(model.encoder)) is not None:  # its weights are final now
        subtract_mean_colour(first, means)
    return model
