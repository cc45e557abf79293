"""What the explorer has sent, taken over by the session exactly once.

Streamlit breaks a run off, in the middle of a callback too, wherever it touches `st.session_state` after the next run was asked
for, and does not call that callback again. Two quick actions would thus lose the first one. So the component keeps its newest
message of each kind in its state, numbered, and every run of the page takes over those it has not taken yet.

A message is `{"id", "session", "model", ...}`. It comes from a browser, so what it holds is checked like an address.
"""

from __future__ import annotations

import logging
import random
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from ui import address, resources, state, words
from vae_core.datasets import available, dataset_info, test_count, test_image
from vae_core.errors import CheckpointError, LatentError, LatentWalkError

if TYPE_CHECKING:
    from vae_core.latents import LatentModel

KEY = "explorer"  # of the component
SESSION = "explore.session"  # str: the server's own name of this session, so that the component notices when it has forgotten it
TAKEN = "explore.taken"  # dict[str, str]: kind -> id of the newest message taken over
SHOWN = "explore.shown"  # (model, z, posterior) the component has
PINS_SHOWN = "explore.pins_shown"  # (model, pins) the component has
SAME_IMAGE = "explore.same_image"  # bool: the Encode page was asked for

Message = dict[str, Any]
log = logging.getLogger("latent_walk")


def session() -> str:
    """This session's name."""
    return st.session_state.setdefault(SESSION, secrets.token_hex(8))


def take() -> None:
    """Takes over what has come since the last run, or in a run that was broken off."""
    sent = st.session_state.get(KEY) or {}
    for kind, take_over in TAKERS.items():
        message = sent.get(kind)
        if message is None or message.get("session") != session() or message.get("id") == taken().get(kind):
            continue
        if message.get("model") == st.session_state[state.MODEL]:  # else it was on its way while another model was chosen
            _take_over(take_over, message)
        st.session_state[TAKEN] = {**taken(), kind: message.get("id")}  # last: a run broken off before this line takes it again


def _take_over(take_over: Callable[[Message], None], message: Message) -> None:
    try:
        take_over(message)
    except LatentError as error:
        state.leave_notice(str(error))
    except (KeyError, TypeError, AttributeError):
        log.warning("What the explorer sent cannot be read: %.200r", message)  # no page of ours sends this
    except CheckpointError:
        pass  # the model is gone or broken: the page is about to say it
    except (LatentWalkError, OSError) as error:
        state.leave_notice(words.explain(error).what)


def taken() -> dict[str, str]:
    """Kind -> id of the newest message taken over: the explorer asks again as long as its own is not among them."""
    return st.session_state.get(TAKEN, {})


def _commit(message: Message) -> None:
    """A slider was let go."""
    name = message["model"]
    latent_dim = resources.header(resources.entry(name)).latent_dim
    z = address.checked_z(message["z"], latent_dim)
    posterior = message.get("posterior")  # not always the one known here: Undo brings earlier ones back
    state.stand_at(z, None if posterior is None else address.checked_posterior(posterior, latent_dim))
    st.session_state[SHOWN] = (name, st.session_state[state.Z], st.session_state[state.POSTERIOR])


def _pins(message: Message) -> None:
    """The tray changed."""
    name = message["model"]
    latent_dim = resources.header(resources.entry(name)).latent_dim
    rows = [address.checked_pin(row, latent_dim) for row in message["pins"][: state.MOST_PINS]]
    state.keep_pins(name, rows)
    st.session_state[PINS_SHOWN] = (name, rows)


def _compared(message: Message) -> None:
    """A second model was chosen, or none."""
    name = message.get("compared")
    st.session_state[state.COMPARED] = name if name in {found.name for found in resources.models()} else None


def _same_image(message: Message) -> None:
    """A second model that cannot share this z: the Encode page compares it on one picture, this test image if it is one."""
    from ui import encode_picture  # with it comes all that reads images

    name = message.get("compared")
    if name not in {found.name for found in resources.models()}:
        return
    st.session_state[state.COMPARED], st.session_state[SAME_IMAGE] = name, True
    index = (st.session_state[state.POSTERIOR] or {}).get("index")
    try:
        dataset = resources.header(resources.entry(message["model"])).config.data.name
        if index is not None and available(dataset) and index < test_count(dataset):
            encode_picture.remember()
            encode_picture.take_test_image(dataset, index)
    except (LatentWalkError, OSError):
        pass  # the Encode page says it


def _test_image(message: Message) -> None:
    """Goes to the code of a random test image and draws its uncertainty on the sliders."""
    state.stand_at(*test_image_code(resources.model(message["model"])))


def test_image_code(model: LatentModel, index: int | None = None) -> tuple[list[float], dict[str, Any]]:
    """mu of a test image (any unless told which) and its posterior: from the model's own file, else encoded from the data.

    Raises:
        DataError: the file carries no codes, and the dataset is not on this computer.
    """
    info = dataset_info(model.header.config.data.name)
    means, stds, labels = model.test_means, model.test_stds, model.test_labels
    if means is not None and stds is not None and labels is not None:
        index = random.randrange(len(means)) if index is None else index
        mu, std, label = means[index], stds[index], int(labels[index])
    else:
        index = random.randrange(test_count(info.name)) if index is None else index
        image, label = test_image(info.name, index)
        encoding = model.encode(np.moveaxis(np.atleast_3d(image), -1, 0)[None].astype(np.float32) / 255)
        mu, std = encoding.mu[0], encoding.std[0]
    name = f"test image {index} ({words.a(info.label(label))})"
    return mu.tolist(), {"mu": mu.tolist(), "std": std.tolist(), "label": name, "index": index}


# In this order: what was committed before a wish comes first. "refresh" asks for nothing but the run it causes.
TAKERS: dict[str, Callable[[Message], None]] = {
    "commit": _commit,
    "pins": _pins,
    "compared": _compared,
    "test_image": _test_image,
    "same_image": _same_image,
    "refresh": lambda message: None,
}
