"""The Encode page's second model: the same input image through both, and what differs."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from ui.encode import picture_and_preprocessing
from ui.encode import posterior_charts as charts
from ui.encode.picture_and_preprocessing import heading, note
from ui.encode.posterior_charts import number
from ui.shared import cached_models, comparable_models, error_sentences, user_session
from vae_core.errors import LatentWalkError
from vae_core.images import to_uint8

if TYPE_CHECKING:
    from vae_core.latent.latent_model import Encoding, LatentModel
    from vae_core.model_files.model_list import ModelEntry

WIDGET = "encode.compared"  # a widget's own key dies with its page, so the choice is copied to state.COMPARED
STYLE = Path(__file__).parent / "second_model.css"
EQUAL = 0.05  # nats; less is the same number on the page


def choose(entry: ModelEntry) -> str | None:
    """The picker of the second model; its name, None for none; once more a name that is gone, so that it is said."""
    names = [other.name for other in comparable_models.others(entry)]
    chosen = st.session_state[user_session.COMPARED]
    gone = chosen is not None and chosen != entry.name and chosen not in names
    if gone:
        st.session_state[user_session.COMPARED] = None
    st.session_state[WIDGET] = chosen if chosen in names else None
    st.selectbox(
        "Compare with another model",
        names,
        key=WIDGET,
        index=None,
        placeholder="Compare with…",
        label_visibility="collapsed",
        width=180,
        disabled=not names,
        on_change=_chosen,
    )
    return chosen if gone else st.session_state[WIDGET]


def _chosen() -> None:
    st.session_state[user_session.COMPARED] = st.session_state[WIDGET]


def second_encoding(name: str, model: LatentModel, x: np.ndarray) -> tuple[LatentModel, Encoding] | str:
    """The second model and what it makes of x (C, H, W), or a sentence why it cannot be asked."""
    try:
        other = cached_models.model(name)
        if not other.can_encode:
            return f"{name} is a decoder alone: it cannot encode this picture."
        if other.image_shape != model.image_shape:
            there, here = comparable_models.shape_words(other.header), comparable_models.shape_words(model.header)
            return f"{name} cannot see this picture: its own are {there}, this one is {here}."
        encoding = picture_and_preprocessing.encoded(cached_models.entry(name), other, x)
    except (LatentWalkError, OSError) as error:
        return error_sentences.explain(error).what
    if not all(np.isfinite(values).all() for values in (encoding.mu, encoding.elbo, encoding.x_hat)):
        return f"{name} answers with numbers that are not finite; its training has probably diverged."
    return other, encoding


def show(names: tuple[str, str], models: tuple[LatentModel, LatentModel], x: np.ndarray, pair: tuple[Encoding, Encoding]) -> None:
    """Both reconstructions with their errors, and the nats of both in one table."""
    st.html(STYLE)
    st.html(pictures(names, x, (pair[0].x_hat[0], pair[1].x_hat[0])))
    if not all(encoding.has_bound for encoding in pair):
        note(comparable_models.nats_trouble(models[0].header, models[1].header))
        return
    trouble = comparable_models.nats_trouble(models[0].header, models[1].header)
    heading("In nats", verdict(names, elbos(pair), trouble))
    st.html(table(names, pair, comparable=not trouble))
    data = models[1].header.config.data.name
    if trouble:
        note(trouble)
    elif data != models[0].header.config.data.name:
        note(f"{names[1]} was trained on {data}: pictures of other data are foreign to it.")


def elbos(pair: tuple[Encoding, Encoding]) -> tuple[float, float]:
    """Both ELBOs of the one picture, nats."""
    return float(pair[0].elbo[0]), float(pair[1].elbo[0])


def verdict(names: tuple[str, str], both: tuple[float, float], trouble: str) -> str:
    """Which model finds the picture more likely, and by how much."""
    if trouble:
        return "not comparable"
    if abs(both[1] - both[0]) < EQUAL:
        return "both find it equally likely"
    return f"{names[both[1] > both[0]]} is ahead by {number(abs(both[1] - both[0]))} nats"


def pictures(names: tuple[str, str], x: np.ndarray, x_hats: tuple[np.ndarray, np.ndarray]) -> str:
    """The input, both reconstructions, under them their errors; the place under the input holds the scale."""
    first, second = (escape(name) for name in names)
    scale = '<span class="enc-scale">0<i></i>1</span>'
    cells = [_figure(charts.picture(to_uint8(x), "input as the models see it", "enc-x"), "input")]
    for name, x_hat in zip(names, x_hats, strict=True):
        cells.append(_figure(charts.picture(to_uint8(x_hat), f"reconstruction from mu by {name}", "enc-xhat"), escape(name)))
    means = [float(np.abs(x - x_hat).mean()) for x_hat in x_hats]
    lower = [mean == min(means) and means[0] != means[1] for mean in means]
    cells.append(
        f'<p class="enc-key">Below: the errors, always on the scale {scale}<br>Above: reconstructions by {first} and {second}</p>'
    )
    for name, x_hat, mean, best in zip(names, x_hats, means, lower, strict=True):
        alt = f"absolute error of {name}, mean {mean:.3f}, on a fixed scale from 0 to 1"
        under = f"<b>error {mean:.3f}</b>" if best else f"error {mean:.3f}"
        cells.append(_figure(charts.picture(charts.error_map(x, x_hat), alt, "enc-error"), under))
    return f'<div class="enc-pair">{"".join(cells)}</div>'


def _figure(image: str, caption: str) -> str:
    return f"<figure>{image}<figcaption>{caption}</figcaption></figure>"


def table(names: tuple[str, str], pair: tuple[Encoding, Encoding], *, comparable: bool) -> str:
    """The ELBO's terms of both models, the better ELBO bold, and what the second has more of each."""
    from vae_core.latent.latent_model import ENCODE_DRAWS  # with it comes torch

    rows = ""
    for label, field, kind in (("log p(x|z)", "log_px_z", ""), ("KL(q ‖ p)", "kl", ""), ("ELBO", "elbo", "enc-total")):
        values = [float(getattr(encoding, field)[0]) for encoding in pair]
        shown = [number(value) for value in values]
        delta = values[1] - values[0]
        if field == "elbo" and comparable and abs(delta) >= EQUAL:
            better = int(delta > 0)
            shown[better] = f"<b>{shown[better]}</b>"
        cells = "".join(f"<td>{cell}</td>" for cell in (*shown, signed(delta) if comparable else "–"))
        rows += f'<tr class="{kind}"><th scope="row">{label}</th>{cells}</tr>'
    heads = "".join(f'<th scope="col" title="{escape(head)}">{escape(head)}</th>' for head in (*names, "Δ nats"))
    title = f"log p(x|z) is a mean over {ENCODE_DRAWS} draws of z; Δ is the second less the first"
    head = f"<thead><tr><td></td>{heads}</tr></thead>"
    return f'<table class="enc-both" title="{title}">{head}<tbody>{rows}</tbody></table>'


def signed(value: float) -> str:
    """A difference with its sign; 0.0 has none."""
    shown = number(value)
    return f"+{shown}" if value > 0 and shown != "0.0" else shown
