"""Encode: a picture of one's own, where it lies, and how sure the encoder is."""

from __future__ import annotations

import random
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from ui import charts_encode as charts
from ui import picker, resources, state, words
from ui.sources import Prepared, Shelf, Source, belongs, prepare, shelf
from vae_core.errors import ImageError, LatentWalkError
from vae_core.images import MAX_BYTES, UploadOptions, choices, to_uint8

if TYPE_CHECKING:
    from vae_core.latents import Encoding, LatentModel

SOURCE = "encode.source"  # Source | None: the picture on the page
REFUSED = "encode.refused"  # str | None: why the last upload is not that picture
OPTIONS = "encode.options"  # UploadOptions
PREPARED = "encode.prepared"  # (what it was made from, Prepared): a large photograph is decoded once
SEED = "encode.seed"  # int | None: of the draws on the page; None until some are asked for
INDEX = "encode.index"  # int: number of the picture on the shelf
UPLOADER, RANDOM = "encode.file", "encode.random"
DRAWS = 8
STYLE = Path(__file__).parents[1] / "encode.css"
OPTION_WORDS = {
    "rotate": "Turn",
    "background": "Behind transparent parts",
    "invert": "Invert",
    "levels": "Levels: paper to black, ink to white",
    "fit": "Fit",
}
VALUE_WORDS = {"auto": "automatic", "0": "as in the file", "90": "90° clockwise", "180": "180°", "270": "90° counter-clockwise"}


def page() -> None:
    """The whole page, top to bottom."""
    state.prepare()
    for key, default in ((SOURCE, None), (REFUSED, None), (OPTIONS, UploadOptions()), (SEED, None), (PREPARED, None)):
        st.session_state.setdefault(key, default)
    st.html(STYLE)
    colours = f"--enc-acc: {theme_colour('primaryColor')}; --enc-card: {theme_colour('secondaryBackgroundColor')};"
    st.html(f"<style>.st-key-encode {{ {colours} }}</style>")
    if notice := state.take_notice():
        st.warning(notice, icon=":material/info:")
    entry = picker.pick_model()
    if entry is None:
        words.show_no_models()
        return
    try:
        draw(resources.open_entry(entry))
    except (LatentWalkError, OSError) as error:
        words.show_error(error)


def draw(model: LatentModel) -> None:
    """Three cards: the picture and how it came in, what the model makes of it, the posterior."""
    with st.container(key="encode"):
        left, middle, right = st.columns([300, 524, 372], gap="small")
        with left, st.container(border=True, height="stretch", key="encode-source"):
            shelved = shelf(model)
            choose(shelved)
            prepared = current(model)
            if prepared is not None:
                show_steps(prepared)
        if prepared is None:
            with middle, st.container(border=True, height="stretch", key="encode-empty"):
                show_empty(shelved)
            return
        encoding = model.encode(prepared.x[None])
        with middle, st.container(border=True, height="stretch", key="encode-result"):
            show_result(model, prepared, encoding)
        with right, st.container(border=True, height="stretch", key="encode-posterior"):
            heading("q(z|x), to scale", "μ ± σ against N(0, 1)")
            st.html(charts.posterior_bars(encoding.mu[0], encoding.std[0], encoding.kl_per_dim[0]))
            note("Bars show ±1σ; the tint is the prior's density. A dimension with μ = 0 and σ = 1 carries nothing.")


def theme_colour(name: str) -> str:
    """A colour of the theme as CSS, for light and dark; Streamlit hands its colours to components only."""
    light, dark = (st.get_option(f"theme.{mode}.{name}") or "transparent" for mode in ("light", "dark"))
    return f"light-dark({light}, {dark})"


def heading(text: str, aside: str = "") -> None:
    """A card's small heading, with a quiet remark at its right."""
    st.html(f'<h2 class="enc-h">{escape(text)}<span>{escape(aside)}</span></h2>')


def note(text: str) -> None:
    """A quiet line."""
    st.html(f'<p class="enc-note">{escape(text)}</p>')


# --- the picture


def choose(shelved: Shelf) -> None:
    """Upload, or take one from the shelf."""
    heading("Your image")
    st.file_uploader(
        "Image file", key=UPLOADER, on_change=_uploaded, label_visibility="collapsed", max_upload_size=MAX_BYTES // 2**20
    )
    note("PNG, JPEG, WebP, GIF, BMP or TIFF")
    if refused := st.session_state[REFUSED]:
        st.error(refused, icon=":material/error:")
    if shelved.count:
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.session_state[INDEX] = min(st.session_state.get(INDEX, 0), shelved.count - 1)
            label = "Test image" if shelved.kind == "test" else "Training image"
            st.number_input(
                f"{label}, number",
                0,
                shelved.count - 1,
                key=INDEX,
                on_change=_take,
                args=(shelved,),
                label_visibility="collapsed",
                width=104,
            )
            st.button(label, on_click=_take, args=(shelved,))
            st.button(":material/shuffle:", key=RANDOM, on_click=_take_random, args=(shelved,), help=f"A random {label.lower()}")
    if shelved.note:
        note(shelved.note)


def _uploaded() -> None:
    """A broken upload is refused with its reason and leaves the picture on the page alone."""
    file = st.session_state[UPLOADER]
    if file is None:  # taken away, or about to be replaced: the picture stays until another one comes
        st.session_state[REFUSED] = None
        return
    source = Source("upload", file.name, data=file.getvalue())
    try:
        prepare(source, resources.model(st.session_state[state.MODEL]), UploadOptions())
    except ImageError as error:
        st.session_state[REFUSED] = f"{file.name}: {error}"
        return
    except (LatentWalkError, OSError):
        pass  # the model's trouble, which the page will show
    _put(source)


def _put(source: Source) -> None:
    st.session_state[SOURCE], st.session_state[REFUSED], st.session_state[SEED] = source, None, None
    st.session_state[OPTIONS] = UploadOptions()


def _take(shelved: Shelf) -> None:
    _put(Source(shelved.kind, shelved.of, int(st.session_state[INDEX])))


def _take_random(shelved: Shelf) -> None:
    st.session_state[INDEX] = random.randrange(shelved.count)
    _take(shelved)


def current(model: LatentModel) -> Prepared | None:
    """The picture for this model; None when there is none, or the one there is belongs to another dataset."""
    source: Source | None = st.session_state[SOURCE]
    if source is None or not belongs(source, model):
        return None
    made_from = (source, model.image_shape, model.header.data_digest, st.session_state[OPTIONS])
    kept = st.session_state[PREPARED]
    if kept is None or kept[0] != made_from:
        kept = st.session_state[PREPARED] = (made_from, prepare(source, model, st.session_state[OPTIONS]))
    return kept[1]


def show_empty(shelved: Shelf) -> None:
    """What to do first."""
    heading("Nothing to see yet")
    note("Upload a picture: here you will see what the model makes of it, where it lies, and how sure the encoder is.")
    if shelved.count:
        offer = f"Take a random {'test' if shelved.kind == 'test' else 'training'} image"
        st.button(offer, icon=":material/shuffle:", type="primary", on_click=_take_random, args=(shelved,))


def show_steps(prepared: Prepared) -> None:
    """From the file to the network's input, and the choices on the way."""
    heading("What the network sees")
    if prepared.proposal is None:
        note(f"{prepared.title[0].upper()}{prepared.title[1:]}, exactly as the dataset has it.")
        return
    st.html(charts.steps_strip(prepared.steps))
    with st.popover("Change the steps", icon=":material/tune:"):
        for name, values in choices().items():
            _option(name, values, getattr(prepared.proposal, name))


def _option(name: str, values: tuple[str, ...], decided: str) -> None:
    key = f"encode.option.{name}"
    st.session_state[key] = getattr(st.session_state[OPTIONS], name)

    def say(value: str) -> str:
        automatic = value == "auto" and decided != "auto"
        return f"automatic: {VALUE_WORDS.get(decided, decided)}" if automatic else VALUE_WORDS.get(value, value)

    st.selectbox(OPTION_WORDS[name], values, key=key, format_func=say, on_change=_changed, args=(name, key))


def _changed(name: str, key: str) -> None:
    st.session_state[OPTIONS] = replace(st.session_state[OPTIONS], **{name: st.session_state[key]})


# --- what the model makes of it


def show_result(model: LatentModel, prepared: Prepared, encoding: Encoding) -> None:
    """Pictures, nats, draws, and the way to the sliders."""
    heading("Input, reconstruction, error", prepared.title)
    x_hat = encoding.x_hat[0]
    error = charts.error_map(prepared.x, x_hat)
    st.html(charts.triptych(to_uint8(prepared.x), to_uint8(x_hat), error, float(np.abs(prepared.x - x_hat).mean())))
    elbo, elbos = float(encoding.elbo[0]), model.test_elbos
    heading("In nats", charts.rank_sentence(model.elbo_percentile(elbo)))
    st.html(charts.nats(float(encoding.log_px_z[0]), float(encoding.kl[0]), None if elbos is None else float(np.median(elbos))))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        explore = st.button("Explore from here", type="primary", icon=":material/explore:")
        drawn = st.session_state[SEED] is not None
        st.button("Draw again" if drawn else f"{DRAWS} draws from q(z|x)", icon=":material/casino:", on_click=_draw_again)
    if drawn:
        show_draws(model, encoding)
    if explore:
        mu, std = encoding.mu[0].tolist(), encoding.std[0].tolist()
        state.stand_at(mu, {"mu": mu, "std": std, "label": prepared.title})
        st.switch_page("pages/explore.py")


def show_draws(model: LatentModel, encoding: Encoding) -> None:
    """How sure is the encoder: pictures of some z it holds possible."""
    seed = st.session_state[SEED]
    z = model.sample_posterior(encoding.mu[0], encoding.std[0], DRAWS, seed)
    st.html(charts.draws_strip(model.decode(z)))
    note(f"{DRAWS} draws from q(z|x) · seed {seed}. The more they differ, the less sure the encoder is.")


def _draw_again() -> None:
    seed = st.session_state[SEED]
    st.session_state[SEED] = 0 if seed is None else seed + 1


page()
