"""What the map asks for over HTTP, beside the socket.

`/map?model=NAME`: a model's encoded images and principal axes as one binary answer.
`/map/image?model=NAME&index=I`: the I-th encoded image itself, as PNG, where the dataset is at hand.
`/map/nearest?model=NAME&z=0.1,-0.3&space=pixels|latents`: the nearest real images to the picture of z, or to z among their
codes, as JSON with PNGs in base64. The first question about latents encodes every image.
`/map/embedding?model=NAME&kind=tsne|umap`: see ui/embeddings.py.

`/map` is little endian: u32 count N, u32 latent size D, float32 centre (D), axes (D x D) and means (N x D), u8 labels (N).
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from ui import resources
from ui.address import parse_z
from ui.embeddings import embedding
from vae_core.datasets import test_image
from vae_core.errors import DataError, LatentWalkError

if TYPE_CHECKING:
    from vae_core.atlas import Atlas
    from vae_core.nearest import Neighbour

NEAREST = 4  # images shown of each kind


def encoded(atlas: Atlas) -> bytes:
    """The answer's body."""
    means = atlas.points.means
    head = struct.pack("<II", *means.shape)
    floats = (atlas.centre, atlas.axes, means)
    return head + b"".join(part.astype("<f4").tobytes() for part in floats) + atlas.points.labels.tobytes()


def _points(name: str, _: Request) -> Response:
    # The address carries the version of the model's file, so the answer never changes.
    return Response(
        encoded(resources.atlas(resources.entry(name))),
        media_type="application/octet-stream",
        headers={"Cache-Control": "private, max-age=3600"},
    )


def _image(name: str, request: Request) -> Response:
    from vae_core.exports import png

    header = resources.header(resources.entry(name))
    if header.metrics.split != "test":
        raise DataError("While a model is in training its map shows validation images, which have no number of their own.")
    index = request.query_params.get("index", "")
    if not index.isdecimal():
        raise DataError(f"index must be a whole number from 0; got {index[:20]!r}.")
    image, _ = test_image(header.config.data.name, int(index))
    return Response(png(np.atleast_3d(image)), media_type="image/png", headers={"Cache-Control": "private, max-age=3600"})


def _nearest(name: str, request: Request) -> Response:
    entry = resources.entry(name)
    model = resources.open_entry(entry)
    z = parse_z(request.query_params.get("z", ""), model.latent_dim)
    real = resources.real_images(entry)
    space = request.query_params.get("space", "")
    if space == "pixels":
        found = real.in_pixels(model.decode([z])[0], NEAREST)
    elif space == "latents":
        found = real.in_latents(z, NEAREST)
    else:
        raise DataError(f"space must be 'pixels' or 'latents'; got {space[:20]!r}.")
    return JSONResponse({"source": real.source, "found": [_shown(neighbour) for neighbour in found]})


def _shown(found: Neighbour) -> dict[str, object]:
    from vae_core.exports import png

    return {"png": base64.b64encode(png(found.image)).decode(), "label": found.label, "distance": found.distance}


def _served(answer: Callable[[str, Request], Response]) -> Callable[[Request], Awaitable[Response]]:
    """Runs on a thread; what a person did wrong comes back as a sentence."""

    async def endpoint(request: Request) -> Response:
        try:
            return await run_in_threadpool(answer, request.query_params.get("model", ""), request)
        except (LatentWalkError, OSError) as error:
            return PlainTextResponse(str(error), status_code=404)

    return endpoint


def map_routes(prefix: str = "") -> list[Route]:
    """The routes for `st.App(routes=[...])`; `prefix` is Streamlit's base path, if any."""
    answers = {"/map": _points, "/map/image": _image, "/map/nearest": _nearest, "/map/embedding": embedding}
    return [Route(f"{prefix}{path}", _served(answer)) for path, answer in answers.items()]
