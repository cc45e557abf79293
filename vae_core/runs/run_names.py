"""What a run may be called."""

from __future__ import annotations

import re

from vae_core.config.schema import TrainConfig
from vae_core.errors import RunError

MAX_NAME = 80  # characters


def check_name(name: str) -> str:
    """The name without outer spaces.

    Raises:
        RunError: it is empty, too long, does not start with a letter or digit, or holds a character that paths give a meaning.
    """
    name = " ".join(name.split()) if name.isprintable() else name
    if not name:
        raise RunError("A run needs a name.")
    if len(name) > MAX_NAME:
        raise RunError(f"The name is {len(name)} characters long; at most {MAX_NAME} are allowed. Choose a shorter one.")
    if not name[0].isalnum():
        raise RunError(f"The name starts with {name[0]!r}; it has to start with a letter or a digit.")
    bad = sorted({letter for letter in name if letter in '/\\:*?"<>|' or not letter.isprintable()})
    if bad:
        raise RunError(f"The name holds {' '.join(map(repr, bad))}; use letters, digits, spaces and - _ . + ( ) only.")
    return name


def suggest_name(config: TrainConfig) -> str:
    """A name that says what is trained, such as "mnist-conv-10d"."""
    return f"{config.data.name}-{config.model.architecture}-{config.model.latent_dim}d{config.objective.suffix}"


def slug(name: str) -> str:
    """The name as part of a folder's name: small letters, digits, dots and dashes."""
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.")[:60] or "run"
