"""A run's numbers -> Plotly figures. Colours work on light and dark; the view a person zoomed to survives new data.

Lines end in their numbers instead of a legend. Long histories are averaged in buckets, so a figure stays small.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import plotly.graph_objects as go

from ui.train.metrics_history import History

POINTS = 300  # per curve
CELLS = 120  # epochs in the map of KL per dimension
BLUE, ORANGE, GREY, GREEN = "#4c6ef5", "#f59f00", "#868e96", "#37b24d"
HEIGHT, MAP_HEIGHT = 165, 235  # pixels
CONFIG = {"displayModeBar": False, "responsive": True}
Curve = tuple[list[float], list[float]]


def downsample(xs: Sequence[float], ys: Sequence[float], points: int = POINTS) -> Curve:
    """At most `points` means of neighbouring values; the last value stays as it is."""
    n = len(xs)
    if n <= points:
        return list(xs), list(ys)
    edges = [round(i * (n - 1) / (points - 1)) for i in range(points)]
    buckets = [slice(a, b) for a, b in itertools.pairwise(edges)]
    return [*(_mean(xs[b]) for b in buckets), xs[-1]], [*(_mean(ys[b]) for b in buckets), ys[-1]]


def term_chart(history: History, name: str, *, run_id: str, log: bool, epochs: int, mark: float | None = None) -> go.Figure:
    """One term over epochs, training as a line and validation dotted, nats per image. `mark`: epoch at which the warm-up ends."""
    train, validation = downsample(*history.column("step", name)), history.column("validation", name)
    colour = {"reconstruction": BLUE, "kl": ORANGE}.get(name, GREEN)
    figure = _figure(f"{run_id}-{name}-{log}", epochs)
    figure.add_scatter(x=train[0], y=train[1], mode="lines", line={"color": colour, "width": 2}, name="train")
    figure.add_scatter(x=validation[0], y=validation[1], mode="lines+markers", name="validation",
                       line={"color": colour, "width": 1.5, "dash": "dot"}, marker={"size": 5})  # fmt: skip
    if mark:
        figure.add_vline(x=mark, line={"color": GREY, "width": 1, "dash": "dot"})
        figure.add_annotation(x=mark, y=0, yref="paper", text="warm-up ends", showarrow=False, xanchor="left",
                              yanchor="bottom", font={"size": 11, "color": GREY})  # fmt: skip
    low, high = _limits([train, validation])
    low = min(low, 0.0) if name == "kl" else low  # zero means the latents are unused: worth seeing
    _scale(figure, low, high, log)
    _number_ends(figure, {"train": train, "val": validation}, low, high, log)
    return figure


def single_chart(history: History, name: str, *, run_id: str, log: bool, epochs: int) -> go.Figure:
    """One number of the training steps over epochs: the total loss, or one that the objective adds."""
    train = downsample(*history.column("step", name))
    figure = _figure(f"{run_id}-{name}-{log}", epochs)
    line = {"color": GREEN if name == "loss" else GREY, "width": 2}
    figure.add_scatter(x=train[0], y=train[1], mode="lines", line=line, name=name)
    low, high = _limits([train])
    if name != "loss" and high > 0:  # a weight or a divergence is seen against zero; a bound, below it, at its own scale
        low, high = min(low, 0.0), high if low < 0 else max(train[1], default=1.0) or 1.0
    _scale(figure, low, high, log and name == "loss")
    _number_ends(figure, {"": train}, low, high, log and name == "loss")
    return figure


def kl_chart(history: History, *, run_id: str) -> go.Figure:
    """KL of each latent dimension over epochs, strongest on top, nats."""
    rows = [row for row in history.validations if row.get("kl_per_dim")]
    rows = [row for row in rows if len(row["kl_per_dim"]) == len(rows[-1]["kl_per_dim"])]
    rows = [rows[i] for i in sorted({round(k * (len(rows) - 1) / (CELLS - 1)) for k in range(CELLS)})] if rows else []
    columns = [[value or 0.0 for value in row["kl_per_dim"]] for row in rows]
    order = sorted(range(len(columns[-1])), key=lambda d: columns[-1][d]) if columns else []
    figure = _figure(f"{run_id}-kl-per-dim", 0)
    figure.add_heatmap(
        x=[row["epoch"] for row in rows], y=[f"z{d}" for d in order], z=[[column[d] for column in columns] for d in order],
        zmin=0, colorscale=[[0, "rgba(76,110,245,0.03)"], [1, "rgba(76,110,245,1)"]], xgap=1, ygap=1,
        hovertemplate="%{y}, epoch %{x:.1f}: %{z:.2f} nats<extra></extra>",
        colorbar={"thickness": 6, "len": 1, "outlinewidth": 0, "nticks": 3},
    )  # fmt: skip
    figure.update_layout(margin={"l": 34, "r": 6}, height=MAP_HEIGHT)
    figure.update_yaxes(type="category", showgrid=False, nticks=12)
    figure.update_xaxes(autorange=True, showgrid=False, title=None)
    return figure


def _figure(revision: str, epochs: int) -> go.Figure:
    figure = go.Figure()
    figure.update_layout(
        height=HEIGHT, margin={"l": 36, "r": 68, "t": 8, "b": 22}, showlegend=False, uirevision=revision,
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)", hovermode="x unified", transition={"duration": 0},
    )  # fmt: skip
    figure.update_xaxes(showgrid=False, nticks=5, zeroline=False, title=None, hoverformat=".2f")
    if epochs:
        figure.update_xaxes(range=[0, epochs])
    figure.update_yaxes(nticks=4, zeroline=False, title=None, hoverformat=".2f")
    return figure


def _limits(curves: Sequence[Curve]) -> tuple[float, float]:
    """What the axis shows: everything but the first few values, which would flatten the rest."""
    late = [y for _, ys in curves for y in ys[min(len(ys) - 1, 1 + len(ys) // 20) :]]
    if not late:
        return 0.0, 1.0
    low, high = min(late), max(late)
    room = 0.06 * (high - low) or max(abs(high), 1.0) * 0.05
    return low - room, high + room


def _scale(figure: go.Figure, low: float, high: float, log: bool) -> None:
    if log:
        low = max(low, high / 1000, 1e-3)
        figure.update_yaxes(type="log", range=[math.log10(low), math.log10(max(high, low * 1.1))], dtick="D2")
    else:
        figure.update_yaxes(range=[low, high])


def _number_ends(figure: go.Figure, ends: dict[str, Curve], low: float, high: float, log: bool) -> None:
    """The last values right of the curves' end, at their height but never on top of each other."""
    values = sorted(((ys[-1], label) for label, (_, ys) in ends.items() if ys), reverse=True)
    right = max((xs[-1] for xs, _ in ends.values() if xs), default=0.0)
    places = [_place(value, low, high, log) for value, _ in values]
    if len(places) == 2 and places[0] - places[1] < 0.13:
        middle = min(max(sum(places) / 2, 0.065), 0.935)
        places = [middle + 0.065, middle - 0.065]
    for (value, label), place in zip(values, places, strict=True):
        text = f"{label} {value:.2f}" if abs(value) < 10 else f"{label} {value:.1f}"
        figure.add_annotation(x=right, xshift=6, y=place, yref="paper", text=text.strip(), showarrow=False,
                              xanchor="left", font={"size": 11})  # fmt: skip


def _place(value: float, low: float, high: float, log: bool) -> float:
    """Height in the figure, 0 to 1."""
    if log:
        low = max(low, high / 1000, 1e-3)
        low, high, value = math.log10(low), math.log10(max(high, low * 1.1)), math.log10(max(value, 1e-6))
    return min(1.0, max(0.0, (value - low) / (high - low)))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
