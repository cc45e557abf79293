"""The route `/download?run=ID`: the model file of a run.

A link to it works while the page draws itself anew every second; Streamlit's own download button forgets its file each time it is
drawn, so that a press on a busy machine asked for one that was gone, and nothing happened.
"""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from ui.server.http_routes import served
from ui.server.worker_threads import TaskQueue
from vae_core import runs
from vae_core.errors import RunError

_queue = TaskQueue("downloads", threads=2, waiting=16)


def link(run_id: str) -> str:
    """The address of a run's model file, relative to the page."""
    return f"download?run={quote(run_id)}"


def _answer(request: Request, _body: bytes) -> Response:
    run = runs.status(request.query_params.get("run", ""))
    if run.checkpoint is None:
        raise RunError(f"The run {run.name!r} has no model yet. Its first one comes with the end of the first epoch.")
    name = f"{run.name}.safetensors"
    return FileResponse(
        run.checkpoint, media_type="application/octet-stream", filename=name, headers={"Cache-Control": "no-store"}
    )


def download_route(prefix: str = "") -> Route:
    """The route for `st.App(routes=[...])`; `prefix` is Streamlit's base path, if any."""
    return Route(f"{prefix}/download", served(_answer, _queue), methods=["GET"])
