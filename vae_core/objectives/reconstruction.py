"""The squared error alone, which trains a plain autoencoder: codes are points, there is no prior and no bound."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from vae_core.objectives.objective import Model, Objective, ObjectiveConfig, RunContext, Terms, standard_normal

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class Reconstruction(ObjectiveConfig):
    """Squared error, summed over an image's pixels in [0, 1]. Hinton & Salakhutdinov 2006."""

    title = "Reconstruction only"
    about = "trains a plain autoencoder"
    trains: ClassVar = "autoencoder"

    kind: Literal["reconstruction"] = "reconstruction"

    def start(self, run: RunContext) -> Objective:
        return _Reconstruction()

    @property
    def summary(self) -> str:
        return "squared error"

    @property
    def suffix(self) -> str:
        return "-ae"


class _Reconstruction(Objective):
    def __call__(self, model: Model, x: Tensor, noise: torch.Generator, step: int) -> Terms:
        q = model.encode(x)  # a point: what is drawn is the code itself
        log_px_z = model.decode(q.sample(standard_normal(model, x, noise))).log_prob(x)
        return Terms(-log_px_z, log_px_z, q.kl())
