"""What changes during a run as one flat table of tensors and numbers, and back, to the last bit.

Parts are networks, optimizers, generators, tensors, numbers, dicts of tensors and numbers, and whatever has `state_dict` and
`load_state_dict` of its own. A name in the table is "part.rest". Anything else is no state, and is left out.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, MutableMapping
from typing import Any

import torch
from torch import Tensor, nn

State = dict[str, Tensor | int | float]


def state_of(parts: Mapping[str, Any]) -> State:
    """The table of these parts, as they are now: tensors are not copied."""
    found: State = {}
    for name, part in parts.items():
        if isinstance(part, (Tensor, int, float)):
            found[name] = part
        else:
            found |= {f"{name}.{rest}": value for rest, value in state_of(_inside(part)).items()}
    return found


def restore(parts: Mapping[str, Any], state: Mapping[str, Any]) -> dict[str, int | float]:
    """Brings the parts to the state of a table that `state_of` made of such parts; numbers, which have no inside, are returned.

    Raises:
        ValueError: the table does not fit these parts; a part may have been changed before that was seen.
    """
    groups: dict[str, dict[str, Any]] = {}
    for name, value in state.items():
        first, _, rest = name.partition(".")
        groups.setdefault(first, {})[rest] = value
    known = {name for name, part in parts.items() if isinstance(part, (Tensor, int, float)) or _has_inside(part)}
    for name in groups.keys() - known:
        raise ValueError(f"{name[:100]!r} does not belong")
    return {name: number for name in known if (number := _take(name, parts[name], groups.get(name, {}))) is not None}


def _inside(part: Any) -> Mapping[str, Any]:
    if isinstance(part, torch.Generator):
        return {"generator": part.get_state()}
    if isinstance(part, torch.optim.Optimizer):
        return {str(index): kept for index, kept in part.state_dict()["state"].items()}
    if isinstance(part, Mapping):
        return part
    return part.state_dict() if _has_inside(part) else {}


def _has_inside(part: Any) -> bool:
    own = hasattr(part, "state_dict") and hasattr(part, "load_state_dict") and not isinstance(part, type)
    return own or isinstance(part, (torch.Generator, Mapping))


def _take(name: str, part: Any, state: dict[str, Any]) -> int | float | None:
    if isinstance(part, Tensor):
        _check(name, {"": part}, state)
        part.detach().copy_(state[""])
    elif isinstance(part, (int, float)):
        number = state.get("")
        if not isinstance(number, (int, float)) or len(state) != 1:
            raise ValueError(f"{name} is not a number")
        return number
    elif isinstance(part, torch.Generator):
        _check(name, {"generator": part.get_state()}, state)
        part.set_state(state["generator"].cpu())
    elif isinstance(part, torch.optim.Optimizer):
        _restore_optimizer(name, part, state)
    elif isinstance(part, nn.Module):
        _check(name, part.state_dict(), state)
        part.load_state_dict(state)
    elif isinstance(part, MutableMapping):
        _check(name, part, state)
        for entry, like in part.items():
            if isinstance(like, Tensor):
                like.copy_(state[entry])
            else:
                part[entry] = state[entry]
    else:
        part.load_state_dict(state)
    return None


def _restore_optimizer(name: str, optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """What it keeps for each parameter; its settings are those it was made with."""
    expected, parameters = _after_one_step(optimizer), [p for group in optimizer.param_groups for p in group["params"]]
    stepped = {entry.partition(".")[0] for entry in state}  # a parameter that never had a gradient has nothing yet
    _check(name, {entry: like for entry, like in expected.items() if entry.partition(".")[0] in stepped}, state)
    kept: dict[int, dict[str, Any]] = {}
    for entry, value in state.items():
        index, _, slot = entry.partition(".")
        like = parameters[int(index)]
        if isinstance(value, Tensor) and value.shape == like.shape:  # laid out in memory as its parameter is
            value = torch.empty_like(like, dtype=value.dtype).copy_(value)
        kept.setdefault(int(index), {})[slot] = value
    optimizer.load_state_dict({"state": kept, "param_groups": optimizer.state_dict()["param_groups"]})


def _after_one_step(optimizer: torch.optim.Optimizer) -> State:
    """What such an optimizer keeps once it has begun, found out on a copy."""
    twin = copy.deepcopy(optimizer)
    for group in twin.param_groups:
        for parameter in group["params"]:
            parameter.grad = torch.zeros_like(parameter)
    twin.step()
    return state_of(_inside(twin))


def _check(name: str, expected: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """The same names, and tensors of the same shape and kind under them."""
    for entry in sorted(expected.keys() ^ state.keys()):
        raise ValueError(f"{f'{name}.{entry}'.rstrip('.')[:100]!r} {'is missing' if entry in expected else 'does not belong'}")
    for entry, like in expected.items():
        got = state[entry]
        if isinstance(like, Tensor) != isinstance(got, Tensor):
            raise ValueError(f"{f'{name}.{entry}'.rstrip('.')} is of another kind")
        if isinstance(like, Tensor) and (like.shape, like.dtype) != (got.shape, got.dtype):
            what = f"has shape {list(got.shape)} of {got.dtype}, not {list(like.shape)} of {like.dtype}"
            raise ValueError(f"{f'{name}.{entry}'.rstrip('.')} {what}")
