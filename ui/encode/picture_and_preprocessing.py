"""The Encode page's left card: which picture, and the steps from its file to the network's input."""

from __future__ import annotations

import random
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from ui.encode import posterior_charts as charts
from ui.encode.image_sources import Prepared, Shelf, Source, belongs, prepare
from vae_core.errors import ImageError
from vae_core.images import MAX_BYTES, UploadOptions, choices

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from vae_core.latent.latent_model import Encoding, LatentModel
    from vae_core.model_files.model_list import ModelEntry

SOURCE = "encode.source"  # Source | None: the picture on the page
REFUSED = "encode.refused"  # str | None: why the last upload is not that picture
OPTIONS = "encode.options"  # UploadOptions
PREPARED = "encode.prepared"  # (what it was made from, Prepared): a large photograph is decoded once
ENCODED = "encode.encoded"  # {(path, mtime_ns): (x, Encoding)}: what the models on the page made of the picture
TAKEN = "encode.taken"  # str | None: id of the upload that was looked at last
SEED = "encode.seed"  # int | None: of the draws on the page; None until some are asked for
INDEX = "encode.index"  # int: number of the picture on the shelf
UPLOADER, RANDOM = "encode.file", "encode.random"
KINDS = {
    "test": "Pictures of the dataset that were kept away from training, by their number.",
    "example": "Pictures the model was trained on, by their number.",
}
STEPS = "The model knows pictures of one size only; these steps make yours such a picture."
OPTION_WORDS = {
    "rotate": "Turn",
    "background": "Behind transparent parts",
    "invert": "Invert",
    "levels": "Levels: paper to black, ink to white",
    "fit": "Fit",
}
VALUE_WORDS = {"auto": "automatic", "0": "as in the file", "90": "90° clockwise", "180": "180°", "270": "90° counter-clockwise"}


def remember() -> None:
    """Gives this page's session keys their defaults."""
    first = {SOURCE: None, REFUSED: None, OPTIONS: UploadOptions(), SEED: None, PREPARED: None, TAKEN: None}
    for key, default in first.items():
        st.session_state.setdefault(key, default)


def heading(text: str, aside: str = "", meaning: str = "") -> None:
    """A card's small heading, with a quiet remark at its right; `meaning` shows when the pointer rests on it."""
    title = f' title="{escape(meaning)}"' if meaning else ""
    st.html(f'<h2 class="enc-h"{title}>{escape(text)}<span>{escape(aside)}</span></h2>')


def note(text: str) -> None:
    """A quiet line."""
    st.html(f'<p class="enc-note">{escape(text)}</p>')


def choose(shelved: Shelf) -> None:
    """Upload, or take one from the shelf."""
    heading("Your image")
    st.file_uploader("Image file", key=UPLOADER, label_visibility="collapsed", max_upload_size=MAX_BYTES // 2**20)
    note("PNG, JPEG, WebP, GIF, BMP or TIFF")
    if refused := st.session_state[REFUSED]:
        st.error(refused, icon=":material/error:")
    if shelved.count:
        with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall"):
            st.session_state[INDEX] = min(st.session_state.get(INDEX, 0), shelved.count - 1)
            kind = "Test" if shelved.kind == "test" else "Training"
            st.number_input(f"{kind} image, 0 to {shelved.count - 1:,}", 0, shelved.count - 1, key=INDEX, on_change=_take,
                            args=(shelved,), width=150, help=KINDS[shelved.kind])  # fmt: skip
            st.button("Show", on_click=_take, args=(shelved,), help=f"Shows the {kind.lower()} image of this number.")
            st.button(
                ":material/shuffle:", key=RANDOM, on_click=take_random, args=(shelved,), help=f"A random {kind.lower()} image"
            )
    if shelved.note:
        note(shelved.note)


def take_upload(model: LatentModel) -> None:
    """Takes over a new upload; a broken one is refused with its reason and leaves the picture on the page alone.

    Done by the run and not by a callback: a run that is broken off does it again, a callback is not called again.
    """
    file = st.session_state.get(UPLOADER)
    name = None if file is None else file.file_id
    if name == st.session_state[TAKEN]:
        return
    st.session_state[REFUSED] = None  # taken away, or about to be replaced: the picture stays until another one comes
    if file is not None:
        source = Source("upload", file.name, data=file.getvalue())
        try:
            prepared = prepare(source, model, UploadOptions())
        except ImageError as error:
            st.session_state[REFUSED] = f"{file.name}: {error}"
        else:
            _put(source)
            st.session_state[PREPARED] = (_made_from(source, model), prepared)
    st.session_state[TAKEN] = name  # last


def _put(source: Source) -> None:
    st.session_state[SOURCE], st.session_state[REFUSED], st.session_state[SEED] = source, None, None
    st.session_state[OPTIONS] = UploadOptions()


def _take(shelved: Shelf) -> None:
    _put(Source(shelved.kind, shelved.of, int(st.session_state[INDEX])))


def take_test_image(dataset: str, index: int) -> None:
    """The test image of this number, chosen on another page."""
    st.session_state[INDEX] = index
    _put(Source("test", dataset, index))


def take_random(shelved: Shelf) -> None:
    """A picture from the shelf by chance."""
    st.session_state[INDEX] = random.randrange(shelved.count)
    _take(shelved)


def is_chosen(model: LatentModel) -> bool:
    """Whether there is a picture for this model: an upload, or an image of its own dataset."""
    source: Source | None = st.session_state[SOURCE]
    return source is not None and belongs(source, model)


def current(model: LatentModel) -> Prepared | None:
    """The picture for this model; None when there is none, or the one there is belongs to another dataset."""
    source: Source | None = st.session_state[SOURCE]
    if source is None or not belongs(source, model):
        return None
    made_from = _made_from(source, model)
    kept = st.session_state[PREPARED]
    if kept is None or kept[0] != made_from:
        kept = st.session_state[PREPARED] = (made_from, prepare(source, model, st.session_state[OPTIONS]))
    return kept[1]


def _made_from(source: Source, model: LatentModel) -> tuple[object, ...]:
    return source, model.image_shape, model.header.data_digest, st.session_state[OPTIONS]


def encoded(entry: ModelEntry, model: LatentModel, x: NDArray[np.float32]) -> Encoding:
    """What a model makes of the picture (C, H, W): asked once, however often the page is drawn."""
    file = (str(entry.path), entry.mtime_ns)
    kept = {key: pair for key, pair in st.session_state.get(ENCODED, {}).items() if pair[0] is x}
    if file not in kept:
        kept[file] = (x, model.encode(x[None]))
        st.session_state[ENCODED] = kept
    return kept[file][1]


def show_steps(prepared: Prepared) -> None:
    """From the file to the network's input, and the choices on the way."""
    heading("What the model sees", "", STEPS)
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
