"""Publishing from the Share sheet, beside the pages: the work is done by a process of its own, and nobody waits for it here.

POST `/publish` with JSON {"models": [names], "form": "zip"|"html", "title", "text", "link", "author"}: {"job": ID}.
GET `/publish?job=ID`: {"state": "running"|"done"|"failed", "share": 0 to 1, "message"}.
GET `/publish/file?job=ID`: the file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from ui.server.http_routes import BadRequestError, served
from ui.server.worker_threads import TaskQueue
from ui.shared import cached_models
from vae_core.publish import publish_jobs
from vae_core.publish.write_page import MOST_MODELS, PublishError, Words

COMPONENTS = Path(__file__).parents[1] / "components"
MOST = 1 << 16  # bytes of a request
WORDS = ("title", "text", "link", "author")
TYPES = {"zip": "application/zip", "html": "text/html"}
_queue = TaskQueue("publishing", threads=1, waiting=32)


def _asked(body: bytes) -> dict[str, Any]:
    """The request's JSON, checked.

    Raises:
        BadRequestError: it is not what is described above.
    """
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        asked = None
    if not isinstance(asked, dict) or not all(isinstance(asked.get(key, ""), str) for key in (*WORDS, "form")):
        raise BadRequestError("the request must be a JSON object of texts and a list of models.")
    models = asked.get("models")
    if not isinstance(models, list) or not all(isinstance(name, str) for name in models):
        raise BadRequestError("models must be a list of names.")
    if not 1 <= len(models) <= MOST_MODELS or asked.get("form") not in TYPES:
        raise BadRequestError(f"a page has 1 to {MOST_MODELS} models, and its form is one of {', '.join(TYPES)}.")
    return asked


def _start(_request: Request, body: bytes) -> Response:
    asked = _asked(body)
    try:
        words = Words(**{key: asked.get(key, "") for key in WORDS})
    except PublishError as error:
        raise BadRequestError(str(error)) from None
    models = [(name, Path(cached_models.entry(name).path)) for name in dict.fromkeys(asked["models"])]
    return JSONResponse({"job": publish_jobs.start(models, words, asked["form"], COMPONENTS)})


def _status(request: Request, _body: bytes) -> Response:
    job = publish_jobs.job(request.query_params.get("job", ""))
    return JSONResponse({"state": job.state, "share": job.share, "message": job.message}, headers={"Cache-Control": "no-store"})


def _file(request: Request, _body: bytes) -> Response:
    job = publish_jobs.job(request.query_params.get("job", ""))
    if job.state != "done":
        raise PublishError("This page is not made yet.")
    kind = job.path.suffix.lstrip(".")
    # never shown here: it is a page of its own, and would run as one of this server's
    name = f"latent-walk-page.{kind}"
    return FileResponse(job.path, media_type=TYPES[kind], filename=name, content_disposition_type="attachment")


def publish_routes(prefix: str = "") -> list[Route]:
    """The routes for `st.App(routes=[...])`; `prefix` is Streamlit's base path, if any."""
    return [
        Route(f"{prefix}/publish", served(_start, _queue, most=MOST), methods=["POST"]),
        Route(f"{prefix}/publish", served(_status, _queue)),
        Route(f"{prefix}/publish/file", served(_file, _queue)),
    ]
