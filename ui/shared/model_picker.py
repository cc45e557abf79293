"""The model picker and what a model is, shared by the pages that need a model."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

import streamlit as st

from ui.shared import cached_models, error_sentences, follow_training, user_session
from ui.shared.plain_text import plain
from vae_core.errors import LatentWalkError
from vae_core.model_files.model_list import ModelEntry

if TYPE_CHECKING:
    from vae_core.latent.latent_model import LatentModel
    from vae_core.model_files.header import Header

WIDGET = "picker.model"  # a widget's own key dies with its page, so the choice is copied to state.MODEL
CARDS = "picker.cards"  # bool: the models are being looked at
KINDS = {"vae": "VAE", "autoencoder": "a plain autoencoder", "decoder": "a decoder alone, no encoder"}
LIKELIHOODS = {
    "bernoulli": "Bernoulli",
    "gaussian": "Gaussian",
    "gaussian-per-pixel": "Gaussian, σ per pixel",
    "discretised-logistic": "Discretised logistic",
}
ORIGIN = {"shipped": "shipped", "run": "trained here", "uploaded": "uploaded"}
DEFAULT_MODEL = "mnist-10d"


def caption(header: Header) -> str:
    """What a model is, as one quiet line."""
    config = header.config
    objective = f"{LIKELIHOODS[config.model.likelihood]} {config.objective.summary}"
    objective += "" if config.model.posterior == "diagonal" else f", {config.model.posterior} posterior"
    if header.foreign is not None:
        known = ("imported decoder", f"{header.latent_dim}-D", plain(header.origin), _date(header.created))
        return " · ".join(filter(None, known))
    what = (objective, header.quality) if header.has_bound else (KINDS[header.kind], header.quality)
    return " · ".join(filter(None, (config.data.name, f"{header.latent_dim}-D", *what, _date(header.created))))


def _date(created: str) -> str:
    try:
        return f"{datetime.fromisoformat(created):%-d %b %Y}"
    except ValueError:
        return created


def default_name(entries: list[ModelEntry]) -> str:
    """The model a newcomer sees: the shipped 10-D MNIST one where it is there, else the first."""
    names = [found.name for found in entries]
    return DEFAULT_MODEL if DEFAULT_MODEL in names else names[0]


def with_model(draw: Callable[[ModelEntry, LatentModel], None]) -> None:
    """What every page that needs a model begins with: the picker, a notice, and the model or the reason why there is none."""
    entry = pick_model()
    if sentence := user_session.notice():
        st.warning(sentence, icon=":material/info:")
    if entry is None:
        error_sentences.show_no_models()
        return
    try:
        draw(entry, cached_models.open_entry(entry))
    except (LatentWalkError, OSError) as error:
        error_sentences.show_error(error)


def pick_model() -> ModelEntry | None:
    """Draws the picker and the facts beside it; None when there is no model (the page then shows the empty state)."""
    entries = cached_models.models()
    if not entries:
        return None
    names = [found.name for found in entries]
    if st.session_state[user_session.MODEL] not in names:
        if gone := st.session_state[user_session.MODEL]:
            user_session.leave_notice(error_sentences.MODEL_GONE.format(name=gone))
        user_session.choose_model(default_name(entries))
    st.session_state[WIDGET] = st.session_state[user_session.MODEL]
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="right", key="picker"):
        chosen = entries[names.index(st.session_state[user_session.MODEL])]
        follow_training.caption(chosen, lambda: _caption_or_error(chosen))
        st.selectbox(
            "Model",
            names,
            key=WIDGET,
            label_visibility="collapsed",
            width=210,
            on_change=_picked,
        )
        _cards(entries, chosen)
    return chosen


def _cards(entries: list[ModelEntry], chosen: ModelEntry) -> None:
    """What each model draws and is, to choose by; made when somebody looks."""
    with st.popover("Models", key=CARDS, on_change="rerun", help="What each model draws, and what it is") as cards:
        if cards.open:
            from ui.shared import model_cards  # with it comes all that opens models

            model_cards.draw(entries, chosen.name, _open_card)


def _open_card(name: str) -> None:
    user_session.choose_model(name)
    st.session_state[CARDS] = False


def _picked() -> None:
    user_session.choose_model(st.session_state[WIDGET])


def _caption_or_error(chosen: ModelEntry) -> str:
    try:
        return f"{caption(cached_models.header(chosen))} · {ORIGIN.get(chosen.origin, chosen.origin)}"
    except (LatentWalkError, OSError):
        return ORIGIN.get(chosen.origin, chosen.origin)  # the page itself shows the reason
