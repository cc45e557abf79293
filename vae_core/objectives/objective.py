"""What every objective has: settings that are part of a run's configuration, and one call per training step.

An objective never logs and never averages over the batch. Settings are read by pages that do without torch, so these files
import it inside functions only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from vae_core.objectives.flat_state import State


class Posterior(Protocol):
    """q(z|x), as far as an objective needs it."""

    def sample(self, eps: Tensor) -> Tensor: ...
    def kl(self) -> Tensor: ...
    def kl_per_dim(self) -> Tensor | None: ...
    def log_prob(self, z: Tensor) -> Tensor: ...


class Model(Protocol):
    """A VAE, as far as an objective needs it."""

    @property
    def config(self) -> Any: ...
    def encode(self, x: Tensor) -> Posterior: ...
    def decode(self, z: Tensor) -> Any: ...
    def log_prior(self, z: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class Terms:
    """What an objective says about a batch, in nats per image. The beta-free ELBO is log_px_z - kl, whatever the loss is."""

    loss: Tensor  # (B,)
    log_px_z: Tensor  # (B,)
    kl: Tensor  # (B,), to the prior
    kl_per_dim: Tensor | None = None  # (B, D), where the posterior has one
    more: dict[str, Tensor | float] = field(default_factory=dict)  # further numbers for the run's rows: one, or one per image


@dataclass(frozen=True)
class RunContext:
    """What an objective may know of the run that it is part of."""

    images: int  # in the training set
    steps_per_epoch: int
    total_steps: int
    latent_dim: int
    device: torch.device
    seed: int


class Objective:
    """One objective within one run. It may hold networks and an optimizer of its own."""

    def __call__(self, model: Model, x: Tensor, noise: torch.Generator, step: int) -> Terms:
        """The terms of images x (B, C, H, W); all chance comes from `noise`, `step` counts from 0."""
        raise NotImplementedError

    def update_own_networks(self) -> None:
        """Called after the model's own step; most objectives own nothing."""

    def reconfigure(self, config: Any) -> None:
        """Takes over a changed value of a setting that is marked `live`; called between two steps."""
        raise NotImplementedError(f"{type(self).__name__} has no setting that can be changed during a run")

    def state_dict(self) -> State:
        """All that changes from step to step, so that a killed run goes on as if nothing had happened.

        As it stands: every attribute that is a network, an optimizer, a generator, a tensor or a number and is there from the
        start. An objective that keeps something else overrides this and `load_state_dict`.
        """
        from vae_core.objectives.flat_state import state_of

        return state_of(vars(self))

    def load_state_dict(self, state: State) -> None:
        """Back to that state.

        Raises:
            ValueError: it is not of such an objective.
        """
        from vae_core.objectives.flat_state import restore

        for name, number in restore(vars(self), state).items():
            setattr(self, name, number)


@dataclass(frozen=True)
class InForm:
    """How a setting appears in the form; its range, default and help are the field's own."""

    label: str
    step: float = 1.0  # of the buttons beside a number
    advanced: bool = False  # folded away: most people leave it alone
    live: bool = False  # can be changed while a run goes; its objective then has `reconfigure`
    only_with: tuple[str, str] | None = None  # a setting before it, and its value without which this one means nothing


class ObjectiveConfig(BaseModel):
    """Settings of an objective: a `kind` and fields that are each annotated with an `InForm`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    title: ClassVar[str]  # as people call it
    about: ClassVar[str]  # half a sentence: what choosing it does
    figures: ClassVar[dict[str, tuple[str, str]]] = {}  # by name in `Terms.more`: what a page calls it, and what it means
    trains: ClassVar[Literal["vae", "autoencoder"]] = "vae"  # the kind of model

    def start(self, run: RunContext) -> Objective:
        """The objective at the beginning of a run."""
        raise NotImplementedError

    @property
    def summary(self) -> str:
        """What was optimised, in a few words."""
        return self.title

    @property
    def suffix(self) -> str:
        """What it adds to the name that is suggested for a run."""
        return ""

    @property
    def needs_kl_per_dim(self) -> str:
        """The setting that means nothing where the posterior has no KL of each latent; empty when there is none."""
        return ""

    @property
    def warmup_end(self) -> float | None:
        """The epoch from which the loss stays the same function of the model, where it does not from the start."""
        return None

    @property
    def cost(self) -> str:
        """Runs with the same text here take equally long for a step, all else being equal."""
        return self.title


def standard_normal(model: Model, x: Tensor, noise: torch.Generator, draws: tuple[int, ...] = ()) -> Tensor:
    """eps ~ N(0, I) for each image, (*draws, B, D)."""
    import torch

    return torch.randn(*draws, len(x), model.config.latent_dim, generator=noise, device=x.device)
