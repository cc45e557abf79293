"""Every session key and its default, once. What a person does stays here; runs and models are shared by all.

The committed z is the one truth about where a person stands: the sliders, the Encode page and the address all read and write it.
A page calls `prepare()` first; keys that belong to one page only start with that page's name.
"""

from __future__ import annotations

import copy
from typing import Any

import streamlit as st

MODEL = "model"  # str | None: name of the chosen model, as in the registry
Z = "z"  # list[float] | None: committed point, one value per latent dimension; None until a model is open
POSTERIOR = "posterior"  # {"mu": [...], "std": [...], "label": str} | None: q(z|x) drawn as a band on the sliders
ADDRESS_READ = "address_read"  # bool: `?model=...&z=...` is read once per session, afterwards the page writes it
NOTICE = "notice"  # str | None: a sentence to show once on the next page that asks for it

DEFAULTS: dict[str, Any] = {MODEL: None, Z: None, POSTERIOR: None, ADDRESS_READ: False, NOTICE: None}


def prepare() -> None:
    """Gives every missing key its default."""
    for key, default in DEFAULTS.items():
        if key not in st.session_state:
            st.session_state[key] = copy.copy(default)


def choose_model(name: str) -> None:
    """Opens another model: its latent space has nothing to do with the last one, so z and the band start anew."""
    if st.session_state.get(MODEL) != name:
        st.session_state[MODEL] = name
        st.session_state[Z] = None
        st.session_state[POSTERIOR] = None


def stand_at(z: list[float], posterior: dict[str, Any] | None = None) -> None:
    """Commits a point, and with it the posterior it came from (None removes the band)."""
    st.session_state[Z] = [float(value) for value in z]
    st.session_state[POSTERIOR] = posterior


def committed_z(latent_dim: int) -> list[float]:
    """The committed point; the origin when there is none of this length (a run may replace its model with another size)."""
    z = st.session_state.get(Z)
    if z is None or len(z) != latent_dim:
        stand_at([0.0] * latent_dim)
    return list(st.session_state[Z])


def posterior(latent_dim: int) -> dict[str, Any] | None:
    """The posterior to draw on the sliders, if it belongs to a latent space of this size."""
    band = st.session_state.get(POSTERIOR)
    return band if band is not None and len(band["mu"]) == latent_dim else None


def leave_notice(sentence: str) -> None:
    """Keeps a sentence until the next page run shows it."""
    st.session_state[NOTICE] = sentence


def take_notice() -> str | None:
    """The kept sentence, once."""
    notice = st.session_state.get(NOTICE)
    st.session_state[NOTICE] = None
    return notice
