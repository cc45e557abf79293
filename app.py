"""The server: Streamlit's pages, the live route beside them, and a model that is ready before the first visitor asks."""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st

from ui.server import live_route, streamlit_internals
from ui.server.download_route import download_route
from ui.server.export_route import export_route
from ui.server.javascript_route import modules_route
from ui.server.map_route import map_routes
from ui.server.metrics_csv_route import metrics_csv_route
from ui.server.onnx_route import onnx_routes
from ui.server.publish_route import publish_routes
from ui.server.training_route import training_routes
from ui.shared import cached_models, default_z, model_picker

log = logging.getLogger("latent_walk")


def warm_up() -> None:
    """Imports torch, opens the default model and decodes once, so that the first picture does not wait for any of it."""
    try:
        if entries := cached_models.models():
            default_z.place(cached_models.entry(model_picker.default_name(entries)))
    except (ValueError, OSError) as error:  # the page will say the same to the person
        log.warning("The default model could not be opened: %s", error)
    gc.freeze()  # what is loaded stays loaded; to look through it again would stop every socket for a tenth of a second


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    threading.Thread(target=warm_up, name="warm-up", daemon=True).start()
    yield
    live_route.shutdown()


streamlit_internals.only_pages_of_our_own()

base = (st.get_option("server.baseUrlPath") or "").strip("/")
prefix = f"/{base}" if base else ""
app = st.App(
    "ui/main.py",
    routes=[
        live_route.live_route(prefix),
        modules_route(prefix),
        *map_routes(prefix),
        *training_routes(prefix),
        export_route(prefix),
        download_route(prefix),
        metrics_csv_route(prefix),
        *onnx_routes(prefix),
        *publish_routes(prefix),
    ],
    lifespan=lifespan,
)
