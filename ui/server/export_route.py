"""The route `/export?model=NAME&what=gif|mp4|sheet|npz`: POST latents (K x D float32), get a file of their pictures.

`through=training`: POST one latent, get its picture by every snapshot of the model's training and, last, by the model itself.

`columns`, for a sheet: 1 to 1024, at most as many as there are pictures; without it the sheet is about square.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from starlette.responses import Response
from starlette.routing import Route

from ui.server.http_routes import BadRequestError, Pieces, served, whole_number
from ui.server.worker_threads import TaskQueue
from ui.shared import cached_models
from vae_core.errors import LatentError

if TYPE_CHECKING:
    from starlette.requests import Request

    from vae_core.latent.latent_model import LatentModel
    from vae_core.model_files.model_list import ModelEntry

MAX_PICTURES = 1024
MAX_BYTES = 64 << 20  # of pictures in one file: 341 of 256x256 in colour
PASS = 64  # pictures decoded at a time
SHEET_SIDE = 84  # px: small pictures are enlarged to about this on a sheet
KINDS = {"gif": "image/gif", "mp4": "video/mp4", "sheet": "image/png", "npz": "application/zip"}
_queue = TaskQueue("exports", threads=1, waiting=8)


def decoded(model: LatentModel, z: np.ndarray) -> np.ndarray:
    """The pictures of latents (K, D)."""
    return np.concatenate([model.decode(z[start : start + PASS]) for start in range(0, len(z), PASS)])


def through_training(entry: ModelEntry, model: LatentModel, z: np.ndarray) -> np.ndarray:
    """The pictures of one latent (1, D) by each snapshot of a model's training and by the model itself.

    Raises:
        LatentError: there is more than one latent, or there are no snapshots.
    """
    if len(z) != 1:
        raise LatentError(f"One z is followed through training; got {len(z)}.")
    snapshots = [cached_models.decoder(cached_models.at_step(entry, step)) for step in cached_models.steps_of(entry)]
    if not snapshots:
        raise LatentError(f"There are no snapshots of {entry.name!r}: only the models of this server's runs have them.")
    return np.concatenate([one.decode(z) for one in (*snapshots, model)])


def exported(what: str, z: np.ndarray, pictures: np.ndarray, columns: int | None) -> bytes:
    """The file."""
    from vae_core.images import export_formats

    if what == "gif":
        return export_formats.gif(pictures)
    if what == "mp4":
        return export_formats.mp4(pictures)
    if what == "sheet":
        return export_formats.sheet(pictures, columns=columns, side=SHEET_SIDE)
    return export_formats.npz(z, pictures)


def latents(body: bytes, latent_dim: int, shape: tuple[int, int, int]) -> np.ndarray:
    """(K, D) float32 of a request's body.

    Raises:
        LatentError: another length, or too many for one file of pictures of this shape.
    """
    if not body or len(body) % (4 * latent_dim):
        raise LatentError(f"The request must hold K x {latent_dim} float32; got {len(body)} bytes.")
    z = np.frombuffer(body, "<f4").reshape(-1, latent_dim)
    most = min(MAX_PICTURES, MAX_BYTES // math.prod(shape))
    if len(z) > most:
        raise LatentError(f"At most {most} pictures of {shape[1]}x{shape[0]} go into one file; got {len(z)}.")
    return z


def _answer(request: Request, body: bytes) -> Response:
    what = request.query_params.get("what", "")
    if what not in KINDS:
        raise BadRequestError(f"unknown kind of file {what[:20]!r}; choose from {', '.join(KINDS)}.")
    columns = whole_number(request, "columns", least=1, most=MAX_PICTURES) if request.query_params.get("columns") else None
    entry = cached_models.entry(request.query_params.get("model", ""))
    model = cached_models.open_entry(entry)
    z = latents(body, model.latent_dim, model.image_shape)
    through = request.query_params.get("through", "")
    if through not in ("", "training"):
        raise BadRequestError(f"through is 'training' or nothing; got {through[:20]!r}.")
    pictures = through_training(entry, model, z) if through else decoded(model, z)
    return Pieces(exported(what, z, pictures, columns), media_type=KINDS[what])


def export_route(prefix: str = "") -> Route:
    """The route for `st.App(routes=[...])`; `prefix` is Streamlit's base path, if any."""
    return Route(f"{prefix}/export", served(_answer, _queue, most=4 * 256 * MAX_PICTURES), methods=["POST"])
