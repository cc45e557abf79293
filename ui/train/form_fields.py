"""The fields of the Train form: ranges and help texts are the config's own, and what does not fit is said under its field.

Numbers reach the server as they were typed: a widget that knows the range itself would keep a wrong value in the browser, and
the form would go on with the one before.
"""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

import streamlit as st
from pydantic import BaseModel

from vae_core.config.schema import DataConfig, ModelConfig, TrainConfig
from vae_core.objectives.objective import InForm
from vae_core.objectives.registry import OBJECTIVES

SAVED = "train.saved"  # dict: what was chosen, kept while another page is open
FIRST = {"epochs": 6, "name": ""}  # where the form begins elsewhere than the config: 75 s on two cores that do nothing else
OWNERS: dict[str, type[BaseModel]] = {"data": DataConfig, "model": ModelConfig, "": TrainConfig, **OBJECTIVES}


def choice(path: str, label: str, options: dict[str, str], place: Any = st) -> str:
    """One of a few words."""
    names = list(options)
    first = names.index(kept(path)) if kept(path) in options else 0
    chosen = place.selectbox(label, names, first, options.__getitem__, key=key(path), help=described(path))
    return keep(path, chosen)


def number(path: str, label: str, place: Any = st, *, step: float = 1.0) -> tuple[Any, str]:
    """A number, whole where the config wants a whole one, and what is wrong with it: empty when it can be used."""
    with place.container(gap=None):
        first = None if may_be_empty(path) else kept(path)  # a field with a default cannot be emptied
        if may_be_empty(path) and key(path) not in st.session_state and kept(path) is not None:
            st.session_state[key(path)] = kept(path)
        typed = st.number_input(label, value=first, step=step, format="%g", key=key(path), help=described(path))
        keep(path, typed)
        if trouble := wrong(path, typed):
            st.caption(f":red[{trouble}]")
    if typed is not None and is_whole(path) and typed == int(typed):
        return int(typed), trouble
    return typed, trouble


def settings(owner: str, troubles: list[str], *, advanced: bool, first: Any = None) -> dict[str, Any]:
    """The fields of an objective, two in a row, all as its class describes them; what is wrong with one is added to `troubles`.

    `first` is a place for the first of them that is already there.
    """
    values: dict[str, Any] = {}
    row: list[Any] = [] if first is None else [first]
    for name, field in OWNERS[owner].model_fields.items():
        about = next((words for words in field.metadata if isinstance(words, InForm)), None)
        if about is None or about.advanced != advanced or not _applies(about, values):
            continue
        row = row or list(st.columns(2, gap="small"))
        path, place = f"{owner}.{name}", row.pop(0)
        if get_origin(field.annotation) is Literal:
            values[name] = choice(path, about.label, words(path), place)
        else:
            values[name], trouble = number(path, about.label, place, step=float(about.step))
            troubles.append(trouble)
    return values


def _applies(about: InForm, values: dict[str, Any]) -> bool:
    return about.only_with is None or values.get(about.only_with[0]) == about.only_with[1]


def wrong(path: str, typed: float | None) -> str:
    """What is wrong with a number, and what is allowed; empty when nothing is. A field that may be empty is right when it is."""
    low, high, above = limits(path)
    kind = "a whole number" if is_whole(path) else "a number"
    span = f"from {_plain(low)} to {_plain(high)}" if high is not None else f"of at least {_plain(low)}"
    allowed = f"{kind} above {_plain(low)}, up to {_plain(high or 0)}" if above else f"{kind} {span}"
    if typed is None:
        return "" if may_be_empty(path) else f"Give {allowed}."
    fits = (low < typed if above else low <= typed) and (high is None or typed <= high)
    return "" if fits and (typed == int(typed) or not is_whole(path)) else f"Give {allowed}, not {_plain(typed)}."


def limits(path: str) -> tuple[float, float | None, bool]:
    """The config's own limits, and whether the lower one is excluded."""
    names = ("ge", "gt", "le", "lt")
    rules = {name: getattr(rule, name) for rule in _field(path).metadata for name in names if hasattr(rule, name)}
    high = rules.get("le", rules["lt"] - 1 if "lt" in rules else None)
    return rules.get("ge", rules.get("gt", 0)), high, "gt" in rules


def words(path: str) -> dict[str, str]:
    """The words that the config takes, each shown as it is."""
    return {word: word for word in get_args(_field(path).annotation)}


def is_whole(path: str) -> bool:
    """Whether the config takes whole numbers only."""
    return _field(path).annotation in (int, int | None)


def may_be_empty(path: str) -> bool:
    """Whether the config takes "nothing" for an answer."""
    return _field(path).default is None


def described(path: str) -> str:
    """The config's own sentence about a field."""
    return _field(path).description or ""


def key(path: str) -> str:
    """The widget's key."""
    return f"train.{path}"


def kept(path: str) -> Any:
    """What was chosen last, else where the form begins; a number as Streamlit wants it.

    It is given to the widget as its default and not through the session: that would be told to the browser in one run only, and
    where this run is overtaken by the next one, the field would look empty.
    """
    saved = st.session_state.setdefault(SAVED, {})
    first = saved[path] if path in saved else FIRST[path] if path in FIRST else default(path)
    return float(first) if isinstance(first, int) else first


def keep(path: str, value: Any) -> Any:
    """Remembers what was chosen while another page is open."""
    st.session_state.setdefault(SAVED, {})[path] = value
    return value


def default(path: str) -> Any:
    """Where the config begins."""
    return _field(path).get_default(call_default_factory=True)


def is_field(path: str) -> bool:
    """Whether there is such a setting, which the form may show."""
    owner, _, name = path.rpartition(".")
    return path in FIRST or (name in OWNERS[owner].model_fields and not isinstance(default(path), BaseModel))


def _plain(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:g}"


def _field(path: str) -> Any:
    owner, _, name = path.rpartition(".")
    return OWNERS[owner].model_fields[name]
