"""The fields of a TrainConfig as command line options, and a config as the command that makes it again.

Names, defaults and help come from the config's own fields, so there is one place to change them. Knows no parser.
"""

from __future__ import annotations

import shlex
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from vae_core.config.schema import TrainConfig, Where, checked_config, dotted
from vae_core.data.catalog import datasets
from vae_core.errors import ConfigError
from vae_core.objectives.registry import OBJECTIVES

FROM_THE_DATA: set[tuple[str, ...]] = {
    ("model", "height"),
    ("model", "width"),
    ("model", "channels"),
}  # the dataset decides these
RENAMED: dict[tuple[str, ...], str] = {("data", "name"): "data"}


@dataclass(frozen=True)
class Option:
    """One field: where it lies in the config, and how it looks on the command line."""

    path: tuple[str, ...]  # ("model", "latent_dim")
    name: str  # "latent_dim"; the flag is "--latent-dim"
    kind: type  # bool, int, float or str; a list of numbers is text with commas
    default: Any  # of `kind`; None means empty
    help: str
    choices: tuple[str, ...] = ()
    only: tuple[str, ...] = ()  # the kinds of objective that have it; empty where every config has it

    @property
    def flag(self) -> str:
        """As typed: `--latent-dim`."""
        return "--" + self.name.replace("_", "-")

    @property
    def group(self) -> str:
        """The heading it stands under in the help."""
        return {"data": "Data", "model": "Model", "objective": "Objective"}.get(self.path[0], "Training")


@cache
def options() -> tuple[Option, ...]:
    """Every option of `train`, in the order of the config's fields."""
    return tuple(_options_of(TrainConfig, ()))


def config_of(values: Mapping[str, Any]) -> TrainConfig:
    """The config that these option values ask for; an option that is not given keeps its default.

    Raises:
        ConfigError: one sentence per value that is wrong.
    """
    fields: dict[str, Any] = {"data": {}, "model": {}, "objective": {"kind": TrainConfig().objective.kind}}
    for option in options():
        if option.name in values and not (option.only and values[option.name] is None):
            *parents, last = option.path
            home = fields[parents[0]] if parents else fields
            home[last] = _parse(option, values[option.name])
    _check_objective(fields["objective"])
    return checked_config(fields, _flag_of)


def _check_objective(given: Mapping[str, Any]) -> None:
    kind = given["kind"]
    if kind not in OBJECTIVES:
        raise ConfigError(f"--objective: choose from {', '.join(OBJECTIVES)} (got {kind!r}).")
    for option in options():
        if option.only and kind not in option.only and option.path[-1] in given:
            has = ", ".join(other.flag for other in options() if kind in other.only) or "no settings"
            raise ConfigError(
                f"{option.flag} is a setting of {' and '.join(option.only)}; the objective {kind} has {has}. "
                f"Leave {option.flag} out, or choose --objective {option.only[0]}."
            )


def _flag_of(where: Where) -> str:
    """The option that sets this field; a place within a list counts as the list."""
    found = (option.flag for option in options() if where[: len(option.path)] == option.path)
    return next(found, dotted(where))


def command_line(config: TrainConfig) -> str:
    """The command that trains this config again: the data, the seed, and whatever differs from its default."""
    words = ["python", "-m", "vae_core", "train"]
    for option in options():
        if option.only and config.objective.kind not in option.only:
            continue
        value = _value(config, option)
        if value != option.default or option.name in ("data", "seed"):
            words += _words(option, value)
    return shlex.join(words)


def _options_of(model: type[BaseModel], path: tuple[str, ...]) -> Iterator[Option]:
    for name, field in model.model_fields.items():
        here = (*path, name)
        if name == "objective":
            yield from _objective_options(field)
        elif isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _options_of(field.annotation, here)
        elif here not in FROM_THE_DATA:
            yield _option(here, field)


def _objective_options(field: FieldInfo) -> Iterator[Option]:
    """The choice of an objective, and the fields of all of them; those that have the same name are one option."""
    kind = TrainConfig().objective.kind
    yield Option(("objective", "kind"), "objective", str, kind, field.description or "", choices=tuple(OBJECTIVES))
    names = dict.fromkeys(name for objective in OBJECTIVES.values() for name in objective.model_fields if name != "kind")
    for name in names:
        only = tuple(kind for kind, objective in OBJECTIVES.items() if name in objective.model_fields)
        yield replace(_option(("objective", name), OBJECTIVES[only[0]].model_fields[name]), only=only)


def _option(path: tuple[str, ...], field: FieldInfo) -> Option:
    kind, choices = _kind(field.annotation)
    choices = tuple(datasets()) if path == ("data", "name") else choices
    default = field.get_default(call_default_factory=True)
    return Option(
        path=path,
        name=RENAMED.get(path, path[-1]),
        kind=kind,
        default=_shown(default),
        help=field.description or "",
        choices=choices,
    )


def _kind(annotation: Any) -> tuple[type, tuple[str, ...]]:
    """The type of one option's value and, for a choice, what there is to choose from."""
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        return _kind(next(part for part in get_args(annotation) if part is not type(None)))
    if origin is Literal:
        return str, tuple(str(choice) for choice in get_args(annotation))
    if origin is tuple:
        return str, ()
    assert annotation in (bool, int, float, str), f"no command line option is known for a field of type {annotation}"
    return annotation, ()


def _value(config: TrainConfig, option: Option) -> Any:
    value: Any = config
    for name in option.path:
        value = getattr(value, name)
    return _shown(value)


def _shown(value: Any) -> Any:
    return ",".join(str(part) for part in value) if isinstance(value, tuple) else value


def _parse(option: Option, value: Any) -> Any:
    """Text with commas back to a tuple where the field wants one; everything else is checked by the config."""
    if not isinstance(option.default, str) or "," not in option.default:
        return value
    try:
        return tuple(int(part) for part in str(value).split(","))
    except ValueError:
        example = f"whole numbers with commas between them, such as {option.default}"
        raise ConfigError(f"{option.flag} takes {example}; got {value!r}.") from None


def _words(option: Option, value: Any) -> list[str]:
    if option.kind is bool:
        return [option.flag if value else option.flag.replace("--", "--no-", 1)]
    return [option.flag, f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)]
