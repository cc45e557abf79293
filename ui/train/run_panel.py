"""One run as it goes: state, progress, curves, pictures. Drawn again about once a second while something runs."""

from __future__ import annotations

import base64
from html import escape
from typing import Any

import numpy as np
import streamlit as st

from ui.train import curves, form, preview_pictures, run_actions, run_sentences
from ui.train.metrics_history import History, follow
from vae_core import runs
from vae_core.data.stored_images import available
from vae_core.images import Pixels, to_png
from vae_core.runs import RunStatus

SCALE = "train.scale"  # "linear" or "log", of every chart
ROW = 10  # samples side by side


def live(run: RunStatus, everything: list[RunStatus]) -> None:
    """The whole panel of one run."""
    history = follow(run)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="train_head"):
        st.markdown(f"**{_plain(run.name)}**", width="stretch")
        run_actions.buttons(run)
    _state(run, history, everything)
    if history.steps or history.validations:
        _curves(run, history)
        _pictures(run, history)


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
        st.progress(0.0, text=_plain(last))
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
        st.button("Choose coloured shapes instead", key="train.shapes", on_click=form.use_shapes,
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


def _curves(run: RunStatus, history: History) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        plain = run_sentences.is_autoencoder(run)
        unit, meaning = ("squared error", run_sentences.MEANINGS["error"]) if plain else ("nats", run_sentences.SPLITS)
        st.caption(f"{unit} per image, over epochs · line: training · dots: validation", width="stretch", help=meaning)
        st.segmented_control("Scale", ["linear", "log"], default="linear", key=SCALE, label_visibility="collapsed")
    options = _options(run)
    end = run.config.objective.warmup_end if run.config else None
    mark = end if end is not None and end < options["epochs"] else None
    if plain:
        _chart(st, "Reconstruction", curves.term_chart(history, "reconstruction", **options), "error")
        return
    left, right = st.columns(2, gap="small")
    _chart(left, "Reconstruction", curves.term_chart(history, "reconstruction", **options), "reconstruction")
    now = history.steps[-1].get("beta") if history.steps else None
    beta = "" if now is None else f"β {now:.2f}"
    _chart(right, "KL", curves.term_chart(history, "kl", mark=mark, **options), "kl", beta)


def _options(run: RunStatus) -> dict[str, Any]:
    """What all charts of a run have in common."""
    epochs = run.config.epochs if run.config and run.live else max(1, round(run.epoch + 0.49))
    return {"run_id": run.run_id, "log": st.session_state.get(SCALE) == "log", "epochs": epochs}


def _chart(place: Any, title: str, figure: Any, name: str, aside: str = "", meaning: str = "") -> None:
    with place.container(key=f"train_chart_{name}", gap=None):
        _title(title, meaning or run_sentences.MEANINGS[name], aside)
        st.plotly_chart(figure, key=f"train.chart.{name}", config=curves.CONFIG)


def _title(text: str, meaning: str, aside: str = "") -> None:
    """A small heading that says more when the pointer rests on it."""
    st.html(f'<p class="lw-title" title="{escape(meaning)}">{escape(text)} <span>{escape(aside)}</span></p>')


def _pictures(run: RunStatus, history: History) -> None:
    """What the model draws now comes before its inner figures: one sees it without scrolling."""
    preview = preview_pictures.read(run.path / "preview.npz")
    if preview is not None:
        _title("Test images, and below each what the model makes of it", run_sentences.MEANINGS["reconstructions"])
        st.html(_strip(preview["inputs"], "test images") + _strip(preview["reconstructions"], "reconstructions"))
        plain = run_sentences.is_autoencoder(run)
        title = "Samples of a Gaussian fitted to the codes" if plain else "Samples from the prior"
        _title(title, run_sentences.MEANINGS["fitted" if plain else "samples"])
        rows = (preview["samples"][start : start + ROW] for start in range(0, len(preview["samples"]), ROW))
        st.html("".join(_strip(row, title.lower()) for row in rows))
    if run_sentences.is_autoencoder(run):
        return
    marginal = run.config is not None and not run.config.model.independent_latents
    title = "Marginal KL of each dimension" if marginal else "KL per dimension"
    _chart(st, title, curves.kl_chart(history, run_id=run.run_id), "marginal" if marginal else "dims", "over epochs")
    figures = run.config.objective.figures if run.config else {}
    titles = ["Total loss", *(title[0].lower() + title[1:] for title, _ in figures.values())]
    with st.expander(" and ".join(filter(None, (", ".join(titles[:-1]), titles[-1])))):
        options, left = _options(run), list(st.columns(2, gap="small"))
        _chart(left.pop(0), "Total, as optimised", curves.single_chart(history, "loss", **options), "loss")
        for name, (title, meaning) in figures.items():
            left = left or list(st.columns(2, gap="small"))
            _chart(left.pop(0), title, curves.single_chart(history, name, **options), name, meaning=meaning)


def _strip(images: Pixels, alt: str) -> str:
    """Pictures (K, H, W, C) side by side as one <img> that holds its own data, so that replacing it never blinks."""
    data = base64.b64encode(to_png(np.concatenate(list(images), axis=1))).decode()
    style = "width:100%;display:block;image-rendering:pixelated;border-radius:6px;margin-bottom:4px"
    return f'<img alt="{alt}" style="{style}" src="data:image/png;base64,{data}">'


def _plain(text: str) -> str:
    """Text in which no character is taken for Markdown."""
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]()#+-.!|~$:<>" else letter for letter in text)
