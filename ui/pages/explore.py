"""Explore: drag a slider, see the picture change under the pointer."""

from __future__ import annotations

import random
import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from ui import address, comparing, picker, resources, state, words
from ui.components.explorer import View, explorer
from vae_core.datasets import available, dataset_info, test_count, test_image
from vae_core.errors import LatentError, LatentWalkError

if TYPE_CHECKING:
    from vae_core.latents import LatentModel
    from vae_core.registry import ModelEntry

KEY = "explorer"
SESSION = "explore.session"  # str: lets the component notice that the server has forgotten it
REVISION = "explore.revision"  # int: how often z was moved by somebody other than the component
PINS_REVISION = "explore.pins_revision"  # int: the same for the pins
PINS_SHOWN = "explore.pins_shown"  # (model, pins) the component has
SAME_IMAGE = "explore.same_image"  # bool: the Encode page was asked for
SHOWN = "explore.shown"  # (model, z, posterior) the component has
TEST_IMAGE = re.compile(r"test image (\d+) \(")  # as test_image_code names it


def page() -> None:
    state.prepare()
    address.read_address()
    if st.session_state.pop(SAME_IMAGE, False):
        st.switch_page("pages/encode.py")
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
    pins = state.pins(entry.name, model.latent_dim)
    view = View(
        model=entry.name,
        version=entry.mtime_ns,
        session=st.session_state.setdefault(SESSION, secrets.token_hex(8)),
        statistics=model.header.statistics,
        z=z,
        revision=_revision(SHOWN, REVISION, (entry.name, z, posterior)),
        posterior=posterior,
        picture=model.decode(np.array([z], dtype=np.float32))[0],
        shape=model.image_shape,
        file=shown_path(entry),
        content=resources.content_hash(entry),
        classes=dataset_info(model.header.config.data.name).classes,
        pins=pins,
        pins_revision=_revision(PINS_SHOWN, PINS_REVISION, (entry.name, pins)),
        others=comparing.others(entry),
        compared=st.session_state[state.COMPARED],
    )
    explorer(
        view,
        key=KEY,
        on_commit=_committed,
        on_test_image=_test_image,
        on_pins=_pinned,
        on_compared=_compared,
        on_same_image=_same_image,
    )


def shown_path(entry: ModelEntry) -> str:
    """The model's file as one would write it from the project's folder."""
    path = Path(entry.path)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _revision(shown: str, count: str, now: Any) -> int:
    """How often `now` was something else than what the component has; the keys say where both are kept."""
    if st.session_state.get(shown) != now:
        st.session_state[shown] = now
        st.session_state[count] = st.session_state.get(count, 0) + 1
    return st.session_state[count]


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
    st.session_state[SHOWN] = (name, st.session_state[state.Z], st.session_state[state.POSTERIOR])


def _pinned() -> None:
    """The tray changed: checked like a commit."""
    sent = st.session_state[KEY]["pins"]
    name = sent.get("model")
    if name != st.session_state[state.MODEL]:
        return
    try:
        latent_dim = resources.header(resources.entry(name)).latent_dim
        rows = [address.checked_pin(row, latent_dim) for row in sent["pins"][: state.MOST_PINS]]
    except LatentError as error:
        state.leave_notice(str(error))
        return
    state.keep_pins(name, rows)
    st.session_state[PINS_SHOWN] = (name, rows)


def _compared() -> None:
    """A second model was chosen, or none."""
    name = st.session_state[KEY]["compared"].get("compared")
    st.session_state[state.COMPARED] = name if name in {found.name for found in resources.models()} else None


def _same_image() -> None:
    """A second model that cannot share this z: the Encode page compares it on one picture, this test image if it is one."""
    from ui import encode_picture  # with it comes all that reads images

    name = st.session_state[KEY]["same_image"].get("compared")
    if name not in {found.name for found in resources.models()}:
        return
    st.session_state[state.COMPARED], st.session_state[SAME_IMAGE] = name, True
    shown = TEST_IMAGE.match((st.session_state[state.POSTERIOR] or {}).get("label") or "")
    try:
        dataset = resources.header(resources.entry(st.session_state[state.MODEL])).config.data.name
        if shown and available(dataset):
            encode_picture.remember()
            encode_picture.take_test_image(dataset, int(shown[1]))
    except (LatentWalkError, OSError):
        pass  # the Encode page says it


def _test_image() -> None:
    """Goes to the code of a random test image and draws its uncertainty on the sliders."""
    try:
        state.stand_at(*test_image_code(resources.model(st.session_state[state.MODEL])))
    except (LatentWalkError, OSError) as error:
        state.leave_notice(words.explain(error).what)


def test_image_code(model: LatentModel) -> tuple[list[float], dict[str, Any]]:
    """mu of a random test image, and its posterior: from the model's own file, else encoded from the dataset.

    Raises:
        DataError: the file carries no codes, and the dataset is not on this computer.
    """
    info = dataset_info(model.header.config.data.name)
    means, stds, labels = model.test_means, model.test_stds, model.test_labels
    if means is not None and stds is not None and labels is not None:
        index = random.randrange(len(means))
        mu, std, label = means[index], stds[index], int(labels[index])
    else:
        index = random.randrange(test_count(info.name))
        image, label = test_image(info.name, index)
        encoding = model.encode(np.moveaxis(np.atleast_3d(image), -1, 0)[None].astype(np.float32) / 255)
        mu, std = encoding.mu[0], encoding.std[0]
    return mu.tolist(), {"mu": mu.tolist(), "std": std.tolist(), "label": f"test image {index} ({info.label(label)})"}


page()
