"""How a model came about, for models of runs: what the explorer's time scrubber asks for over HTTP.

`/training?model=NAME`: how the training stands, as JSON: {live, version, step, epoch, snapshots: [{step, epoch, quality}],
none: [why there are no snapshots, a sentence more about it]}. `live` says whether it goes on; `step` and `epoch` are those of
the weights in the model's file, `version` changes with the file, which has been opened when the answer comes. No snapshots for
what no run of this server has trained; `none` is empty there and where it is not known why.
`/training/codes?model=NAME&after=STEP`: the codes of the same few test images at every snapshot after a step (-1: all), little
endian: u32 count K, u32 images N, u32 latent size D, K x u32 steps, K x N x D float32, u16 labels (N).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ui.server.http_routes import Pieces, served, whole_number
from ui.server.worker_threads import TaskQueue
from ui.shared import cached_models, follow_training
from vae_core.errors import CheckpointError
from vae_core.model_files.header import weight_count
from vae_core.runs import snapshot_files

if TYPE_CHECKING:
    from starlette.requests import Request

    from vae_core.array_types import Float32s
    from vae_core.model_files.model_list import ModelEntry

FRESH = {"Cache-Control": "no-store"}
MOST_STEPS = 10**8
_looking = TaskQueue("training", threads=1, waiting=100)
_reading = TaskQueue("codes of snapshots", threads=1, waiting=30)


def _state(request: Request, _: bytes) -> Response:
    entry = cached_models.entry(request.query_params.get("model", ""))
    live = follow_training.goes_on(entry)
    if live:
        cached_models.open_entry(entry)
    header = cached_models.header(entry)
    state = {"live": live, "version": str(entry.mtime_ns), "step": header.step, "epoch": header.epoch}
    snapshots = _snapshots(entry)
    return JSONResponse({**state, "snapshots": snapshots, "none": [] if snapshots else _why_none(entry)}, headers=FRESH)


def _why_none(entry: ModelEntry) -> list[str]:
    weights = weight_count(entry.path) if entry.origin == "run" else 0
    if not weights or snapshot_files.most_snapshots(weights):
        return []
    few, most = snapshot_files.FEWEST, snapshot_files.MOST_BYTES / 1e6
    return [
        f"no snapshots of this training: {weights / 500_000:,.0f} MB each is too much",
        f"Snapshots lead back through a training. A run keeps them where at least {few} fit into {most:.0f} MB.",
    ]


def _snapshots(entry: ModelEntry) -> list[dict[str, Any]]:
    found = []
    for step in cached_models.steps_of(entry):
        try:
            header = cached_models.header(cached_models.at_step(entry, step))
        except (CheckpointError, OSError):
            continue  # put away in this moment, or broken
        found.append({"step": step, "epoch": header.epoch, "quality": header.quality})
    return found


def _codes(request: Request, _: bytes) -> Response:
    entry = cached_models.entry(request.query_params.get("model", ""))
    after = -1 if request.query_params.get("after") == "-1" else whole_number(request, "after", least=0, most=MOST_STEPS)
    steps: list[int] = []
    means: list[Float32s] = []
    labels = np.zeros(0, np.int64)
    for step in cached_models.steps_of(entry):
        if step <= after:
            continue
        snapshot = cached_models.decoder(cached_models.at_step(entry, step))
        if snapshot.test_means is None or snapshot.test_labels is None or (means and means[0].shape != snapshot.test_means.shape):
            continue  # none of ours
        steps.append(step)
        means.append(snapshot.test_means)
        labels = snapshot.test_labels
    images, size = means[0].shape if means else (0, 0)
    head = struct.pack(f"<III{len(steps)}I", len(steps), images, size, *steps)
    body = head + b"".join(part.astype("<f4").tobytes() for part in means) + labels.astype("<u2").tobytes()
    return Pieces(body, media_type="application/octet-stream", headers=FRESH)


def training_routes(prefix: str = "") -> list[Route]:
    """The routes for `st.App(routes=[...])`; `prefix` is Streamlit's base path, if any."""
    return [
        Route(f"{prefix}/training", served(_state, _looking)),
        Route(f"{prefix}/training/codes", served(_codes, _reading)),
    ]
