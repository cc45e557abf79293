"""The curves of a run in its panel: two that always show, the others in a fold, and how a person wants to see them."""

from __future__ import annotations

import time
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from ui.server import metrics_csv_route
from ui.train import curves, run_sentences
from ui.train.curves import Mark, View
from ui.train.metrics_history import History
from vae_core.runs import RunStatus

SCALE = "train.scale"  # "linear" or "log", of every chart
AXIS = "train.axis"  # "epoch", "step" or "time"
SMOOTHING = "train.smoothing"  # percent of a curve
CHANGED = {"learning_rate": "lr", "beta": "β"}  # settings of a change row, as short as there is room on a curve
FIGURES = "train.figures"  # dict: by name what was drawn last, of what state and when
MAP = "kl_per_dim"
REDRAWN = 150  # a run has to grow by this part before it is drawn again: then two of the few points of a curve are new
SLOWEST = 10.0  # seconds until it is drawn again in any case
MOST_SMOOTHING = 30
SMOOTHING_HELP = (
    "Averages the line over this share of the curve; later values count most (exponential). The raw values stay behind it, faint."
)
CSV_HELP = "Every row the run has written, as a table."
PICTURE_HELP = "The camera in the corner of the picture saves it as PNG."


def view() -> View:
    """How curves are to be seen, as this session has chosen."""
    axis = st.session_state.get(AXIS) or "epoch"
    return View(axis, st.session_state.get(SCALE) == "log", st.session_state.get(SMOOTHING, 0) / 100)


def main_charts(run: RunStatus, history: History) -> None:
    """Reconstruction and KL, and above them how to see them."""
    plain = run_sentences.is_autoencoder(run)
    unit, meaning = ("squared error", run_sentences.MEANINGS["error"]) if plain else ("nats", run_sentences.SPLITS)
    words = f"{unit} per image, over {curves.AXES[view().axis]} · line: training · dots: validation"
    choices(words, meaning, metrics_csv_route.link(run.run_id))
    if history.behind:
        st.progress(history.share_read, text=f"Reading its history: {len(history.steps):,} rows so far")
    charts = _charts(run, history, ("reconstruction",) if plain else ("reconstruction", "kl"))
    places = [st] if plain else st.columns(2, gap="small")
    now = history.steps[-1].get("beta") if history.steps else None
    for place, (name, figure) in zip(places, charts.items(), strict=True):
        title, meaning = _named(run, name)
        _chart(place, title, figure, "error" if plain else name, meaning, "" if now is None or name != "kl" else f"β {now:.2f}")


def more_charts(run: RunStatus, history: History) -> None:
    """KL of each dimension over the run, and folded away all other curves and a picture of them."""
    if not run_sentences.is_autoencoder(run):
        marginal = run.config is not None and not run.config.model.independent_latents
        title, name = ("Marginal KL of each dimension", "marginal") if marginal else ("KL per dimension", "dims")
        _chart(st, title, _figure(run, history, MAP), name, run_sentences.MEANINGS[name], f"over {curves.AXES[view().axis]}")
    names = _other_names(run, history)
    titles = [_named(run, name)[0] for name in names]
    titles[1:] = [one if one.isupper() else one[0].lower() + one[1:] for one in titles[1:]]
    fold = st.expander(", ".join(titles), key="train.fold.curves", on_change="rerun")
    if fold.open:  # what is folded away costs nothing
        with fold:
            _grid(run, _charts(run, history, names))
    fold = st.expander("All curves as a picture", key="train.fold.picture", on_change="rerun")
    if fold.open:
        with fold:
            _picture(run, history, names)


def choices(words: str, meaning: str | None = None, table: str = "") -> None:
    """What is drawn, in words, and how to see it; `table`: the address of all rows."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="train_view"):
        st.caption(words, width="stretch", help=meaning)
        st.segmented_control("Scale", ["linear", "log"], default="linear", key=SCALE, label_visibility="collapsed")
        with st.popover("View", icon=":material/tune:", key="train.view"):
            st.segmented_control("Horizontal axis", list(curves.AXES), default="epoch", key=AXIS,
                                 format_func=lambda axis: curves.AXES[axis])  # fmt: skip
            st.slider("Smoothing", 0, MOST_SMOOTHING, 0, format="%d %%", key=SMOOTHING, help=SMOOTHING_HELP)
            if table:
                st.html(f'<a class="lw-download" href="{table}" download title="{CSV_HELP}">Download all rows as CSV</a>')


def title(text: str, meaning: str, aside: str = "") -> None:
    """A small heading that says more when the pointer rests on it."""
    st.html(f'<p class="lw-title" title="{escape(meaning)}">{escape(text)} <span>{escape(aside)}</span></p>')


def _charts(run: RunStatus, history: History, names: tuple[str, ...]) -> dict[str, go.Figure]:
    """The figures of these numbers, with the marks that belong to them."""
    return {name: _figure(run, history, name) for name in names}


def _figure(run: RunStatus, history: History, name: str) -> go.Figure:
    """One figure; the last one again while a new one would hardly differ: drawing takes time from the run that is watched."""
    kept: dict[str, tuple[object, float, go.Figure]] = st.session_state.setdefault(FIGURES, {})
    state = (run.run_id, view(), run.live, len(history.changes), None if run.live else (len(history.steps), history.behind))
    pace = history.steps[-1]["time"] / REDRAWN if run.live and len(history.steps) else 0.0
    before, drawn_at, figure = kept.get(name, (None, 0.0, None))
    now = time.monotonic()
    if figure is None or before != state or now - drawn_at > min(pace, SLOWEST):
        figure = curves.kl_chart(history, view(), run_id=run.run_id) if name == MAP else _curve(run, history, name)
        kept[name] = state, now, figure
    return figure


def _curve(run: RunStatus, history: History, name: str) -> go.Figure:
    seen = view()
    epochs = history.start.get("epochs", 0) if run.live else max(1, round(run.epoch + 0.49))
    steps = history.start.get("steps", 0) if run.live else 0
    reach = {"epoch": epochs, "step": steps, "time": 0}[seen.axis]
    changes, warmup = _changes(history), _warmup_end(run, history)
    marks = [*(warmup if name in ("kl", "beta") else []), *changes]
    return curves.curve_chart(history, name, seen, run_id=run.run_id, reach=reach, marks=marks)


def _warmup_end(run: RunStatus, history: History) -> list[Mark]:
    """When the warm-up of beta ends, if that is not the end of the run."""
    end = run.config.objective.warmup_end if run.config else None
    if end is None or run.config is None or end >= run.config.epochs:
        return []
    row: dict[str, Any] = {"epoch": end, "step": end / run.config.epochs * history.start.get("steps", 0)}
    place = int(np.searchsorted(history.steps.column("epoch"), end))
    if place < len(history.steps):
        row["time"] = history.steps[place]["time"]
    return [Mark("warm-up ends", row)]


def _changes(history: History) -> list[Mark]:
    """What a person has changed while it ran."""
    return [Mark(f"{CHANGED.get(row['what'], row['what'])} {row['after']:g}", row) for row in history.changes]


def _other_names(run: RunStatus, history: History) -> tuple[str, ...]:
    figures = run.config.objective.figures if run.config else {}
    bound = () if run_sentences.is_autoencoder(run) else ("elbo",)
    return ("loss", *bound, *figures, "lr", "gradient_norm", "images_per_second")


def _named(run: RunStatus, name: str) -> tuple[str, str]:
    """What a number is called, and what it means."""
    figures = run.config.objective.figures if run.config else {}
    if name in figures:
        return figures[name]
    meaning = "error" if name == "reconstruction" and run_sentences.is_autoencoder(run) else name
    return curves.TITLES[name], run_sentences.MEANINGS[meaning]


def _grid(run: RunStatus, charts: dict[str, go.Figure]) -> None:
    left: list[Any] = []
    for name, figure in charts.items():
        left = left or list(st.columns(2, gap="small"))
        heading, meaning = _named(run, name)
        _chart(left.pop(0), heading, figure, name, meaning)


def _picture(run: RunStatus, history: History, names: tuple[str, ...]) -> None:
    main = ("reconstruction",) if run_sentences.is_autoencoder(run) else ("reconstruction", "kl")
    charts = {_named(run, name)[0]: figure for name, figure in _charts(run, history, (*main, *names)).items()}
    mode = st.context.theme.type or "light"
    background = st.get_option(f"theme.{mode}.secondaryBackgroundColor")
    whole = curves.picture(charts, f"{run.name}, over {curves.AXES[view().axis]} · dotted: validation", background)
    st.caption(PICTURE_HELP)
    st.plotly_chart(whole, key="train.picture", config=curves.picture_config(run.name))


def _chart(place: Any, heading: str, figure: go.Figure, name: str, meaning: str, aside: str = "") -> None:
    with place.container(key=f"train_chart_{name}", gap=None):
        title(heading, meaning, aside)
        st.plotly_chart(figure, key=f"train.chart.{name}", config=curves.CONFIG)
