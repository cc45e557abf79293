"""Explore: drag a slider, see the picture change under the pointer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from ui import address, comparing, opening, picker, received, resources, state
from ui.components.explorer import View, explorer
from vae_core.datasets import dataset_info

if TYPE_CHECKING:
    from vae_core.latents import LatentModel
    from vae_core.registry import ModelEntry

REVISION = "explore.revision"  # int: how often z was moved by somebody other than the component
PINS_REVISION = "explore.pins_revision"  # int: the same for the pins


def page() -> None:
    state.prepare()
    address.read_address()
    received.take()
    if st.session_state.pop(received.SAME_IMAGE, False):
        st.switch_page("pages/encode.py")
    picker.with_model(draw)


def draw(entry: ModelEntry, model: LatentModel) -> None:
    """The explorer at the committed point."""
    known = st.session_state[state.Z]
    if known is None or len(known) != model.latent_dim:
        state.stand_at(*opening.place(entry))
    z = state.committed_z(model.latent_dim)
    posterior = state.posterior(model.latent_dim)
    pins = state.pins(entry.name, model.latent_dim)
    view = View(
        model=entry.name,
        version=entry.mtime_ns,
        session=received.session(),
        statistics=model.header.statistics,
        z=z,
        revision=_revision(received.SHOWN, REVISION, (entry.name, z, posterior)),
        posterior=posterior,
        picture=model.decode(np.array([z], dtype=np.float32))[0],
        shape=model.image_shape,
        file=shown_path(entry),
        content=resources.content_hash(entry),
        classes=dataset_info(model.header.config.data.name).classes,
        pins=pins,
        pins_revision=_revision(received.PINS_SHOWN, PINS_REVISION, (entry.name, pins)),
        taken=received.taken(),
        others=comparing.others(entry),
        compared=st.session_state[state.COMPARED],
    )
    explorer(view, key=received.KEY, sends=received.TAKERS)


def shown_path(entry: ModelEntry) -> str:
    """The model's file as one would write it from the project's folder."""
    path = Path(entry.path)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _revision(shown: str, count: str, now: Any) -> int:
    """How often `now` was something else than what the component has; the keys say where both are kept."""
    if st.session_state.get(shown) != now:
        st.session_state[count] = st.session_state.get(count, 0) + 1
        st.session_state[shown] = now  # last: a run may be broken off between the two
    return st.session_state[count]


page()
