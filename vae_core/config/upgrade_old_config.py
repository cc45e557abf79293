"""Configurations as older versions wrote them, in today's form; each change is a function with a name, and logged."""

from __future__ import annotations

import logging
from typing import Annotated, Any

from pydantic import BeforeValidator, TypeAdapter

from vae_core.config.schema import TrainConfig

logger = logging.getLogger(__name__)
FLAT = ("beta", "warmup", "warmup_epochs", "cycles", "free_bits")


def flat_objective(config: dict[str, Any]) -> dict[str, Any]:
    """Until November 2026 the only objective was the beta-ELBO, and its settings lay beside those of the run."""
    moved = {name: config[name] for name in FLAT if name in config}
    if not moved or "objective" in config:
        return config
    logger.info("An older configuration: %s now belong to its objective, the beta-ELBO.", ", ".join(moved))
    kept = {name: value for name, value in config.items() if name not in FLAT}
    return kept | {"objective": {"kind": "beta-elbo", **moved}}


def upgraded(config: Any) -> Any:
    """A configuration as it was read from a file, in the form of today; what is none is left to be refused."""
    return flat_objective(config) if isinstance(config, dict) else config


StoredConfig = Annotated[TrainConfig, BeforeValidator(upgraded)]  # a TrainConfig read from a file that may be older
_stored: TypeAdapter[TrainConfig] = TypeAdapter(StoredConfig)


def read_config(text: bytes) -> TrainConfig:
    """The configuration in a file, of today or older.

    Raises:
        pydantic.ValidationError: it is none.
    """
    return _stored.validate_json(text)
