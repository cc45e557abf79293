"""The route `/export?model=NAME&what=gif|mp4|sheet|npz`: POST latents (K x D float32), get a file of their pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ui import resources
from vae_core.errors import LatentError, LatentWalkError

if TYPE_CHECKING:
    from starlette.requests import Request

MAX_PICTURES = 1024
SHEET_SIDE = 84  # px: small pictures are enlarged to about this on a sheet
KINDS = {"gif": "image/gif", "mp4": "video/mp4", "sheet": "image/png", "npz": "application/octet-stream"}


def exported(name: str, what: str, body: bytes, columns: int | None) -> bytes:
    """The file.

    Raises:
        LatentWalkError: unknown model or kind of file, or latents that do not fit.
    """
    from vae_core import exports

    model = resources.model(name)
    z = latents(body, model.latent_dim)
    pictures = model.decode(z)
    if what == "gif":
        return exports.gif(pictures)
    if what == "mp4":
        return exports.mp4(pictures)
    return exports.sheet(pictures, columns=columns, side=SHEET_SIDE) if what == "sheet" else exports.npz(z, pictures)


def latents(body: bytes, latent_dim: int) -> np.ndarray:
    """(K, D) float32 of a request's body.

    Raises:
        LatentError: another length, or too many.
    """
    if not body or len(body) % (4 * latent_dim):
        raise LatentError(f"The request must hold K x {latent_dim} float32; got {len(body)} bytes.")
    z = np.frombuffer(body, "<f4").reshape(-1, latent_dim)
    if len(z) > MAX_PICTURES:
        raise LatentError(f"At most {MAX_PICTURES} pictures go into one file; got {len(z)}.")
    return z


async def _answer(request: Request) -> Response:
    what, columns = request.query_params.get("what", ""), request.query_params.get("columns", "")
    if what not in KINDS:
        return PlainTextResponse(f"unknown kind of file {what!r}; choose from {', '.join(KINDS)}.", status_code=400)
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > 4 * 256 * MAX_PICTURES:
            return PlainTextResponse("The request is too large.", status_code=413)
    try:
        file = await run_in_threadpool(
            exported,
            request.query_params.get("model", ""),
            what,
            body,
            int(columns) if columns.isdecimal() and int(columns) else None,
        )
    except (LatentWalkError, OSError) as error:
        return PlainTextResponse(str(error), status_code=400)
    return Response(file, media_type=KINDS[what])


def export_route(prefix: str = "") -> Route:
    """The route for `st.App(routes=[...])`; `prefix` is Streamlit's base path, if any."""
    return Route(f"{prefix}/export", _answer, methods=["POST"])
