"""A run's numbers -> Plotly figures. Colours work on light and dark; the view a person zoomed to survives new data.

Lines end in their numbers instead of a legend. Of long histories few points are drawn, so a figure stays small.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ui.train.few_points import Curve, sampled, smoothed, spikes_kept
from ui.train.metrics_history import History
from vae_core.runs.metrics_log import Row

CELLS = 120  # columns in the map of KL per dimension
BLUE, ORANGE, GREY, GREEN = "#4c6ef5", "#f59f00", "#868e96", "#37b24d"
COLOURS = {"reconstruction": BLUE, "kl": ORANGE, "loss": GREEN, "elbo": GREEN}
LOSSES = ("reconstruction", "kl", "loss", "elbo")  # their first values are far from all others
LOGARITHMIC = ("reconstruction", "kl", "loss", "lr", "gradient_norm")  # where a person asks for it: these are above zero
HEIGHT, MAP_HEIGHT = 165, 235  # pixels
CONFIG = {"displayModeBar": False, "responsive": True}
MARKS = 12  # changes that are written out at their lines; more would cover the curve
AXES = {"epoch": "epochs", "step": "steps", "time": "time"}


TITLES = {
    "reconstruction": "Reconstruction",
    "kl": "KL",
    "loss": "Total loss",
    "elbo": "ELBO",
    "lr": "Learning rate",
    "gradient_norm": "Gradient norm",
    "images_per_second": "Images per second",
}


@dataclass(frozen=True)
class View:
    """How a person wants to see curves."""

    axis: str = "epoch"  # "epoch", "step" or "time": seconds since the run began
    log: bool = False
    smoothing: float = 0.0  # share of a curve over which its line is averaged


@dataclass(frozen=True)
class Mark:
    """A moment that a line stands at; epoch, step and time of it, as far as they are known."""

    text: str
    row: Row


def picture_config(name: str) -> dict[str, Any]:
    """Plotly's settings for a figure that is there to be saved: the one button that does it."""
    image = {"format": "png", "filename": f"{name} curves", "scale": 2}
    return {"displayModeBar": True, "displaylogo": False, "modeBarButtons": [["toImage"]], "toImageButtonOptions": image}


def curve_chart(
    history: History, name: str, view: View, *, run_id: str, reach: float = 0.0, marks: Sequence[Mark] = ()
) -> go.Figure:
    """One number over a run, of training as a line and of validation dotted. `reach`: where the axis ends, 0 for by itself."""
    unit, word = unit_of(history, view)
    train, validation = ((xs / unit, ys) for xs, ys in (history.column(kind, name, view.axis) for kind in ("step", "validation")))
    raw, colour = spikes_kept(*train), COLOURS.get(name, GREY)
    log = view.log and name in LOGARITHMIC
    figure = blank(f"{run_id}-{name}-{view.axis}-{log}", reach / unit, word)
    line = raw
    if view.smoothing and len(train[0]) > 2:
        line = smoothed(*train, view.smoothing)
        figure.add_scatter(x=few(raw[0]), y=few(raw[1]), mode="lines", line={"color": colour, "width": 1}, opacity=0.35,
                           name="raw")  # fmt: skip
    figure.add_scatter(x=few(line[0]), y=few(line[1]), mode="lines", line={"color": colour, "width": 2}, name="train")
    ends = {"": line}
    if len(validation[0]):
        figure.add_scatter(x=few(validation[0]), y=few(validation[1]), mode="lines+markers", name="validation",
                           line={"color": colour, "width": 1.5, "dash": "dot"}, marker={"size": 5})  # fmt: skip
        ends = {"train": line, "val": validation}
    low, high = limits(name, [raw, validation])
    scale(figure, low, high, log)
    number_ends(figure, ends, low, high, log)
    _mark(figure, [(mark.row[view.axis] / unit, mark.text) for mark in marks if view.axis in mark.row])
    return figure


def kl_chart(history: History, view: View, *, run_id: str) -> go.Figure:
    """KL of each latent dimension over a run, strongest on top, nats."""
    rows = [row for row in history.dimensions if len(row["kl_per_dim"]) == len(history.dimensions[-1]["kl_per_dim"])]
    rows = sampled(rows, CELLS)
    columns = [[value or 0.0 for value in row["kl_per_dim"]] for row in rows]
    order = sorted(range(len(columns[-1])), key=lambda d: columns[-1][d]) if columns else []
    unit, word = unit_of(history, view)
    figure = blank(f"{run_id}-kl-per-dim-{view.axis}", 0, word)
    xs = [row[view.axis] / unit for row in rows]
    figure.add_heatmap(
        x=xs, y=[f"z{d}" for d in order],
        z=[[_short(column[d]) for column in columns] for d in order], zmin=0,
        colorscale=[[0, "rgba(76,110,245,0.03)"], [1, "rgba(76,110,245,1)"]], xgap=0 if len(rows) > 12 else 1, ygap=1,
        hovertemplate="%{y}, " + view.axis + " %{x}: %{z:.2f} nats<extra></extra>",
        colorbar={"thickness": 6, "len": 1, "outlinewidth": 0, "nticks": 3},
    )  # fmt: skip
    figure.update_layout(margin={"l": 34, "r": 6}, height=MAP_HEIGHT, hovermode="closest")
    figure.update_yaxes(type="category", showgrid=False, nticks=12)
    # By itself the axis would begin half a column before the run does.
    figure.update_xaxes(**({"range": [xs[0], xs[-1]]} if len(xs) > 1 else {"autorange": True}), showgrid=False, title=None)
    return figure


def picture(charts: dict[str, go.Figure], title: str, background: str) -> go.Figure:
    """Several charts as one figure with titles, to be saved: two in a row, on a background of its own."""
    rows = math.ceil(len(charts) / 2)
    whole = make_subplots(rows=rows, cols=2, subplot_titles=list(charts), vertical_spacing=0.36 / max(rows, 2))
    for index, chart in enumerate(charts.values()):
        place = {"row": index // 2 + 1, "col": index % 2 + 1}
        for trace in chart.data:
            whole.add_trace(trace, **place)
        x, y = chart.layout.xaxis, chart.layout.yaxis
        whole.update_xaxes(showgrid=False, zeroline=False, range=x.range, ticksuffix=x.ticksuffix, **place)
        whole.update_yaxes(zeroline=False, type=y.type, range=y.range, dtick=y.dtick, nticks=4, **place)
    whole.update_annotations(font={"size": 13})
    whole.update_layout(
        title={"text": title, "font": {"size": 15}}, height=90 + 190 * rows, showlegend=False, transition={"duration": 0},
        paper_bgcolor=background, plot_bgcolor=background, margin={"l": 46, "r": 20, "t": 76, "b": 30},
    )  # fmt: skip
    return whole


def unit_of(history: History, view: View) -> tuple[float, str]:
    """What the axis counts in, and its sign."""
    if view.axis != "time":
        return 1.0, ""
    seconds = float(history.steps[-1]["time"]) if history.steps else 0.0
    return (1.0, " s") if seconds < 180 else (60.0, " min") if seconds < 3 * 3600 else (3600.0, " h")


def few(values: Any) -> list[float]:
    """Numbers with no more digits than can be seen, so that they take half the bytes."""
    return [_short(value) for value in np.asarray(values, float).tolist()]


def _short(value: float) -> float:
    return float(f"{value:.6g}")


def blank(revision: str, reach: float, unit: str) -> go.Figure:
    """A figure without curves. `revision`: as long as it is the same, new data leave the view a person zoomed to."""
    figure = go.Figure()
    figure.update_layout(
        height=HEIGHT, margin={"l": 36, "r": 68, "t": 8, "b": 22}, showlegend=False, uirevision=revision,
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)", hovermode="x unified", transition={"duration": 0},
    )  # fmt: skip
    figure.update_xaxes(showgrid=False, nticks=5, zeroline=False, title=None, hoverformat=".6~g", ticksuffix=unit)
    if reach:
        figure.update_xaxes(range=[0, reach])
    figure.update_yaxes(nticks=4, zeroline=False, title=None, hoverformat=".4~g")
    return figure


def limits(name: str, curves: Sequence[Curve]) -> tuple[float, float]:
    """What the axis shows: of a loss everything but the first few values, which would flatten the rest."""
    skipped = [min(len(ys) - 1, 1 + len(ys) // 20) if name in LOSSES else 0 for _, ys in curves]
    late = np.concatenate([ys[max(skip, 0) :] for skip, (_, ys) in zip(skipped, curves, strict=True)])
    if not len(late):
        return 0.0, 1.0
    low, high = float(late.min()), float(late.max())
    room = 0.06 * (high - low) or max(abs(high), 1.0) * 0.05
    if name == "kl":  # zero means the latents are unused: worth seeing
        return min(low - room, 0.0), high + room
    if name in LOSSES or high <= 0:
        return low - room, high + room
    return min(low - room, 0.0) if low < 0 else 0.0, high + room  # a weight, a rate, a speed are seen against zero


def scale(figure: go.Figure, low: float, high: float, log: bool) -> None:
    """What the vertical axis shows."""
    if log:
        low = _log_floor(low, high)
        figure.update_yaxes(type="log", range=[math.log10(low), math.log10(max(high, low * 1.1))], dtick="D2")
    else:
        figure.update_yaxes(range=[low, high])


def _log_floor(low: float, high: float) -> float:
    return max(low, high / 1000, 1e-12)


def _mark(figure: go.Figure, marks: list[tuple[float, str]]) -> None:
    """A thin line at each place, and beside it what happened there."""
    for number, (place, text) in enumerate(marks[-50:]):
        figure.add_vline(x=place, line={"color": GREY, "width": 1, "dash": "dot"})
        if text and number >= len(marks[-50:]) - MARKS:
            figure.add_annotation(x=place, y=(number % 2) * 0.14, yref="paper", text=text, showarrow=False, xanchor="left",
                                  yanchor="bottom", font={"size": 11, "color": GREY})  # fmt: skip


def number_ends(figure: go.Figure, ends: dict[str, Curve], low: float, high: float, log: bool) -> None:
    """The last values right of the curves' end, at their height but never on top of each other."""
    values = sorted(((float(ys[-1]), label) for label, (_, ys) in ends.items() if len(ys)), reverse=True)
    right = max((float(xs[-1]) for xs, _ in ends.values() if len(xs)), default=0.0)
    places = [_place(value, low, high, log) for value, _ in values]
    if len(places) == 2 and places[0] - places[1] < 0.13:
        middle = min(max(sum(places) / 2, 0.065), 0.935)
        places = [middle + 0.065, middle - 0.065]
    for (value, label), place in zip(values, places, strict=True):
        figure.add_annotation(x=right, xshift=6, y=place, yref="paper", text=f"{label} {_figures(value)}".strip(),
                              showarrow=False, xanchor="left", font={"size": 11})  # fmt: skip


def _figures(value: float) -> str:
    """A number at the end of its curve: 5.00, 104.0, −3,870, 0.0012."""
    size = abs(value)
    places = ",.0f" if size >= 1000 else ".1f" if size >= 10 else ".2f" if size >= 0.1 or not size else ".2g"
    return format(value, places).replace("-", "−")


def _place(value: float, low: float, high: float, log: bool) -> float:
    """Height in the figure, 0 to 1."""
    if log:
        low = _log_floor(low, high)
        low, high, value = math.log10(low), math.log10(max(high, low * 1.1)), math.log10(max(value, 1e-12))
    return min(1.0, max(0.0, (value - low) / (high - low)))
