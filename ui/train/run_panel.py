"""One run as it goes: state, progress, curves, pictures. Drawn again about once a second while something runs."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import streamlit as st

from ui.shared.plain_text import plain
from ui.train import form, preview_pictures, run_actions, run_curves, run_sentences
from ui.train.metrics_history import History, follow
from vae_core import runs
from vae_core.data.stored_images import available
from vae_core.images import Pixels, to_png
from vae_core.runs import RunStatus

ROW = 10  # samples side by side


def live(run: RunStatus, everything: list[RunStatus]) -> None:
    """The whole panel of one run."""
    history = follow(run)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="train_head"):
        st.markdown(f"**{plain(run.name)}**", width="stretch")
        run_actions.buttons(run)
    _state(run, history, everything)
    if history.steps or history.validations:
        run_curves.main_charts(run, history)
        _pictures(run)
        run_curves.more_charts(run, history)


def _state(run: RunStatus, history: History, everything: list[RunStatus]) -> None:
    if run.state == "queued":
        ahead = sum(other.live and other.created < run.created for other in everything)
        st.info(
            f"Queued: begins when {ahead} earlier {'run' if ahead == 1 else 'runs'} will have ended.", icon=":material/schedule:"
        )
    elif run.state == "running":
        _progress(run, history)
    elif run.state == "unreadable":
        st.error(run_sentences.unreadable(run), icon=":material/help:")
    elif run.state in ("failed", "died"):
        _bad_end(run)
    else:
        meaning = run_sentences.MEANINGS["error"] if run_sentences.is_autoencoder(run) else run_sentences.ELBO
        st.caption(_summary(run, history), help=meaning)


def _progress(run: RunStatus, history: History) -> None:
    if not history.start:
        last = (runs.log_tail(run.run_id, 1) or run_sentences.STARTING)[:200]
        st.progress(0.0, text=plain(last))
        return
    left = history.seconds_left
    parts = [
        run_sentences.epoch_of(run),
        f"{history.rate:,.0f} images/s" if history.rate else "",
        "stopping" if run.stopping else "saving" if history.end or history.progress == 1 else "",
        f"{run_sentences.duration(left)} left" if left is not None and not run.stopping else "",
        str(history.start.get("device", "")),
    ]
    st.progress(history.progress, text=" · ".join(part for part in parts if part))


def _bad_end(run: RunStatus) -> None:
    st.error(run_sentences.advice(run), icon=":material/error:")
    if run.config and not available(run.config.data.name):
        st.button("Choose coloured shapes instead", key="train.shapes", on_click=form.use_images, args=("shapes",),
                  icon=":material/category:")  # fmt: skip
    log = runs.log_tail(run.run_id, 12)
    if log:
        st.caption("The last lines of its log")
        st.code(log, language=None, wrap_lines=True)


def _summary(run: RunStatus, history: History) -> str:
    """One line about a run that ended well."""
    end: dict[str, Any] = history.end
    test = f"test ELBO {run_sentences.nats(end['test_elbo'])}" if end.get("test_elbo") is not None else ""
    unit = "nats"
    if run_sentences.is_autoencoder(run):
        unit = "per image"
        test = f"test error {end['test_reconstruction']:.2f}" if end.get("test_reconstruction") is not None else ""
    elbos = ", ".join(part for part in (test, run_sentences.best(run)) if part)
    active = f"{end['test_active_units']:.0f} active dimensions" if end.get("test_active_units") is not None else ""
    state = run_sentences.stopped(run).capitalize() if run.state == "stopped" else "Done"
    message = run.message if run.state != "stopped" and not run.checkpoint else ""
    parts = (state, message, f"{elbos} {unit}" if elbos else "", active, run_sentences.duration(run.seconds))
    return " · ".join(part for part in parts if part)


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
