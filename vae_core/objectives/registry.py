"""Which objectives there are. A new one is a file beside this one and its name here."""

from __future__ import annotations

from typing import get_args

from vae_core.objectives.beta_elbo import BetaELBO
from vae_core.objectives.factor_vae import FactorVAE
from vae_core.objectives.iwae import IWAE
from vae_core.objectives.objective import ObjectiveConfig
from vae_core.objectives.reconstruction import Reconstruction

AnyObjective = BetaELBO | IWAE | FactorVAE | Reconstruction

OBJECTIVES: dict[str, type[ObjectiveConfig]] = {one.model_fields["kind"].default: one for one in get_args(AnyObjective)}
