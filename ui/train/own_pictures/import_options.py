"""How own pictures become images of one size: the choices, as the panel shows them."""

from __future__ import annotations

from typing import Any

import streamlit as st

from vae_core.import_images import ImportOptions

SAVED = "own.saved"  # dict: what was chosen, kept while the panel is closed
SIZES = (32, 64, 96, 128)
COLOURS = {True: "Colour", False: "Grey"}
CROPS = {"centre": "Cut to the middle", "border": "Fit, with a border", "stretch": "Stretch"}
BACKGROUNDS = {"white": "White", "black": "Black", "grey": "Grey"}
SIZE_HELP = "Pixels a side. Twice the side takes about four times as long to train; 64 is a good beginning."
COLOUR_HELP = "Grey trains faster and suits drawings, letters and scans."
CROP_HELP = "What happens to pictures that are not square."
BACKGROUND_HELP = "What is put behind pictures that are transparent in places."
INVERT_HELP = "Swaps light and dark, so that dark ink on paper becomes light ink on black, as in MNIST."


def chosen_options() -> ImportOptions:
    """Draws the choices; what they say."""
    size = _one_of("size", "Size", {size: str(size) for size in SIZES}, SIZE_HELP)
    colour = _one_of("colour", "Colours", COLOURS, COLOUR_HELP)
    crop = _one_of("crop", "Crop", CROPS, CROP_HELP)
    background = _one_of("background", "Behind transparent pictures", BACKGROUNDS, BACKGROUND_HELP)
    invert = st.toggle("Light on dark", _kept("invert"), key="own.option.invert", help=INVERT_HELP)
    _saved()["invert"] = invert
    return ImportOptions(size=size, colour=colour, crop=crop, background=background, invert=invert)


def _one_of(name: str, label: str, words: dict[Any, str], about: str) -> Any:
    chosen = st.segmented_control(label, list(words), default=_kept(name), format_func=words.__getitem__, required=True,
                                  key=f"own.option.{name}", help=about, width="stretch")  # fmt: skip
    _saved()[name] = chosen
    return chosen


def _kept(name: str) -> Any:
    return _saved().get(name, ImportOptions.model_fields[name].default)


def _saved() -> dict[str, Any]:
    saved: dict[str, Any] = st.session_state.setdefault(SAVED, {})
    return saved
