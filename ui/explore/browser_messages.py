"""What the explorer has sent, taken over by the session exactly once.

Streamlit breaks a run off, in the middle of a callback too, wherever it touches `st.session_state` after the next run was asked
for, and does not call that callback again. Two quick actions would thus lose the first one. So the component keeps its newest
message of each kind in its state, numbered, and every run of the page takes over those it has not taken yet.

A message is `{"id", "session", "model", ...}`. It comes from a browser, so what it holds is checked like an address.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import streamlit as st

from ui.shared import cached_models, default_z, error_sentences, read_page_address, user_session
from vae_core.data.stored_images import at_hand, test_count
from vae_core.errors import CheckpointError, LatentError, LatentWalkError

if TYPE_CHECKING:
    pass

KEY = "explorer"  # of the component
SESSION = "explore.session"  # str: the server's own name of this session, so that the component notices when it has forgotten it
ACKNOWLEDGED = "explore.acknowledged"  # dict[str, str]: kind -> id of the newest message taken over
SHOWN = "explore.shown"  # (model, z, posterior) the component has
PINS_SHOWN = "explore.pins_shown"  # (model, pins) the component has
SAME_IMAGE = "explore.same_image"  # bool: the Encode page was asked for

Message = dict[str, Any]
log = logging.getLogger("latent_walk")


def session() -> str:
    """This session's name."""
    return st.session_state.setdefault(SESSION, secrets.token_hex(8))


def handle_new() -> None:
    """Takes over what has come since the last run, or in a run that was broken off."""
    sent = st.session_state.get(KEY) or {}
    for kind, handle in HANDLERS.items():
        message = sent.get(kind)
        if message is None or message.get("session") != session() or message.get("id") == acknowledged().get(kind):
            continue
        if message.get("model") == st.session_state[user_session.MODEL]:  # else it was on its way while another model was chosen
            _handle(handle, message)
        # Last: a run that is broken off before this line takes the message again.
        st.session_state[ACKNOWLEDGED] = {**acknowledged(), kind: message.get("id")}


def _handle(handle: Callable[[Message], None], message: Message) -> None:
    try:
        handle(message)
    except LatentError as error:
        user_session.leave_notice(str(error))
    except (KeyError, TypeError, AttributeError):
        log.warning("What the explorer sent cannot be read: %.200r", message)  # no page of ours sends this
    except CheckpointError:
        pass  # the model is gone or broken: the page is about to say it
    except (LatentWalkError, OSError) as error:
        user_session.leave_notice(error_sentences.explain(error).what)


def acknowledged() -> dict[str, str]:
    """Kind -> id of the newest message taken over: the explorer asks again as long as its own is not among them."""
    return st.session_state.get(ACKNOWLEDGED, {})


def _commit(message: Message) -> None:
    """A slider was let go."""
    name = message["model"]
    latent_dim = cached_models.header(cached_models.entry(name)).latent_dim
    z = read_page_address.checked_z(message["z"], latent_dim)
    posterior = message.get("posterior")  # not always the one known here: Undo brings earlier ones back
    user_session.commit_z(z, None if posterior is None else read_page_address.checked_posterior(posterior, latent_dim))
    st.session_state[SHOWN] = (name, st.session_state[user_session.Z], st.session_state[user_session.POSTERIOR])


def _pins(message: Message) -> None:
    """The tray changed."""
    name = message["model"]
    latent_dim = cached_models.header(cached_models.entry(name)).latent_dim
    rows = [read_page_address.checked_pin(row, latent_dim) for row in message["pins"][: user_session.MOST_PINS]]
    user_session.keep_pins(name, rows)
    st.session_state[PINS_SHOWN] = (name, rows)


def _compared(message: Message) -> None:
    """A second model was chosen, or none."""
    name = message.get("compared")
    st.session_state[user_session.COMPARED] = name if name in {found.name for found in cached_models.models()} else None


def _same_image(message: Message) -> None:
    """A second model that cannot share this z: the Encode page compares it on one picture, this test image if it is one."""
    from ui.encode import picture_and_preprocessing  # with it comes all that reads images

    name = message.get("compared")
    if name not in {found.name for found in cached_models.models()}:
        return
    st.session_state[user_session.COMPARED], st.session_state[SAME_IMAGE] = name, True
    index = (st.session_state[user_session.POSTERIOR] or {}).get("index")
    try:
        header = cached_models.header(cached_models.entry(message["model"]))
        dataset = header.config.data.name
        if index is not None and at_hand(dataset, header.data) and index < test_count(dataset):
            picture_and_preprocessing.remember()
            picture_and_preprocessing.take_test_image(dataset, index)
    except (LatentWalkError, OSError):
        pass  # the Encode page says it


def _test_image(message: Message) -> None:
    """Goes to the code of a random test image and draws its uncertainty on the sliders."""
    user_session.commit_z(*default_z.code_of_test_image(cached_models.model(message["model"])))


# In this order: what was committed comes before what was asked for. "refresh" asks for nothing but the run it causes.
HANDLERS: dict[str, Callable[[Message], None]] = {
    "commit": _commit,
    "pins": _pins,
    "compared": _compared,
    "test_image": _test_image,
    "same_image": _same_image,
    "refresh": lambda message: None,
}
