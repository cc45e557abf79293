"""The route `/map?model=NAME`: a model's encoded images and principal axes as one binary answer, for the map in the browser.

Little endian: u32 count N, u32 latent size D, float32 centre (D), float32 axes (D x D), float32 means (N x D), u8 labels (N).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ui import resources
from vae_core.errors import LatentWalkError

if TYPE_CHECKING:
    from starlette.requests import Request

    from vae_core.atlas import Atlas


def encoded(atlas: Atlas) -> bytes:
    """The answer's body."""
    means = atlas.points.means
    head = struct.pack("<II", *means.shape)
    floats = (atlas.centre, atlas.axes, means)
    return head + b"".join(part.astype("<f4").tobytes() for part in floats) + atlas.points.labels.tobytes()


async def _answer(request: Request) -> Response:
    try:
        body = await run_in_threadpool(_body, request.query_params.get("model", ""))
    except (LatentWalkError, OSError) as error:
        return PlainTextResponse(str(error), status_code=404)
    # The address carries the version of the model's file, so the answer never changes.
    return Response(body, media_type="application/octet-stream", headers={"Cache-Control": "private, max-age=3600"})


def _body(name: str) -> bytes:
    return encoded(resources.atlas(resources.entry(name)))


def map_route(prefix: str = "") -> Route:
    """The route for `st.App(routes=[...])`; `prefix` is Streamlit's base path, if any."""
    return Route(f"{prefix}/map", _answer)
