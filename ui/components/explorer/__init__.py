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
from vae_core.latent.slider_ranges import slider_rows

if TYPE_CHECKING:
    from ui.shared.comparable_models import Other
    from vae_core.model_files.header import LatentStatistics

HERE = Path(__file__).parent
SHARED, PATHS = ("base", "sheets"), ("pins_and_paths/pins_and_paths", "pins_and_paths/paths")
CARDS = ("sliders/rail", "picture/picture", "map/map", "share/share", *PATHS, "compare/compare", "training/training")
PARTS = (*CARDS, "help/help", "picture/presentation_mode")
STYLES = (*SHARED, *PARTS)  # a later one overrules an earlier one

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
    images: bool = True  # whether there may be real images to compare with; of an imported decoder none are known
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
    return {
        "model": view.model,
        "version": str(view.version),  # larger than a JavaScript number holds
        "session": view.session,
        "dimensions": slider_rows(measured, len(view.z), marginal=view.marginal, prior=view.prior, uniform=view.uniform),
        "encodes": view.encodes,
        "run": view.run,
        "training": view.training,
        "judged": view.judged,
        "noise": view.noise,
        "prior": view.prior,
        "uniform": view.uniform,
        "images": view.images,
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
