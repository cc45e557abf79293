"""One run as it goes: state, progress, curves, pictures. Drawn again about once a second while something runs."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import streamlit as st

from ui import charts_train, run_manage, run_preview, run_words, train_form
from ui.run_history import History, follow
from vae_core import runs
from vae_core.datasets import available
from vae_core.images import Pixels, to_png
from vae_core.runs import RunStatus

SCALE = "train.scale"  # "linear" or "log", of every chart


def live(run: RunStatus, everything: list[RunStatus]) -> None:
    """The whole panel of one run."""
    history = follow(run)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="train_head"):
        st.markdown(f"**{_plain(run.name)}**", width="stretch")
        run_manage.buttons(run)
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
        st.error(run_words.unreadable(run), icon=":material/help:")
    elif run.state in ("failed", "died"):
        _bad_end(run)
    else:
        st.caption(_summary(run, history))


def _progress(run: RunStatus, history: History) -> None:
    if not history.start:
        last = (runs.log_tail(run.run_id, 1) or run_words.STARTING)[:200]
        st.progress(0.0, text=_plain(last))
        return
    left = history.seconds_left
    parts = [
        run_words.epoch_of(run),
        f"{history.rate:,.0f} images/s" if history.rate else "",
        "stopping" if run.stopping else "saving" if history.end or history.progress == 1 else "",
        f"{run_words.duration(left)} left" if left is not None and not run.stopping else "",
        str(history.start.get("device", "")),
    ]
    st.progress(history.progress, text=" · ".join(part for part in parts if part))


def _bad_end(run: RunStatus) -> None:
    st.error(run_words.advice(run), icon=":material/error:")
    if run.config and not available(run.config.data.name):
        st.button("Choose coloured shapes instead", key="train.shapes", on_click=train_form.use_shapes,
                  icon=":material/category:")  # fmt: skip
    log = runs.log_tail(run.run_id, 12)
    if log:
        st.caption("The last lines of its log")
        st.code(log, language=None, wrap_lines=True)


def _summary(run: RunStatus, history: History) -> str:
    """One line about a run that ended well."""
    end: dict[str, Any] = history.end
    test = f"test ELBO {run_words.nats(end['test_elbo'])} nats" if end.get("test_elbo") is not None else ""
    active = f"{end['test_active_units']} active dimensions" if end.get("test_active_units") is not None else ""
    state = run_words.stopped(run).capitalize() if run.state == "stopped" else "Done"
    message = run.message if run.state != "stopped" and not run.checkpoint else ""
    return " · ".join(part for part in (state, message, test, active, run_words.duration(run.seconds)) if part)


def _curves(run: RunStatus, history: History) -> None:
    epochs = run.config.epochs if run.config and run.live else max(1, round(run.epoch + 0.49))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption("nats per image over epochs · line: training · dots: validation", width="stretch")
        scale = st.segmented_control("Scale", ["linear", "log"], default="linear", key=SCALE, label_visibility="collapsed")
    linear = run.config is not None and run.config.warmup == "linear"
    mark = run.config.warmup_epochs if run.config and linear and run.config.warmup_epochs < epochs else None
    options: dict[str, Any] = {"run_id": run.run_id, "log": scale == "log", "epochs": epochs}
    left, right = st.columns(2, gap="small")
    _chart(left, "Reconstruction", charts_train.term_chart(history, "reconstruction", **options), "reconstruction")
    now = history.steps[-1].get("beta") if history.steps else None
    beta = "" if now is None else f" · β {now:.2f}"
    _chart(right, f"KL{beta}", charts_train.term_chart(history, "kl", mark=mark, **options), "kl")
    with st.expander("Total loss and β"):
        left, right = st.columns(2, gap="small")
        _chart(left, "Total, as optimised", charts_train.single_chart(history, "loss", **options), "loss")
        _chart(right, "β", charts_train.single_chart(history, "beta", **options), "beta")


def _chart(place: Any, title: str, figure: Any, name: str) -> None:
    with place.container(key=f"train_chart_{name}", gap=None):
        st.markdown(f"<small><b>{title}</b></small>", unsafe_allow_html=True)
        st.plotly_chart(figure, key=f"train.chart.{name}", config=charts_train.CONFIG)


def _pictures(run: RunStatus, history: History) -> None:
    preview = run_preview.read(run.path / "preview.npz")
    if preview is not None:
        st.markdown("<small><b>Test images and their reconstructions</b></small>", unsafe_allow_html=True)
        st.html(_strip(preview["inputs"], "test images") + _strip(preview["reconstructions"], "reconstructions"))
    left, right = st.columns(2, gap="small")
    _chart(left, "KL per dimension, over epochs", charts_train.kl_chart(history, run_id=run.run_id), "dims")
    if preview is not None:
        samples = preview["samples"]
        with right:
            st.markdown("<small><b>Samples from the prior</b></small>", unsafe_allow_html=True)
            st.html("".join(_strip(samples[i : i + 5], "samples from the prior") for i in range(0, len(samples), 5)))


def _strip(images: Pixels, alt: str) -> str:
    """Pictures (K, H, W, C) side by side as one <img> that holds its own data, so that replacing it never blinks."""
    data = base64.b64encode(to_png(np.concatenate(list(images), axis=1))).decode()
    style = "width:100%;display:block;image-rendering:pixelated;border-radius:6px;margin-bottom:4px"
    return f'<img alt="{alt}" style="{style}" src="data:image/png;base64,{data}">'


def _plain(text: str) -> str:
    """Text in which no character is taken for Markdown."""
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]()#+-.!|~$:<>" else letter for letter in text)
