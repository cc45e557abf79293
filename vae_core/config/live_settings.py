"""The settings of a run that can be changed while it goes: the learning rate, and those an objective marks as `live`."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from vae_core.config.schema import TrainConfig, explain
from vae_core.errors import ConfigError
from vae_core.objectives.objective import InForm

LEARNING_RATE = "learning_rate"  # of a one-cycle schedule its highest value


def live_settings(config: TrainConfig) -> dict[str, float]:
    """Their names and values, the learning rate first."""
    own = {name: float(getattr(config.objective, name)) for name in _of_objective(config)}
    return {LEARNING_RATE: config.learning_rate, **own}


def labels(config: TrainConfig) -> dict[str, str]:
    """What a form calls them."""
    return {LEARNING_RATE: "Learning rate"} | {name: about.label for name, about in _of_objective(config).items()}


def with_settings(config: TrainConfig, settings: Mapping[str, float]) -> TrainConfig:
    """The configuration with these values in place of its own.

    Raises:
        ConfigError: one of them cannot be changed, or not to this value.
    """
    known = live_settings(config)
    for name in settings.keys() - known.keys():
        raise ConfigError(f"{name[:60]!r} cannot be changed while a run goes; only {', '.join(known)} can.")
    fields = config.model_dump()
    for name, value in settings.items():
        (fields if name == LEARNING_RATE else fields["objective"])[name] = value
    try:
        return TrainConfig.model_validate(fields)
    except ValidationError as error:
        raise ConfigError(explain(error)) from None


def _of_objective(config: TrainConfig) -> dict[str, InForm]:
    found = {
        name: next((about for about in field.metadata if isinstance(about, InForm)), None)
        for name, field in type(config.objective).model_fields.items()
    }
    return {name: about for name, about in found.items() if about is not None and about.live}
