"""Headers of earlier formats as today's, step by step; each step is named in the log."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from vae_core.data.catalog import DATASETS

log = logging.getLogger("latent_walk")


def upgraded(described: dict[str, Any], filename: str) -> dict[str, Any]:
    """A header as JSON gives it, in today's format; what is not one of an earlier format comes back as it is."""
    while (step := STEPS.get(_format(described))) is not None:
        log.info("%s: header of format %s, read through %s", filename, described.get("format", 1), step.__name__)
        described = step(described)
    return described


def _format(described: Mapping[str, Any]) -> int:
    found = described.get("format", 1)
    return found if type(found) is int else 0


def from_format_1(described: dict[str, Any]) -> dict[str, Any]:
    """Format 1 named its dataset and left all else about it to a table of the program; and every model was a VAE."""
    config = _part(described, "config")
    data, model = _part(config, "data"), _part(config, "model")
    shape = {side: model.get(side) for side in ("height", "width", "channels")}
    name = data.get("name", "mnist")
    info = DATASETS.get(name) if isinstance(name, str) else None
    facts = {"title": name, **shape} if info is None else info.facts(None).model_dump() | shape
    if info is not None and _count(data.get("validation")):
        left = info.training_images - data["validation"]
        facts["training_images"] = min(left, data["limit"]) if _count(data.get("limit")) else left
    return described | {"format": 2, "kind": "vae", "data": facts}


STEPS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: from_format_1}


def _part(described: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = described.get(name)
    return part if isinstance(part, dict) else {}


def _count(value: object) -> bool:
    return type(value) is int and value > 0
