"""What a browser decodes with, over HTTP; addresses are relative to the page.

`onnx/decoder?model=NAME&v=VERSION` and `onnx/encoder?...`: the network as ONNX (vae_core/onnx_export/__init__.py says with which
inputs and outputs); `&weights=float32` for researchers, as a file with a name. `address` makes the one that a page asks.
`onnxruntime/VERSION/FILE`: onnxruntime-web, which runs it; `runtime_address` names the folder, and
ui/components/onnxruntime_web/hashes.json its files.

200: the file, packed by gzip, to be kept for good where the address carries its version. 202: it is being made, ask again after
Retry-After seconds. 404: no such model or file, a model that trains at this moment, or one that cannot be exported: a sentence.
All files leave from the disk piece by piece, so they take no memory however many ask.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from ui.server.http_routes import PIECE, BadRequestError, served
from ui.server.worker_threads import TaskQueue
from ui.shared import cached_models
from vae_core import onnx_export
from vae_core.errors import DataError, NoEncoderError
from vae_core.onnx_export import OnnxFile, Part
from vae_core.runs import is_alive

if TYPE_CHECKING:
    from starlette.requests import Request

    from vae_core.model_files.model_list import ModelEntry

FOLDER = Path(__file__).parents[1] / "components" / "onnxruntime_web"
KEPT = "public, max-age=31536000, immutable"
SECONDS = "2"  # until a browser asks again for a file that is being made
TYPES = {".mjs": "text/javascript", ".wasm": "application/wasm"}
_queue = TaskQueue("onnx", threads=2, waiting=1000)


@cache
def _runtime() -> tuple[str, frozenset[str]]:
    """The version of onnxruntime-web and the names of its files."""
    told = json.loads((FOLDER / "hashes.json").read_text())
    return told["version"], frozenset(told["files"])


def runtime_address() -> str:
    """The folder of onnxruntime-web's files, relative to the page."""
    return f"onnxruntime/{_runtime()[0]}/"


def address(entry: ModelEntry, part: Part = "decoder") -> str:
    """Where a model's decoder or encoder is found, relative to the page; another version of the model has another address.

    Raises:
        OSError: the model's file is gone.
    """
    query = {"model": entry.name, "v": _file(entry, part).version}
    return f"onnx/{part}?{urlencode(query, quote_via=quote)}"


def _file(entry: ModelEntry, part: Part, *, half: bool = True) -> OnnxFile:
    return OnnxFile(Path(entry.path).absolute(), cached_models.content_hash(entry), part, half)


def _network(request: Request, _body: bytes) -> Response:
    part: Part = "encoder" if request.url.path.endswith("encoder") else "decoder"
    weights = request.query_params.get("weights", "small")
    if weights not in ("small", "float32"):
        raise BadRequestError(f"weights must be 'small' or 'float32'; got {weights[:20]!r}.")
    entry = cached_models.entry(request.query_params.get("model", ""))
    if part == "encoder" and not cached_models.header(entry).has_encoder:
        raise NoEncoderError(f"The model {entry.name!r} is a decoder alone: it has no encoder.")
    if entry.origin == "run" and is_alive(entry.path.parent):
        raise DataError(f"{entry.name!r} is in training: its {part} changes all the time. Ask again when the run has ended.")
    file = _file(entry, part, half=weights == "small")
    path = onnx_export.made_or_started(file)
    if path is None:
        words = f"The {part} of {entry.name!r} is being written as ONNX. This takes some seconds, once."
        return PlainTextResponse(words, status_code=202, headers={"Cache-Control": "no-store", "Retry-After": SECONDS})
    # A page from before the model was replaced gets what there is now, and does not keep it under the old address.
    headers = {"Cache-Control": KEPT if request.query_params.get("v") == file.version else "no-store"}
    if weights == "float32":
        name = f"{entry.name}{'-encoder' if part == 'encoder' else ''}.onnx"
        headers["Content-Disposition"] = f"attachment; filename*=utf-8''{quote(name, safe='')}"
    return _unpacked_where_asked(request, path, "application/octet-stream", headers)


def _runtime_file(request: Request, _body: bytes) -> Response:
    name, (version, files) = request.path_params["file"], _runtime()
    if request.path_params["version"] != version or name not in files:
        raise DataError(f"There is no such file of onnxruntime-web here; there are {', '.join(sorted(files))} of {version}.")
    return _unpacked_where_asked(request, FOLDER / f"{name}.gz", TYPES[Path(name).suffix], {"Cache-Control": KEPT})


def _unpacked_where_asked(request: Request, packed: Path, media_type: str, headers: dict[str, str]) -> Response:
    """A file that lies packed, packed for who takes it so. From the disk, piece by piece."""
    headers = headers | {"Vary": "Accept-Encoding", "X-Content-Type-Options": "nosniff"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return FileResponse(packed, media_type=media_type, headers=headers | {"Content-Encoding": "gzip"})
    return StreamingResponse(_pieces(packed), media_type=media_type, headers=headers)


def _pieces(packed: Path) -> Iterator[bytes]:
    with gzip.open(packed) as file:
        while piece := file.read(PIECE):
            yield piece


def onnx_routes(prefix: str = "") -> list[Route]:
    """The routes for `st.App(routes=[...])`; `prefix` is Streamlit's base path, if any."""
    return [
        *(Route(f"{prefix}/onnx/{part}", served(_network, _queue)) for part in ("decoder", "encoder")),
        Route(f"{prefix}/onnxruntime/{{version}}/{{file}}", served(_runtime_file, _queue)),
    ]
