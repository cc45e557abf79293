"""Explore: drag a slider, see the picture change under the pointer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from ui.components.explorer import View, explorer
from ui.explore import browser_messages
from ui.server import onnx_route
from ui.shared import cached_models, comparable_models, default_z, follow_training, model_picker, read_page_address, user_session
from vae_core.runs.snapshot_files import is_of_training

if TYPE_CHECKING:
    from vae_core.latent.latent_model import LatentModel
    from vae_core.model_files.model_list import ModelEntry

REVISION = "explore.revision"  # int: how often z was moved by somebody other than the component
PINS_REVISION = "explore.pins_revision"  # int: the same for the pins


def page() -> None:
    user_session.prepare()
    read_page_address.read_address()
    browser_messages.handle_new()
    if st.session_state.pop(browser_messages.SAME_IMAGE, False):
        st.switch_page("encode/encode_page.py")
    model_picker.with_model(draw)


def draw(entry: ModelEntry, model: LatentModel) -> None:
    """The explorer at the committed point."""
    known = st.session_state[user_session.Z]
    if known is None or len(known) != model.latent_dim:
        user_session.commit_z(*default_z.place(entry))
    z = user_session.committed_z(model.latent_dim)
    posterior = user_session.posterior(model.latent_dim)
    pins = user_session.pins(entry.name, model.latent_dim)
    training = follow_training.goes_on(entry)
    view = View(
        model=entry.name,
        version=0 if training else entry.mtime_ns,
        run=entry.origin == "run",
        training=training,
        noise=model.header.has_noise,
        judged=not is_of_training(entry.path),
        session=browser_messages.session(),
        statistics=model.header.statistics,
        encodes=model.test_means is not None if model.header.foreign else model.can_encode,
        prior=model.header.has_prior,
        images=model.header.foreign is None,
        gradients=model.header.foreign is None,
        uniform=model.header.uniform_prior,
        marginal=not model.header.config.model.independent_latents,
        z=z,
        revision=_revision(browser_messages.SHOWN, REVISION, (entry.name, z, posterior)),
        posterior=posterior,
        picture=model.decode(np.array([z], dtype=np.float32))[0],
        shape=model.image_shape,
        file=shown_path(entry),
        content="" if training else cached_models.content_hash(entry),
        classes=model.header.data.classes,
        pins=pins,
        pins_revision=_revision(browser_messages.PINS_SHOWN, PINS_REVISION, (entry.name, pins)),
        acknowledged=browser_messages.acknowledged(),
        others=comparable_models.others(entry),
        compared=st.session_state[user_session.COMPARED],
        decoder=None if training else decoder_for_browsers(entry, model),
    )
    explorer(view, key=browser_messages.KEY, sends=browser_messages.HANDLERS)


def decoder_for_browsers(entry: ModelEntry, model: LatentModel) -> dict[str, str]:
    """Where a browser finds the model's decoder and what runs it, and how to read what it gives."""
    foreign = model.header.foreign
    reads = {"layout": "nchw", "range": "unit"} if foreign is None else {"layout": foreign.layout, "range": foreign.range}
    return {"url": onnx_route.address(entry), "runtime": onnx_route.runtime_address(), **reads}


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
