"""Encode: a picture of one's own, where it lies, and how sure the encoder is."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from ui.encode import picture_and_preprocessing, second_model
from ui.encode import posterior_charts as charts
from ui.encode.image_sources import Prepared, Shelf, shelf
from ui.encode.picture_and_preprocessing import SEED, heading, note
from ui.shared import cached_models, model_picker, read_page_address, user_session
from vae_core.errors import CheckpointError, LatentWalkError
from vae_core.images import to_uint8

if TYPE_CHECKING:
    from vae_core.latent.latent_model import Encoding, LatentModel
    from vae_core.model_files.model_list import ModelEntry

DRAWS = 8
PIN_HELP = "Keeps this code in the tray of the Explore page, as a stop of a path."
EXPLORE_HELP = "Opens the sliders at this code, with its uncertainty drawn on them."
DRAWS_HELP = "Decodes codes drawn from q(z|x): the more these pictures differ, the less sure the encoder is."
PINNED = "Pinned: it waits in the tray of the Explore page."
NOT_PINNED = f"It is in the tray already, or the tray holds its {user_session.MOST_PINS} pins."
CODE = "The encoder does not give one code but a range for each dimension: μ is its middle, σ how unsure it is."
BARS = (
    "Tick: μ, bar: μ ± σ, tint: where codes of all pictures lie. Right: how much the dimension says about this picture, in nats; "
    "one with μ = 0 and σ = 1 says nothing."
)
MARGINAL = "The bars show each dimension by itself: their KL do not add up to KL(q ‖ p)."
IN_NATS = "Nats measure surprise. The model finds a picture the likelier, the closer its ELBO is to 0."
POINT_ALONE = "The encoder that was imported gives one code; how unsure it is, is not known."
POINT = "An autoencoder gives one code and no range: it has no posterior."
ERROR = "(x − x̂)², summed over the pixels, which run from 0 to 1. This is what the training made small."
NOISE_HELP = (
    "Draws the pixels too, from p(x|z), instead of showing their mean. What the model is unsure of is then seen as noise, pixel "
    "by pixel; it does not know how pixels depend on each other, so noise is all it can say."
)
NOT_KNOWN = "The likelihood of an imported decoder is not known, so there is no log p(x|z), no KL and no ELBO."
NO_NATS = "A plain autoencoder has no likelihood and no prior, so there is no log p(x|z), no KL and no ELBO."
WILL_SHOW = (
    ("Input, reconstruction, error", "how the model redraws the picture, and where it goes wrong"),
    ("In nats", "how likely the model finds the picture, compared with the test images"),
    ("The code", "where the picture lies in the latent space, and how sure the encoder is of each number"),
)
WILL_SHOW_POINT = (
    WILL_SHOW[0],
    ("Squared error", "how far the reconstruction is from the picture"),
    ("The code", "where the picture lies in the latent space"),
)
STYLE = Path(__file__).parent / "encode.css"


def page() -> None:
    """The whole page, top to bottom."""
    user_session.prepare()
    read_page_address.read_address()
    picture_and_preprocessing.remember()
    st.html(STYLE)
    model_picker.with_model(draw)


def draw(entry: ModelEntry, model: LatentModel) -> None:
    """Three cards: the picture and how it came in, what the model makes of it, the posterior."""
    if not model.can_encode:
        show_no_encoder(entry)
        return
    with st.container(key="encode"):
        shelved = shelf(model)
        picture_and_preprocessing.take_upload(model)
        empty = not picture_and_preprocessing.is_chosen(model)
        left, middle, *more = st.columns([300, 904] if empty else [300, 524, 372], gap="small")
        with left, st.container(border=True, height="stretch", key="encode-source"):
            picture_and_preprocessing.choose(shelved)
            prepared = picture_and_preprocessing.current(model)
            if prepared is not None:
                picture_and_preprocessing.show_steps(prepared)
        if prepared is None:
            with middle, st.container(border=True, height="stretch", key="encode-empty"):
                show_empty(shelved, bound=model.header.has_bound)
            return
        encoding = finite(picture_and_preprocessing.encoded(entry, model, prepared.x))
        with middle, st.container(border=True, height="stretch", key="encode-result"):
            show_result(entry, model, prepared, encoding)
        with more[0], st.container(border=True, height="stretch", key="encode-posterior"):
            if not encoding.has_bound:
                show_point(encoding, imported=model.header.foreign is not None)
                return
            heading("The code of this picture, q(z|x)", "μ ± σ", CODE)
            st.html(charts.posterior_bars(encoding.mu[0], encoding.marginal_std[0], encoding.marginal_kl[0]))
            note(BARS)
            if encoding.correlation is not None and encoding.correlation.size:
                note(f"{charts.correlation_sentence(encoding.correlation[0])} {MARGINAL}")


def finite(encoding: Encoding) -> Encoding:
    """The encoding, if it holds numbers one can draw.

    Raises:
        CheckpointError: it does not.
    """
    if not all(np.isfinite(values).all() for values in (encoding.mu, encoding.marginal_std, encoding.elbo, encoding.x_hat)):
        raise CheckpointError("This model answers with numbers that are not finite; its training has probably diverged.")
    return encoding


def show_no_encoder(entry: ModelEntry) -> None:
    """Why there is nothing to encode with, and where to go on."""
    with st.container(key="encode"), st.container(border=True, key="encode-none"):
        heading("This model cannot encode")
        note(f"{entry.name} is a decoder alone: it draws pictures from z, and holds no encoder to take a picture back to z.")
        note("Choose another model above to see what one makes of your picture, or walk through what this one draws.")
        with st.container(horizontal=True, gap="small"):
            other = another_with_encoder(entry)
            if other is not None:
                choose = user_session.choose_model
                st.button(f"Encode with {other}", icon=":material/image_search:", type="primary", on_click=choose, args=(other,))
            if st.button("Explore this one", icon=":material/explore:"):
                st.switch_page("explore/explore_page.py")


def another_with_encoder(entry: ModelEntry) -> str | None:
    """A model that can encode, of the same data where there is one; None where no file says that it can."""
    found: dict[bool, str] = {}
    for other in cached_models.models():
        with contextlib.suppress(LatentWalkError, OSError):
            header = cached_models.header(other)
            if header.has_encoder:
                found.setdefault(header.config.data.name == cached_models.header(entry).config.data.name, other.name)
    return found.get(True, found.get(False))


def show_empty(shelved: Shelf, *, bound: bool) -> None:
    """What there will be to see, and how to begin. `bound`: the model has an ELBO."""
    heading("Nothing to see yet")
    note("Once there is a picture, this page shows:")
    rows = WILL_SHOW if bound else WILL_SHOW_POINT
    st.html(f'<ul class="enc-will">{"".join(f"<li><b>{what}</b>: {why}</li>" for what, why in rows)}</ul>')
    if compared := st.session_state[user_session.COMPARED]:
        note(f"The same for {compared}, beside it.")
    if not shelved.count:
        note("Upload a picture to begin.")
        return
    note(
        "Upload a picture of your own, or begin with one the model has "
        + ("never" if shelved.kind == "test" else "already")
        + " seen:"
    )
    offer = f"Take a random {'test' if shelved.kind == 'test' else 'training'} image"
    st.button(offer, icon=":material/shuffle:", type="primary", on_click=picture_and_preprocessing.take_random, args=(shelved,))


def show_result(entry: ModelEntry, model: LatentModel, prepared: Prepared, encoding: Encoding) -> None:
    """Pictures, nats, draws, and the way to the sliders."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="encode-top"):
        heading("Input, reconstruction, error", prepared.title)
        compared = second_model.choose(entry)
    second = None if compared is None else second_model.second_encoding(compared, model, prepared.x)
    if isinstance(second, tuple) and compared is not None:
        second_model.show((entry.name, compared), (model, second[0]), prepared.x, (encoding, second[1]))
    else:
        if second is not None:
            note(str(second))
        show_alone(model, prepared, encoding)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        explore = st.button("Explore from here", type="primary", icon=":material/explore:", help=EXPLORE_HELP)
        st.button("Pin", icon=":material/keep:", on_click=_pin, args=(encoding.mu[0].tolist(), prepared.title), help=PIN_HELP)
        drawn = st.session_state[SEED] is not None and encoding.has_bound
        again = "Draw again" if drawn else f"{DRAWS} draws from q(z|x)"
        if encoding.has_bound:
            st.button(again, icon=":material/casino:", on_click=_draw_again, help=DRAWS_HELP)
    if drawn:
        show_draws(model, prepared)
    if explore:
        source = st.session_state[picture_and_preprocessing.SOURCE]
        index = source.index if source.kind == "test" else None
        user_session.commit_z(encoding.mu[0].tolist(), user_session.posterior_row(encoding.row(0), prepared.title, index))
        st.switch_page("explore/explore_page.py")


def show_alone(model: LatentModel, prepared: Prepared, encoding: Encoding) -> None:
    """What one model makes of the picture."""
    x_hat = encoding.x_hat[0]
    error = charts.error_map(prepared.x, x_hat)
    st.html(charts.triptych(to_uint8(prepared.x), to_uint8(x_hat), error, float(np.abs(prepared.x - x_hat).mean())))
    if not encoding.has_bound:
        heading("Squared error", f"{-float(encoding.log_px_z[0]):.2f}", ERROR)
        note(NO_NATS if model.header.foreign is None else NOT_KNOWN)
        return
    elbo, elbos = float(encoding.elbo[0]), model.test_elbos
    heading("In nats", charts.rank_sentence(model.elbo_percentile(elbo)), IN_NATS)
    st.html(charts.nats(float(encoding.log_px_z[0]), float(encoding.kl[0]), None if elbos is None else float(np.median(elbos))))


def show_point(encoding: Encoding, *, imported: bool) -> None:
    """The code of an autoencoder: one number for each dimension, on the scale of the codes of all pictures."""
    heading("The code of this picture", "z", POINT_ALONE if imported else POINT)
    st.html(charts.point_bars(encoding.mu[0]))
    where = "N(0, 1)" if imported else "where codes of all pictures lie, in their standard deviations"
    note(f"Tick: z, tint: {where}.")


def show_draws(model: LatentModel, prepared: Prepared) -> None:
    """How sure is the encoder: pictures of some z it holds possible."""
    seed = st.session_state[SEED]
    z = model.sample_posterior(prepared.x, DRAWS, seed)
    pictures = st.container()
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="encode-draws-note"):
        with st.container():
            note(f"{DRAWS} draws from q(z|x) · seed {seed}. The more they differ, the less sure the encoder is.")
        noisy = st.toggle("With noise", key="encode.noise", help=NOISE_HELP, width="content")
    pictures.html(charts.draws_strip(model.draw(z, seed) if noisy else model.decode(z)))


def _pin(mu: list[float], title: str) -> None:
    """Puts the posterior's mean into the tray of the Explore page."""
    added = user_session.pin(st.session_state[user_session.MODEL], mu, title)
    st.toast(PINNED if added else NOT_PINNED, icon=":material/keep:")


def _draw_again() -> None:
    seed = st.session_state[SEED]
    st.session_state[SEED] = 0 if seed is None else seed + 1


page()
