"""The explorer: slider rail and decoded picture in one component, live over the socket of `ui/server/live_route.py`.

`explorer(...)` is the whole interface. While a person drags, the component talks to the socket; on release it commits z, which
the page finds in the component's state. What the page sends down is compared with what the component has, so a rerun never
disturbs a drag.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from ui.server.javascript_route import bootstrap
from vae_core.model_files.header import QUANTILES

if TYPE_CHECKING:
    from ui.shared.comparable_models import Other
    from vae_core.model_files.header import LatentStatistics

HERE = Path(__file__).parent
SHARED, PATHS = ("base", "sheets"), ("pins_and_paths/pins_and_paths", "pins_and_paths/paths")
CARDS = ("sliders/rail", "picture/picture", "map/map", "share/share", *PATHS, "compare/compare", "training/training")
PARTS = (*CARDS, "help/help", "picture/presentation_mode")
STYLES = (*SHARED, *PARTS)  # a later one overrules an earlier one
LOW, HIGH = QUANTILES.index(0.005), QUANTILES.index(0.995)
ACTIVE_VARIANCE = 0.01  # Var_x(E_q[z_d|x]) above which a dimension is in use (Burda et al. 2016, section 5.2)
PRIOR_END = 2.576  # standard deviations of N(0, 1) from 0 to its 99.5 % quantile
LEAST_RANGE = 0.5  # half the width of the slider of a dimension that the data do not use

_component = st.components.v2.component(
    "latent_walk.explorer",
    html='<div class="lw-root"></div>',
    css="".join((HERE / f"{name}.css").read_text() for name in STYLES),
    js=bootstrap(HERE.name),
    isolate_styles=False,  # outside programs find the sliders with document.querySelector
)


@dataclass(frozen=True)
class View:
    """What the explorer shows: a model, the committed point, and that point's picture."""

    model: str
    version: int  # mtime_ns of the model's file: a new one means a new picture of the same point; 0 while it is being trained
    session: str  # the server's own name of this session
    statistics: LatentStatistics | None  # None: the model was never shown images
    z: list[float]
    revision: int  # grows whenever somebody other than the explorer moved z
    posterior: dict[str, Any] | None  # as ui.shared.user_session.posterior_row makes it
    picture: np.ndarray | None  # (H,W,C) uint8 of z
    shape: tuple[int, int, int]  # H, W, C
    classes: tuple[str, ...] = ()  # what label i is called
    file: str = ""  # path of the model's file, for the Python that a person may copy
    encodes: bool = True  # whether the model has an encoder; without one nothing is known of images and their codes
    prior: bool = True  # whether N(0, I) is a prior; of an autoencoder it is a Gaussian fitted to its codes
    uniform: bool = False  # whether that prior is uniform from -1 to 1 instead, of an imported decoder
    gradients: bool = True  # whether the decoder can be differentiated, as a geodesic needs
    content: str = ""  # the start of the file's sha256
    pins: list[dict[str, Any]] | None = None  # [{"z", "label", "chosen"}]; None: this session has never had any of this model
    pins_revision: int = 0  # grows whenever somebody other than the explorer changed the pins
    acknowledged: dict[str, str] = field(default_factory=dict)  # kind -> id of the newest message taken over
    run: bool = False  # a run of this server has trained it, or does: there may be snapshots
    training: bool = False  # the run goes on; newer weights come without a run of the page
    noise: bool = False  # whether its pixels can be drawn with the noise of p(x|z)
    judged: bool = True  # whether it can be said what looks like the data
    marginal: bool = False  # the KL of the dimensions do not add up
    others: tuple[Other, ...] = ()
    compared: str | None = None  # the name of the second model that the session keeps
    decoder: dict[str, str] | None = None  # {"url", "runtime", "layout", "range"} for decoding in the browser; None: only here


def explorer(view: View, *, key: str, sends: Iterable[str]) -> Any:
    """Draws the explorer; what it sends, of each kind in `sends`, is found in `st.session_state[key]` (browser_messages.py)."""
    heard: dict[str, Any] = {f"on_{kind}_change": _heard for kind in sends}
    return _component(key=key, data=payload(view), **heard)


def _heard() -> None:
    """A run is all that a message asks for; a callback that does more may be broken off."""


def payload(view: View) -> dict[str, Any]:
    """The view as JSON for main.js."""
    measured = None if view.training else view.statistics  # what changes all the time would move the sliders under the hand
    end = 1.0 if view.uniform else PRIOR_END
    rows = prior_dimensions(len(view.z), end) if measured is None else dimensions(measured, marginal=view.marginal)
    if not view.prior:
        # No KL orders them; the widest direction of the codes is the first.
        rows = sorted(({**row, "kl": None} for row in rows), key=lambda row: row["index"])
    return {
        "model": view.model,
        "version": str(view.version),  # larger than a JavaScript number holds
        "session": view.session,
        "dimensions": rows,
        "encodes": view.encodes,
        "run": view.run,
        "training": view.training,
        "judged": view.judged,
        "noise": view.noise,
        "prior": view.prior,
        "uniform": view.uniform,
        "gradients": view.gradients,
        "z": view.z,
        "revision": view.revision,
        "posterior": view.posterior,
        "picture": None if view.picture is None else {"z": view.z, "pixels": base64.b64encode(view.picture.tobytes()).decode()},
        "shape": "x".join(map(str, view.shape)),
        "classes": list(view.classes),
        "file": view.file,
        "hash": view.content,
        "pins": view.pins,
        "pinsRevision": view.pins_revision,
        "acknowledged": view.acknowledged,
        "others": [other.sent() for other in view.others],
        "compared": view.compared,
        "decoder": view.decoder,
    }


def prior_dimensions(latent_dim: int, end: float = PRIOR_END) -> list[dict[str, Any]]:
    """Every dimension where nothing was measured: the range is the prior's, from 0.5 % to 99.5 % of a normal one."""
    return [{"index": index, "low": -end, "high": end, "kl": None, "active": True} for index in range(latent_dim)]


def dimensions(statistics: LatentStatistics, *, marginal: bool = False) -> list[dict[str, Any]]:
    """Every dimension with its slider's range and KL, strongest first; the range is the aggregate posterior's 0.5 % to 99.5 %.

    Args:
        marginal: the latents of an image depend on each other, so that the KL of each do not add up.
    """
    rows = []
    for index, kl in enumerate(statistics.kl):
        low, high = statistics.quantiles[LOW][index], statistics.quantiles[HIGH][index]
        if high - low < 2 * LEAST_RANGE:
            middle = (low + high) / 2
            low, high = middle - LEAST_RANGE, middle + LEAST_RANGE
        active = statistics.mean_variance[index] > ACTIVE_VARIANCE
        row = {"index": index, "low": round(low, 3), "high": round(high, 3), "kl": kl, "active": active}
        rows.append({**row, "marginal": True} if marginal else row)
    return sorted(rows, key=lambda row: -row["kl"])
