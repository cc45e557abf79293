"""The ELBO with a weight on its KL, a warm-up of that weight, and free bits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from vae_core.objectives.objective import InForm, Model, Objective, ObjectiveConfig, RunContext, Terms, standard_normal

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class BetaELBO(ObjectiveConfig):
    """log p(x|z) - beta KL. Kingma & Welling 2014, equation 3; Higgins et al. 2017, equation 4."""

    title = "β-ELBO"
    about = "is the usual choice, with a weight on the KL"
    figures: ClassVar = {
        "beta": ("β", "The weight of KL. It usually rises from 0 at the beginning, so that the model first learns to draw.")
    }

    kind: Literal["beta-elbo"] = "beta-elbo"
    beta: Annotated[float, InForm("β, weight of KL", step=0.5, live=True)] = Field(
        1.0,
        ge=0,
        le=1000,
        description=(
            "How strongly z is kept simple. Higher gives fewer, more separate sliders and blurrier pictures; lower "
            "gives sharper pictures; 1 is the usual choice."
        ),
    )
    warmup: Annotated[Literal["none", "linear", "cyclical"], InForm("β warm-up")] = Field(
        "linear",
        description=(
            "How beta rises from 0, which lets the model first learn to draw: linear rises once, cyclical several "
            "times, none starts at full beta."
        ),
    )
    warmup_epochs: Annotated[float, InForm("Warm-up epochs", 0.5, only_with=("warmup", "linear"))] = Field(
        1.0,
        ge=0,
        le=1000,
        description="How many epochs the linear rise of beta takes.",
    )
    cycles: Annotated[int, InForm("Cycles", only_with=("warmup", "cyclical"))] = Field(
        4,
        ge=1,
        le=100,
        description="How often beta rises from 0 during the run (cyclical only).",
    )
    free_bits: Annotated[float, InForm("Free bits", 0.05, advanced=True)] = Field(
        0.0,
        ge=0,
        le=10,
        description="Information that each number of z may carry at no cost, in nats. Above 0 it keeps more sliders in use.",
    )

    def start(self, run: RunContext) -> Objective:
        return _BetaELBO(self, run)

    @property
    def summary(self) -> str:
        return f"ELBO, β {self.beta:g}" + (f", {self.free_bits:g} free bits" if self.free_bits else "")

    @property
    def suffix(self) -> str:
        return "" if self.beta == 1 else f"-b{self.beta:g}"

    @property
    def needs_kl_per_dim(self) -> str:
        return "free_bits" if self.free_bits > 0 else ""

    @property
    def warmup_end(self) -> float | None:
        return self.warmup_epochs if self.warmup == "linear" else None


class _BetaELBO(Objective):
    def __init__(self, config: BetaELBO, run: RunContext) -> None:
        self.config, self.run = config, run

    def reconfigure(self, config: BetaELBO) -> None:
        self.config = config

    def __call__(self, model: Model, x: Tensor, noise: torch.Generator, step: int) -> Terms:
        q = model.encode(x)
        log_px_z = model.decode(q.sample(standard_normal(model, x, noise))).log_prob(x)
        kl, kl_per_dim, beta = q.kl(), q.kl_per_dim(), beta_at(self.config, step, self.run)
        groups = kl[:, None] if kl_per_dim is None else kl_per_dim  # of latents that share their free bits
        loss = beta_elbo_loss(log_px_z, groups, beta=beta, free_bits=self.config.free_bits)
        return Terms(loss, log_px_z, kl, kl_per_dim, {"beta": beta})


def beta_at(config: BetaELBO, step: int, run: RunContext) -> float:
    """The KL's weight at a step (counted from 0).

    linear: from 0 to beta over the warm-up (Bowman et al. 2016, section 3.1).
    cyclical: `cycles` times up over the first half of a cycle, then flat (Fu et al. 2019, equation 6, R = 0.5).
    """
    if config.warmup == "cyclical":
        period = max(1.0, run.total_steps / config.cycles)
        return config.beta * min(1.0, (step % period) / (0.5 * period))
    warmup_steps = round(config.warmup_epochs * run.steps_per_epoch) if config.warmup == "linear" else 0
    return config.beta * min(1.0, step / warmup_steps) if warmup_steps > 0 else config.beta


def beta_elbo_loss(log_px_z: Tensor, kl_per_dim: Tensor, *, beta: float = 1.0, free_bits: float = 0.0) -> Tensor:
    """-(log p(x|z) - beta KL), nats per image, (B,), of log_px_z (B,) and kl_per_dim (B, D); free bits are nats per dimension."""
    return beta * floored_kl(kl_per_dim, free_bits).sum(dim=1) - log_px_z


def floored_kl(kl_per_dim: Tensor, free_bits: float) -> Tensor:
    """KL with free bits, (B, D), whose mean over the batch is max(free_bits, mean KL) in each dimension.

    Kingma et al. 2016, equation 15 (each latent its own group): the floor acts on the batch mean, so one image may use
    less than the floor while the dimension as a whole is kept alive.
    """
    if free_bits == 0:
        return kl_per_dim
    below = kl_per_dim.detach().mean(dim=0, keepdim=True) < free_bits
    return kl_per_dim.masked_fill(below, free_bits)
