"""`?model=NAME&z=0.1,-0.3,...`: reads the address once when a session begins. The explorer keeps it up to date afterwards."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import streamlit as st

from ui.shared import cached_models, error_sentences, model_picker, user_session
from vae_core.errors import LatentError, LatentWalkError

MAX_TEXT = 8192  # characters of z in an address; 256 dimensions take about 2000
MAX_VALUE = 1000.0  # far outside any prior; beyond it decoders only saturate


def read_address() -> None:
    """Opens the model and the point the address asks for; what cannot be used becomes a notice, never a traceback."""
    if not st.session_state[user_session.ADDRESS_READ]:
        _read()
        st.session_state[user_session.ADDRESS_READ] = True  # last: a run that was broken off before reads it again


def _read() -> None:
    wanted, text = st.query_params.get("model"), st.query_params.get("z")
    entries = cached_models.models()
    if not entries or (wanted is None and text is None):
        return
    default = model_picker.default_name(entries)
    if wanted is not None and wanted not in {entry.name for entry in entries}:
        user_session.leave_notice(error_sentences.UNKNOWN_MODEL.format(name=wanted[:80], instead=default))
        return
    user_session.choose_model(wanted or default)
    _compare_content(st.query_params.get("hash"))
    _compare_with(st.query_params.get("compare"), {entry.name for entry in entries})
    if text is not None:
        _stand_at(text)


def _compare_content(wanted: str | None) -> None:
    """A link holds the hash of its model's file: with another file of the same name the picture is another one."""
    found = cached_models.entry(st.session_state[user_session.MODEL])
    if wanted and wanted != cached_models.content_hash(found):
        user_session.leave_notice(error_sentences.OTHER_CONTENT.format(name=found.name))


def _compare_with(wanted: str | None, names: set[str]) -> None:
    """A link that was made while two models were compared names the second one."""
    if wanted in names:
        st.session_state[user_session.COMPARED] = wanted
    elif wanted:
        user_session.leave_notice(error_sentences.UNKNOWN_SECOND.format(name=wanted[:80]))


def _stand_at(text: str) -> None:
    try:
        latent_dim = cached_models.header(cached_models.entry(st.session_state[user_session.MODEL])).latent_dim
        user_session.commit_z(parse_z(text, latent_dim))
    except LatentError as error:
        user_session.leave_notice(error_sentences.BAD_ADDRESS.format(reason=error))
    except (LatentWalkError, OSError):
        return  # the page shows what is wrong with the model


def parse_z(text: str, latent_dim: int) -> list[float]:
    """The point written as numbers with commas between.

    Raises:
        LatentError: what is wrong with it.
    """
    if len(text) > MAX_TEXT:
        raise LatentError(f"z takes {len(text)} characters; at most {MAX_TEXT} are read.")
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        raise LatentError(f"z must be numbers with commas between, got {text[:60]!r}.") from None
    return checked_z(values, latent_dim)


def checked_z(values: Sequence[Any], latent_dim: int) -> list[float]:
    """The point as floats, if it is one of this latent space.

    Raises:
        LatentError: wrong length, not a number, not finite or out of reach.
    """
    if len(values) != latent_dim:
        raise LatentError(f"z has {len(values)} values; this model takes {latent_dim}.")
    for index, value in enumerate(values):
        if not isinstance(value, (int, float)) or not math.isfinite(value) or abs(value) > MAX_VALUE:
            raise LatentError(f"z{index} is {value!r}; allowed are numbers from {-MAX_VALUE:g} to {MAX_VALUE:g}.")
    return [float(value) for value in values]


def checked_pin(row: dict[str, Any], latent_dim: int) -> dict[str, Any]:
    """A pin from the browser, if its point is one of this latent space.

    Raises:
        LatentError: it is not.
    """
    label = str(row.get("label", ""))[: user_session.MOST_LABEL]
    return {"z": checked_z(row.get("z", []), latent_dim), "label": label, "chosen": bool(row.get("chosen"))}


def checked_posterior(row: dict[str, Any], latent_dim: int) -> dict[str, Any]:
    """A posterior from the browser, if it belongs to this latent space; `index` only where it is that of a test image.

    `correlation` is absent where the latents are independent and None where it is not known.

    Raises:
        LatentError: it does not.
    """
    mu, std = checked_z(row.get("mu", []), latent_dim), checked_z(row.get("std", []), latent_dim)
    index = row.get("index")
    numbered = {"index": index} if isinstance(index, int) and index >= 0 else {}
    pairs = {"correlation": _checked_correlation(row["correlation"], latent_dim)} if "correlation" in row else {}
    return {"mu": mu, "std": std, **pairs, "label": str(row.get("label", ""))[: user_session.MOST_LABEL], **numbered}


def _checked_correlation(values: Any, latent_dim: int) -> list[float] | None:
    if values is None:
        return None
    if len(values) != latent_dim * (latent_dim - 1) // 2 or not all(
        isinstance(value, (int, float)) and -1 <= value <= 1 for value in values
    ):
        raise LatentError(f"The correlations of {latent_dim} latents are a number from -1 to 1 for each pair.")
    return [float(value) for value in values]
