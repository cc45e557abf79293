"""The models as cards, to choose from by what they draw: a few pictures, a sentence, and a button."""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from ui.shared import cached_models, default_z
from ui.shared.model_picker import KINDS
from ui.shared.plain_text import plain
from vae_core.errors import LatentWalkError
from vae_core.images import to_png

if TYPE_CHECKING:
    from vae_core.model_files.header import Header
    from vae_core.model_files.model_list import ModelEntry

MOST = 24  # cards; each opens its model's file once
PICTURES = 6
FEW = 4  # need no scroll bar
HEIGHT = 460  # px of the list otherwise

STRIP = '<img alt="{alt}" src="data:image/png;base64,{png}" style="height:44px;border-radius:6px;image-rendering:pixelated">'


def draw(entries: list[ModelEntry], chosen: str, choose: Callable[[str], None]) -> None:
    """A card for each model; `choose` is called with the name on the button that was pressed."""
    with st.container(height=HEIGHT if len(entries) > FEW else "content", border=False):
        for entry in entries[:MOST]:
            _card(entry, entry.name == chosen, choose)
        if len(entries) > MOST:
            st.caption(f"{len(entries) - MOST} more are in the list of names.")


def _card(entry: ModelEntry, here: bool, choose: Callable[[str], None]) -> None:
    try:
        sentence, pictures = describe(cached_models.header(entry)), strip(entry)
    except (LatentWalkError, OSError) as error:
        st.caption(f"{entry.name}: {error}")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.html(STRIP.format(alt=escape(f"pictures by {entry.name}"), png=pictures), width="content")
        st.button(entry.name, key=f"card-open-{entry.name}", disabled=here, on_click=choose, args=(entry.name,))
    st.caption(sentence + (" This is the one on the page." if here else ""))


def describe(header: Header) -> str:
    """What a model is, in one sentence for who has never trained one."""
    config = header.config
    size = config.model.latent_dim
    used = size if header.metrics is None else header.metrics.active_units
    numbers = f"{size} numbers" + ("" if used >= size else f", {used} of them in use")
    measured = KINDS[header.kind] if header.metrics is None else f"{header.metrics.split} {header.quality}"
    if header.foreign is not None:
        told = (("Source", header.foreign.source), ("Licence", header.foreign.licence))
        return f"An imported decoder, {numbers}." + "".join(f" {label}: {plain(said)}." for label, said in told if said)
    if not header.has_prior:
        measured = f"{KINDS[header.kind]}, {measured}"
    return f"{header.data.title} from {numbers}. Architecture {config.model.architecture}, {measured}."


@lru_cache(maxsize=2 * MOST)
def strip(entry: ModelEntry) -> str:
    """A few pictures that the model draws, side by side, as a PNG in base64.

    Raises:
        CheckpointError: the file is broken or gone.
    """
    model = cached_models.open_entry(entry)
    first = np.array([default_z.place(entry)[0]], dtype=np.float32)
    if model.test_means is None:
        more = model.sample_prior(PICTURES - 1, default_z.SEED + 1)
    else:
        more = model.test_means[np.linspace(0, len(model.test_means) - 1, PICTURES - 1).astype(int)]
    return base64.b64encode(to_png(np.concatenate(list(model.decode(np.concatenate([first, more]))), axis=1))).decode()
