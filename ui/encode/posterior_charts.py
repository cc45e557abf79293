"""The Encode page's numbers as small pictures and bars, to scale, in plain HTML that follows the theme (see encode.css).

Everything a bar shows is also in its label, for screen readers and for tests. Text from outside is escaped here.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae_core.images import Pixels, Step, to_png

STEPS_IN_A_ROW = 5  # of the steps from a file to the input; more make two rows of about the same length
FOLD = 12  # dimensions; from here on, those that carry nothing are folded away
_CHARACTER = 0.0155  # a character's width as a share of the sum bar's
CARRIES = 0.01  # nats; a dimension with less KL says nothing about this image
_HEAT = np.array(  # black, purple, orange, pale yellow: even steps of lightness (after matplotlib's inferno)
    [(0, 0, 4), (40, 11, 84), (101, 21, 110), (159, 42, 99), (212, 72, 66), (245, 125, 21), (250, 193, 39), (252, 255, 164)],
    float,
)


MEANINGS = {
    "input": "x: the picture as the model receives it.",
    "reconstruction": "decode(μ): what the decoder draws from the most likely code of this picture.",
    "error": "|x − x̂|: where input and reconstruction differ; black is no difference, yellow the largest possible.",
    "log p(x|z)": "How well the decoder redraws the picture from its code: the closer to 0, the better.",
    "KL(q ‖ p)": "How much the code says about this picture beyond what holds for any: the price of the code.",
    "ELBO": "log p(x|z) − KL: how likely the model finds this picture, at least. Higher is better.",
    "median": "Half of the test images have a higher ELBO than this, half a lower one.",
}


def number(value: float, digits: int = 1) -> str:
    """A number with a true minus sign; never "−0.0"."""
    text = f"{value:.{digits}f}"
    return text.replace("-", "−") if float(text) else text.removeprefix("-")


def heat(values: NDArray[np.floating]) -> Pixels:
    """Values (H, W) on the fixed scale 0 to 1 as colours (H, W, 3)."""
    places = np.clip(values, 0, 1) * (len(_HEAT) - 1)
    channels = [np.interp(places, np.arange(len(_HEAT)), _HEAT[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def error_map(x: NDArray[np.floating], x_hat: NDArray[np.floating]) -> Pixels:
    """|x - x_hat| of two pictures (C, H, W), averaged over channels, as colours on the fixed scale 0 to 1."""
    return heat(np.abs(x - x_hat).mean(axis=0))


def picture(pixels: Pixels, description: str, kind: str = "") -> str:
    """One picture, its pixels as squares."""
    source = base64.b64encode(to_png(pixels)).decode()
    words = escape(description)
    return f'<img class="enc-img {kind}" alt="{words}" title="{words}" src="data:image/png;base64,{source}">'


def triptych(x: Pixels, x_hat: Pixels, error: Pixels, mean_error: float) -> str:
    """Input, reconstruction and error side by side, with the error's fixed scale under it."""
    scale = '<span class="enc-scale" aria-hidden="true">0<i></i>1</span>'
    wrong = f"absolute error, mean {mean_error:.3f}, on a fixed scale from 0 to 1"
    parts = (
        (picture(x, "input as the model sees it", "enc-x"), "input", MEANINGS["input"]),
        (picture(x_hat, "reconstruction from mu", "enc-xhat"), "reconstruction", MEANINGS["reconstruction"]),
        (picture(error, wrong, "enc-error"), f"error {scale}", MEANINGS["error"]),
    )
    cells = "".join(
        f'<figure title="{escape(meaning)}">{image}<figcaption>{caption}</figcaption></figure>'
        for image, caption, meaning in parts
    )
    return f'<div class="enc-tri">{cells}</div>'


def steps_strip(steps: Sequence[Step]) -> str:
    """The steps from the file to the network's input, as small pictures with their names."""
    columns = len(steps) if len(steps) <= STEPS_IN_A_ROW else math.ceil(len(steps) / 2)
    cells = (
        f"<li><span>{picture(step.preview, f'{step.name}: {step.detail}')}</span><small>{escape(step.name)}</small></li>"
        for step in steps
    )
    label = "Steps from the file to the input"
    return f'<ol class="enc-steps" style="--columns:{columns}" aria-label="{label}">{"".join(cells)}</ol>'


def draws_strip(pictures: Pixels) -> str:
    """Decoded draws from q(z|x), uint8 (K, H, W, C)."""
    return f'<div class="enc-draws">{"".join(picture(one, f"draw {i + 1}") for i, one in enumerate(pictures))}</div>'


def posterior_bars(mu: ArrayLike, std: ArrayLike, kl_per_dim: ArrayLike) -> str:
    """A bar per dimension: mu +- sigma to scale over the density of N(0, 1), strongest KL first, with its KL in nats."""
    m, s, kl = (np.asarray(values, float) for values in (mu, std, kl_per_dim))
    limit = axis_limit(m, s)
    order = np.argsort(-kl, kind="stable")
    silent = [d for d in order if kl[d] < CARRIES] if len(order) > FOLD else []
    shown = [d for d in order if d not in silent]
    rows = "".join(_row(int(d), m[d], s[d], kl[d], limit, kl.max()) for d in shown)
    if silent:
        folded = "".join(_row(int(d), m[d], s[d], kl[d], limit, kl.max()) for d in silent)
        rows += f"<details><summary>{len(silent)} dimensions that say nothing about this image</summary>{folded}</details>"
    return f'<div class="enc-bars" style="--prior:{_prior_gradient(limit)}">{rows}</div>{_axis(limit)}'


def correlation_sentence(pairs: NDArray[np.floating]) -> str:
    """Which two dimensions depend on each other most, from the correlation of each pair, below the diagonal and row by row."""
    size = round((1 + math.sqrt(1 + 8 * len(pairs))) / 2)
    strongest = int(np.abs(pairs).argmax())
    row, column = (int(indices[strongest]) for indices in np.tril_indices(size, -1))
    value = number(float(pairs[strongest]), 2)
    return f"The dimensions depend on each other, most of all z{column} and z{row}: their correlation is {value}."


def point_bars(code: ArrayLike) -> str:
    """A tick per dimension over the density of N(0, 1), which an autoencoder's codes are brought to."""
    z = np.asarray(code, float)
    limit = axis_limit(z, np.zeros_like(z))
    rows = "".join(
        f'<div class="enc-bar" role="img" aria-label="z{d}: {value:.2f}" data-dim="{d}"><span>z{d}</span><span class="enc-ax">'
        f'<b style="left:{(value + limit) / (2 * limit):.3%}"></b></span><span class="enc-value">{number(value, 2)}</span></div>'
        for d, value in enumerate(z)
    )
    return f'<div class="enc-bars" style="--prior:{_prior_gradient(limit)}">{rows}</div>{_axis(limit, "")}'


def axis_limit(mu: NDArray[np.floating], std: NDArray[np.floating]) -> int:
    """The axis runs from -limit to limit: 3, or more where a bar would leave it."""
    return max(3, math.ceil(float(np.max(np.abs(mu) + std))))


def _row(d: int, mu: float, std: float, kl: float, limit: int, most: float) -> str:
    left, width = (mu - std + limit) / (2 * limit), std / limit
    label = f"z{d}: mu {mu:.2f}, sigma {std:.2f}, KL {kl:.2f} nats"
    interval = f'<i style="left:{left:.3%};width:{width:.3%}"></i><b style="left:{(mu + limit) / (2 * limit):.3%}"></b>'
    amount = f'<small>{number(kl, 2 if kl < 0.995 else 1)}</small><i style="width:{kl / max(most, 1e-9):.1%}"></i>'
    value = f"{number(mu, 2)} ± {std:.{2 if std >= 0.0095 else 3}f}"
    cells = (
        f'<span>z{d}</span><span class="enc-ax">{interval}</span>'
        f'<span class="enc-value">{value}</span><span class="enc-kl">{amount}</span>'
    )
    return f'<div class="enc-bar" role="img" aria-label="{label}" data-dim="{d}">{cells}</div>'


def _prior_gradient(limit: int) -> str:
    """The density of N(0, 1) from -limit to limit, as the strength of a tint."""
    places = np.linspace(-limit, limit, 25)
    strengths = np.exp(-0.5 * places**2) * 34  # per cent of the accent colour at 0
    stops = ",".join(f"color-mix(in srgb,var(--enc-acc) {strength:.1f}%,transparent)" for strength in strengths)
    return f"linear-gradient(90deg,{stops})"


def _axis(limit: int, unit: str = "nats") -> str:
    ticks = "".join(f'<em style="left:{(t + limit) / (2 * limit):.2%}">{number(t, 0)}</em>' for t in (-limit, -1, 0, 1, limit))
    cells = f'<span></span><span class="enc-ax">{ticks}</span><span></span><small>{unit}</small>'
    return f'<div class="enc-bar enc-ticks" aria-hidden="true">{cells}</div>'


def nats(log_px_z: float, kl: float, typical: float | None) -> str:
    """-log p(x|z) and KL as one bar whose length is -ELBO, and the same in numbers; `typical` is the test set's median ELBO."""
    rows = [
        ("log p(x|z)", number(log_px_z), "", MEANINGS["log p(x|z)"]),
        ("KL(q ‖ p)", number(kl), "", MEANINGS["KL(q ‖ p)"]),
        ("ELBO", number(log_px_z - kl), "enc-strong", MEANINGS["ELBO"]),
    ]
    if typical is not None:
        rows.append(('<i class="enc-dots"></i>ELBO of the median test image', number(typical), "enc-muted", MEANINGS["median"]))
    table = "".join(
        f'<tr class="{kind}" title="{escape(meaning)}"><td>{name}</td><td>{value}</td></tr>'
        for name, value, kind, meaning in rows
    )
    return f'{sum_bar(-log_px_z, kl, typical)}<table class="enc-nats">{table}</table>'


def sum_bar(reconstruction: float, kl: float, typical: float | None) -> str:
    """Two segments on one axis, the second beginning where the first ends. A density above 1 makes the first one negative."""
    ends = [0.0, reconstruction, reconstruction + kl] + ([] if typical is None else [-typical])
    low, span = min(ends), (max(ends) - min(ends)) * 1.02 or 1.0
    first = _segment("enc-rec", f"− log p(x|z) {number(reconstruction)}", sorted((0.0, reconstruction)), low, span)
    second = _segment("enc-sum-kl", f"KL {number(kl)}", [reconstruction, reconstruction + kl], low, span)
    label = f"minus log p(x|z) {reconstruction:.1f} and KL {kl:.1f} make {reconstruction + kl:.1f} nats"
    mark = "" if typical is None else _typical_mark(typical, low, span)
    crossed = " enc-crossed" if reconstruction < 0 else ""
    return f'<div class="enc-sum{crossed}" role="img" aria-label="{label}">{mark}{first}{second}</div>'


def _segment(kind: str, text: str, ends: Sequence[float], low: float, span: float) -> str:
    left, width = (ends[0] - low) / span, (ends[1] - ends[0]) / span
    shown = text if width > len(text) * _CHARACTER else ""
    return f'<div class="{kind}" title="{text} nats" style="left:{left:.3%};width:{width:.3%}">{shown}</div>'


def _typical_mark(typical: float, low: float, span: float) -> str:
    return f'<s title="the median test image: {number(-typical)} nats" style="left:{(-typical - low) / span:.3%}"></s>'


def rank_sentence(percentile: float | None) -> str:
    """Where this ELBO lies among the test images'; `percentile` of them are more likely."""
    if percentile is None:
        return "this model carries no test images to compare with"
    if percentile <= 0:
        return "more likely than every test image"
    if percentile >= 100:
        return "less likely than every test image"
    return f"more likely than {min(99, max(1, round(100 - percentile)))} % of the test images"
