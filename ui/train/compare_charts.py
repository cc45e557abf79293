"""Several runs -> Plotly figures: a number of all of them over time, and rate against distortion."""

from __future__ import annotations

import math

import numpy as np
import plotly.graph_objects as go

from ui.train import curves
from ui.train.compare_table import Compared
from ui.train.curves import GREY, View
from ui.train.few_points import smoothed, spikes_kept

COLOURS = ("#4c6ef5", "#f59f00", "#37b24d", "#e64980", "#15aabf", "#7950f2", "#a9743f", "#868e96")  # as many runs as compare
LINES = 6  # of equal ELBO
HEIGHT = 220


def overlaid(compared: list[Compared], name: str, view: View) -> go.Figure:
    """One number of several runs: training as a line, validation dotted. The colour tells the run."""
    log = view.log and name in curves.LOGARITHMIC
    unit, sign = max((curves.unit_of(one.history, view) for one in compared), default=(1.0, ""))
    figure = curves.blank(f"compare-{name}-{view.axis}-{log}", 0, sign)
    drawn = []
    for one in compared:
        train, validation = ((xs / unit, ys) for xs, ys in (one.history.column(kind, name, view.axis)
                                                            for kind in ("step", "validation")))  # fmt: skip
        raw = spikes_kept(*train)
        line = smoothed(*train, view.smoothing) if view.smoothing and len(train[0]) > 2 else raw
        if line is not raw:
            _line(figure, raw, f"{one.run.name}, raw", {"color": one.colour, "width": 1}, opacity=0.3)
        _line(figure, line, one.run.name, {"color": one.colour, "width": 2})
        if len(validation[0]):
            _line(figure, validation, f"{one.run.name}, validation", {"color": one.colour, "width": 1.5, "dash": "dot"})
        drawn += [raw, validation]
    low, high = curves.limits(name, drawn)
    curves.scale(figure, low, high, log)
    figure.update_layout(height=HEIGHT, margin={"r": 8})
    return figure


def rate_distortion(compared: list[Compared]) -> go.Figure | None:
    """KL against reconstruction of the test images, a point a run, over lines of equal ELBO; None without any test figure."""
    points = [(one, one.test("kl"), one.test("reconstruction")) for one in compared if not one.plain]
    known = [(one, rate, distortion) for one, rate, distortion in points if rate is not None and distortion is not None]
    if not known:
        return None
    figure = curves.blank("compare-rate-distortion", 0, "")
    low_x, high_x = _range([rate for _, rate, _ in known], least=0.0)
    low_y, high_y = _range([distortion for _, _, distortion in known])
    for total in _round_steps(low_x + low_y, high_x + high_y):
        _equal_elbo(figure, total, (low_x, high_x), (low_y, high_y))
    for one, rate, distortion in known:
        words = f"{one.run.name}<br>KL {rate:.1f}, reconstruction {distortion:.1f}<br>test ELBO {-rate - distortion:.1f}"
        figure.add_scatter(x=[rate], y=[distortion], mode="markers", marker={"size": 13, "color": one.colour}, cliponaxis=False,
                           hovertemplate=words.replace("-", "−") + "<extra></extra>", name=one.run.name)  # fmt: skip
    figure.update_layout(height=300, hovermode="closest", margin={"l": 52, "r": 12, "b": 44})
    figure.update_xaxes(range=[low_x, high_x], title="KL: rate, nats per image")
    figure.update_yaxes(range=[low_y, high_y], title="reconstruction: distortion", showgrid=False)
    return figure


def _line(figure: go.Figure, curve: curves.Curve, name: str, line: dict[str, object], opacity: float = 1.0) -> None:
    figure.add_scatter(x=curves.few(curve[0]), y=curves.few(curve[1]), mode="lines", line=line, name=name, opacity=opacity)


def _equal_elbo(figure: go.Figure, total: float, xs: tuple[float, float], ys: tuple[float, float]) -> None:
    """The line on which KL + reconstruction is `total`, with its ELBO at the upper end."""
    left, right = max(xs[0], total - ys[1]), min(xs[1], total - ys[0])
    if left >= right:
        return
    figure.add_scatter(x=[left, right], y=[total - left, total - right], mode="lines", hoverinfo="skip",
                       line={"color": GREY, "width": 1, "dash": "dot"}, opacity=0.6, showlegend=False)  # fmt: skip
    text = f"ELBO {0 - total:g}".replace("-", "−")
    figure.add_annotation(x=left, y=total - left, text=text, showarrow=False, xanchor="left", yanchor="top",
                          font={"size": 10, "color": GREY})  # fmt: skip


def _range(values: list[float], least: float = -math.inf) -> tuple[float, float]:
    """Room around the values, so that also a single point has some."""
    low, high = min(values), max(values)
    room = 0.25 * (high - low) or max(abs(high) * 0.1, 1.0)
    return max(least, low - room), high + room


def _round_steps(low: float, high: float) -> list[float]:
    """About LINES round numbers between two."""
    raw = (high - low) / LINES
    size = 10 ** math.floor(math.log10(raw))
    step = next(size * times for times in (1, 2, 5, 10) if size * times >= raw)
    return np.arange(math.ceil(low / step) * step, high, step).round(9).tolist()
