"""Every session key and its default, once. What a person does stays here; runs and models are shared by all.

The committed z is the one truth about where a person stands: the sliders, the Encode page and the address all read and write it.
A page calls `prepare()` first; keys that belong to one page only start with that page's name.
"""

from __future__ import annotations

import copy
import time
from typing import Any

import streamlit as st

MODEL = "model"  # str | None: name of the chosen model, as in the registry
Z = "z"  # list[float] | None: committed point, one value per latent dimension; None until a model is open
POSTERIOR = "posterior"  # dict as `posterior_row` makes it | None: the band on the sliders and the ellipse on the map
ADDRESS_READ = "address_read"  # bool: `?model=...&z=...` is read once per session, afterwards the page writes it
PINS = "pins"  # dict[str, list]: model -> [{"z": [...], "label": str, "chosen": bool}], in the order of the tray
COMPARED = "compared"  # str | None: name of the model to compare the open one with; it may be gone, or of another size
NOTICE = "notice"  # (str, float | None) | None: a sentence for the next page that asks, and when it has been shown long enough

DEFAULTS: dict[str, Any] = {MODEL: None, Z: None, POSTERIOR: None, ADDRESS_READ: False, PINS: {}, COMPARED: None, NOTICE: None}
DECIMALS = 4  # of a committed z, as many as an address holds: a link or the copied Python draws exactly what is shown
MOST_PINS = 24  # in one tray, as in ui/components/explorer/pins_and_paths/pins.js
MOST_STOPS = 12  # of them on the path
MOST_LABEL = 120  # characters of a pin's label
NOTICE_SECONDS = 12


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


def commit_z(z: list[float], posterior: dict[str, Any] | None = None) -> None:
    """Commits a point, and with it the posterior it came from (None removes the band)."""
    st.session_state[Z] = [round(float(value), DECIMALS) for value in z]
    st.session_state[POSTERIOR] = posterior


def posterior_row(encoding: dict[str, Any], label: str, index: int | None = None) -> dict[str, Any]:
    """A posterior as the explorer gets it.

    Args:
        encoding: "mu" and "std" (of the marginals), D numbers each; "correlation" of each pair, below the diagonal and row by
            row, absent where the latents are independent and None where it is not known.
        index: of the test image it is of.
    """
    numbers = {name: None if values is None else [float(value) for value in values] for name, values in encoding.items()}
    return {**numbers, "label": label, **({} if index is None else {"index": index})}


def committed_z(latent_dim: int) -> list[float]:
    """The committed point; the origin when there is none of this length (a run may replace its model with another size)."""
    z = st.session_state.get(Z)
    if z is None or len(z) != latent_dim:
        commit_z([0.0] * latent_dim)
    return list(st.session_state[Z])


def posterior(latent_dim: int) -> dict[str, Any] | None:
    """The posterior to draw on the sliders, if it belongs to a latent space of this size."""
    band = st.session_state.get(POSTERIOR)
    return band if band is not None and len(band["mu"]) == latent_dim else None


def pins(model: str, latent_dim: int) -> list[dict[str, Any]] | None:
    """The pinned points of this model, without those of another latent size; None when it never had any."""
    kept = st.session_state[PINS].get(model)
    return None if kept is None else [row for row in kept if len(row["z"]) == latent_dim]


def keep_pins(model: str, rows: list[dict[str, Any]]) -> None:
    """The tray of this model, as the explorer has it."""
    st.session_state[PINS] = {**st.session_state[PINS], model: rows}


def pin(model: str, z: list[float], label: str) -> bool:
    """Adds a point to the tray of this model; False when it is there already or the tray is full."""
    rows = st.session_state[PINS].get(model) or []
    if len(rows) >= MOST_PINS or any(row["z"] == z for row in rows):
        return False
    chosen = sum(row["chosen"] for row in rows) < MOST_STOPS
    keep_pins(model, [*rows, {"z": z, "label": label[:MOST_LABEL], "chosen": chosen}])
    return True


def leave_notice(sentence: str) -> None:
    """Keeps a sentence for the next page run; after another one that was not shown yet."""
    kept = st.session_state.get(NOTICE)
    unseen = f"{kept[0]} " if kept and kept[1] is None else ""
    st.session_state[NOTICE] = (unseen + sentence, None)


def notice() -> str | None:
    """The kept sentence, by every run for as long as it takes to read it: a commit right after must not wipe it away."""
    sentence, until = st.session_state.get(NOTICE) or (None, 0.0)
    now = time.monotonic()
    if until is None:
        st.session_state[NOTICE] = (sentence, now + NOTICE_SECONDS)
    elif now > until:
        st.session_state[NOTICE] = sentence = None
    return sentence
