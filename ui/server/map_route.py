"""What the map asks for over HTTP, beside the socket.

`/map?model=NAME`: a model's encoded images and principal axes as one binary answer.
`/map/image?model=NAME&index=I`: the I-th encoded image itself, as PNG, where the dataset is at hand.
`/map/nearest?model=NAME&z=0.1,-0.3&space=pixels|latents`: the nearest real images to the picture of z, or to z among their
codes, as JSON with PNGs in base64. The first question about latents encodes every image.
`/map/embedding?model=NAME&kind=tsne|umap`: see ui/server/embedding_route.py. What goes wrong: ui/server/http_routes.py.

`/map` is little endian: u32 count N, u32 latent size D, float32 centre (D), axes (D x D) and means (N x D), u16 labels (N).
"""

from __future__ import annotations

import base64
import gzip
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ui.server.embedding_route import embedding
from ui.server.http_routes import BadRequestError, Pieces, served, whole_number
from ui.server.worker_threads import TaskQueue
from ui.shared import cached_models
from ui.shared.read_page_address import parse_z
from vae_core.data.stored_images import at_hand, test_image
from vae_core.errors import DataError

if TYPE_CHECKING:
    from starlette.requests import Request

    from vae_core.latent.encoded_images import EncodedImages
    from vae_core.latent.nearest_images import Neighbour
    from vae_core.model_files.model_list import ModelEntry

NEAREST = 4  # images shown of each kind
MOST_IMAGES = 10_000_000  # of any dataset
KEPT = {"Cache-Control": "private, max-age=3600"}
_reading = TaskQueue("map", threads=2, waiting=100)
_searching = TaskQueue("nearest images", threads=1, waiting=30)


def packed(encoded: EncodedImages) -> bytes:
    """The answer's body."""
    means = encoded.points.means
    head = struct.pack("<II", *means.shape)
    floats = (encoded.centre, encoded.axes, means)
    return head + b"".join(part.astype("<f4").tobytes() for part in floats) + encoded.points.labels.astype("<u2").tobytes()


def _pack(path: Path) -> bytes:
    return gzip.compress(packed(cached_models.encoded_images_of(path)), 5)


_packed = cached_models.FileCache(_pack, cached_models.MAX_MODELS)


def _model(request: Request) -> ModelEntry:
    return cached_models.entry(request.query_params.get("model", ""))


def _points(request: Request, _: bytes) -> Response:
    entry = _model(request)
    packed = _packed.get(Path(entry.path), entry.mtime_ns)
    # The address carries the version of the model's file, so the answer never changes.
    headers = KEPT | {"Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"  # Streamlit's middleware would compress it anew for each visitor
    else:
        packed = gzip.decompress(packed)
    return Pieces(packed, media_type="application/octet-stream", headers=headers)


def _image(request: Request, _: bytes) -> Response:
    from vae_core.images import to_png

    header = cached_models.header(_model(request))
    if header.metrics is not None and header.metrics.split != "test":
        raise DataError("While a model is in training its map shows validation images, which have no number of their own.")
    index = whole_number(request, "index", least=0, most=MOST_IMAGES)
    if not at_hand(header.config.data.name, header.data):
        raise DataError(f"The images of {header.data.title} are not on this computer.")
    image, _label = test_image(header.config.data.name, index)
    return Response(to_png(np.atleast_3d(image)), media_type="image/png", headers=KEPT)


def _nearest(request: Request, _: bytes) -> Response:
    entry = _model(request)
    model = cached_models.open_entry(entry)
    z = parse_z(request.query_params.get("z", ""), model.latent_dim)
    real = cached_models.real_images(entry)
    space = request.query_params.get("space", "")
    if space == "pixels":
        found = real.in_pixels(model.decode([z])[0], NEAREST)
    elif space == "latents":
        found = real.in_latents(z, NEAREST)
    else:
        raise BadRequestError(f"space must be 'pixels' or 'latents'; got {space[:20]!r}.")
    return JSONResponse({"source": real.source, "found": [_shown(neighbour) for neighbour in found]})


def _shown(found: Neighbour) -> dict[str, object]:
    from vae_core.images import to_png

    return {"png": base64.b64encode(to_png(found.image)).decode(), "label": found.label, "distance": found.distance}


def map_routes(prefix: str = "") -> list[Route]:
    """The routes for `st.App(routes=[...])`; `prefix` is Streamlit's base path, if any."""
    return [
        Route(f"{prefix}/map", served(_points, _reading)),
        Route(f"{prefix}/map/image", served(_image, _reading)),
        Route(f"{prefix}/map/nearest", served(_nearest, _searching)),
        Route(f"{prefix}/map/embedding", served(embedding, _reading), methods=["GET", "POST"]),
    ]
