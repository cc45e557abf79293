"""One run as it goes: state, progress, curves, pictures. Drawn again about once a second while something runs."""

from __future__ import annotations

import base64

import numpy as np
import streamlit as st

from ui.shared.plain_text import plain
from ui.train import preview_pictures, run_actions, run_curves, run_sentences, run_state
from ui.train.metrics_history import follow
from vae_core.images import Pixels, to_png
from vae_core.runs import RunStatus

ROW = 10  # samples side by side


def live(run: RunStatus, everything: list[RunStatus]) -> None:
    """The whole panel of one run."""
    history = follow(run)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="train_head"):
        st.markdown(f"**{plain(run.name)}**", width="stretch")
        run_actions.buttons(run)
    run_state.state(run, history, everything)
    if history.steps or history.validations:
        run_curves.main_charts(run, history)
        _pictures(run)
        run_curves.more_charts(run, history)


def _pictures(run: RunStatus) -> None:
    """What the model draws now comes before its inner figures: one sees it without scrolling."""
    preview = preview_pictures.read(run.path / "preview.npz")
    if preview is None:
        return
    run_curves.title("Test images, and below each what the model makes of it", run_sentences.MEANINGS["reconstructions"])
    st.html(strip(preview["inputs"], "test images") + strip(preview["reconstructions"], "reconstructions"))
    fitted = run_sentences.is_autoencoder(run)
    title = "Samples of a Gaussian fitted to the codes" if fitted else "Samples from the prior"
    run_curves.title(title, run_sentences.MEANINGS["fitted" if fitted else "samples"])
    rows = (preview["samples"][start : start + ROW] for start in range(0, len(preview["samples"]), ROW))
    st.html("".join(strip(row, title.lower()) for row in rows))


def strip(images: Pixels, alt: str) -> str:
    """Pictures (K, H, W, C) side by side as one <img> that holds its own data, so that replacing it never blinks."""
    data = base64.b64encode(to_png(np.concatenate(list(images), axis=1))).decode()
    style = "width:100%;display:block;image-rendering:pixelated;border-radius:6px;margin-bottom:4px"
    return f'<img alt="{alt}" style="{style}" src="data:image/png;base64,{data}">'
