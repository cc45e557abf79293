"""Explore: drag a slider, see the picture change under the pointer."""

from __future__ import annotations

import random
import secrets
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from ui import address, picker, resources, state, words
from ui.components.explorer import View, explorer
from vae_core.errors import DataError, LatentError, LatentWalkError

if TYPE_CHECKING:
    from vae_core.latents import LatentModel
    from vae_core.registry import ModelEntry

KEY = "explorer"
SESSION = "explore.session"  # str: lets the component notice that the server has forgotten it
REVISION = "explore.revision"  # int: how often z was moved by somebody other than the component
SHOWN = "explore.shown"  # (model, z, posterior) the component has


def page() -> None:
    state.prepare()
    address.read_address()
    if notice := state.take_notice():
        st.warning(notice, icon=":material/info:")
    entry = picker.pick_model()
    if entry is None:
        words.show_no_models()
        return
    try:
        draw(entry, resources.open_entry(entry))
    except (LatentWalkError, OSError) as error:
        words.show_error(error)


def draw(entry: ModelEntry, model: LatentModel) -> None:
    """The explorer at the committed point."""
    z = state.committed_z(model.latent_dim)
    posterior = state.posterior(model.latent_dim)
    view = View(
        model=entry.name,
        version=entry.mtime_ns,
        session=st.session_state.setdefault(SESSION, secrets.token_hex(8)),
        statistics=model.header.statistics,
        z=z,
        revision=_revision((entry.name, z, posterior)),
        posterior=posterior,
        picture=model.decode(np.array([z], dtype=np.float32))[0],
        shape=model.image_shape,
    )
    explorer(view, key=KEY, on_commit=_committed, on_test_image=_test_image)


def _revision(now: tuple[str, list[float], dict[str, Any] | None]) -> int:
    if st.session_state.get(SHOWN) != now:
        st.session_state[SHOWN] = now
        st.session_state[REVISION] = st.session_state.get(REVISION, 0) + 1
    return st.session_state[REVISION]


def _committed() -> None:
    """The component let go of a slider. What it sends comes from a browser, so it is checked like an address."""
    commit = st.session_state[KEY]["commit"]
    name = commit.get("model")
    if name != st.session_state[state.MODEL]:  # it was on its way while another model was chosen
        return
    try:
        z = address.checked_z(commit["z"], resources.header(resources.entry(name)).latent_dim)
    except LatentError as error:
        state.leave_notice(str(error))
        return
    state.stand_at(z, st.session_state[state.POSTERIOR] if commit.get("posterior") else None)
    st.session_state[SHOWN] = (name, z, st.session_state[state.POSTERIOR])


def _test_image() -> None:
    """Goes to the code of a random test image, with its uncertainty where the image itself is at hand."""
    try:
        model = resources.model(st.session_state[state.MODEL])
        try:
            mu, posterior = encode_test_image(model)
        except DataError:
            mu, posterior = stored_code(model), None
        if mu is None:
            state.leave_notice("Neither the dataset nor the codes of test images are at hand for this model.")
        else:
            state.stand_at(mu, posterior)
    except (LatentWalkError, OSError) as error:
        state.leave_notice(words.explain(error).what)


def encode_test_image(model: LatentModel) -> tuple[list[float], dict[str, Any]]:
    """The code of a random test image of the model's dataset, and its posterior.

    Raises:
        DataError: the dataset is not on this computer.
    """
    from vae_core import data

    name = model.header.config.data.name
    index = random.randrange(data.test_count(name))
    image, label = data.test_image(name, index)
    x = np.moveaxis(np.atleast_3d(image), -1, 0)[None].astype(np.float32) / 255
    encoding = model.encode(x)
    mu, std = encoding.mu[0].tolist(), encoding.std[0].tolist()
    return mu, {"mu": mu, "std": std, "label": f"test image {index} ({data.DATASETS[name].classes[label]})"}


def stored_code(model: LatentModel) -> list[float] | None:
    """The code of a random test image, from the checkpoint itself."""
    means = model.test_means
    return None if means is None else means[random.randrange(len(means))].tolist()


page()
