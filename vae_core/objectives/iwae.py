"""The importance-weighted bound: several draws of z for each image, weighted by how well each one explains it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from vae_core.objectives.objective import InForm, Model, Objective, ObjectiveConfig, RunContext, Terms, standard_normal

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class IWAE(ObjectiveConfig):
    """log 1/K sum_k p(x, z_k) / q(z_k|x), z_k drawn from q(z|x). Burda et al. 2016, equation 8."""

    title = "IWAE"
    about = "draws several z for each image and bounds log p(x) more tightly"
    figures: ClassVar = {"iwae_bound": ("Bound on log p(x)", "What the training makes large, in nats: at least the ELBO.")}

    kind: Literal["iwae"] = "iwae"
    samples: Annotated[int, InForm("Draws of z")] = Field(
        5,
        ge=1,
        le=100,
        description=(
            "How many z are drawn for each image. More make the bound tighter and each step slower; with 1 it is the ELBO."
        ),
    )

    def start(self, run: RunContext) -> Objective:
        return _IWAE(self.samples)

    @property
    def summary(self) -> str:
        return f"IWAE, {self.samples} draws"

    @property
    def suffix(self) -> str:
        return f"-iwae{self.samples}"

    @property
    def cost(self) -> str:
        return self.summary


class _IWAE(Objective):
    def __init__(self, samples: int) -> None:
        self.samples = samples

    def __call__(self, model: Model, x: Tensor, noise: torch.Generator, step: int) -> Terms:
        q = model.encode(x)
        z = q.sample(standard_normal(model, x, noise, (self.samples,)))  # (K, B, D)
        repeated = x.repeat(self.samples, 1, 1, 1)
        log_px_z = model.decode(z.flatten(0, 1)).log_prob(repeated).unflatten(0, (self.samples, len(x)))  # (K, B)
        kl = q.kl()
        if self.samples == 1:  # the bound is the ELBO, whose KL needs no draw
            bound = log_px_z[0] - kl
        else:
            log_weights = log_px_z + model.log_prior(z) - q.log_prob(z)
            bound = log_weights.logsumexp(dim=0) - math.log(self.samples)
        return Terms(-bound, log_px_z.mean(dim=0), kl, q.kl_per_dim(), {"iwae_bound": bound})
