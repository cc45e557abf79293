"""The route `/metrics.csv?run=ID`: all rows of a run as a table, which leaves while it is made and so may be long."""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from ui.server.http_routes import served
from ui.server.worker_threads import TaskQueue
from vae_core import runs
from vae_core.errors import RunError
from vae_core.runs.metrics_csv import csv_pieces
from vae_core.system.open_untrusted_file import is_regular

_queue = TaskQueue("tables", threads=1, waiting=16)


def link(run_id: str) -> str:
    """The address of a run's table, relative to the page."""
    return f"metrics.csv?run={quote(run_id)}"


def _answer(request: Request, _body: bytes) -> Response:
    run = runs.status(request.query_params.get("run", ""))
    if not is_regular(run.path / "metrics.jsonl"):
        raise RunError(f"The run {run.name!r} has written no numbers yet.")
    headers = {"Content-Disposition": f"attachment; filename*=utf-8''{quote(f'{run.name}.csv')}", "Cache-Control": "no-store"}
    return StreamingResponse(csv_pieces(run.path / "metrics.jsonl"), media_type="text/csv; charset=utf-8", headers=headers)


def metrics_csv_route(prefix: str = "") -> Route:
    """The route for `st.App(routes=[...])`; `prefix` is Streamlit's base path, if any."""
    return Route(f"{prefix}/metrics.csv", served(_answer, _queue), methods=["GET"])
