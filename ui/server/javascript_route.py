"""Serves each component's ES modules as one file, made of them by the server itself, so that there is no build step.

The address holds a digest of the content: the browser keeps the file for good, and asks for another one when a module has changed
and the server was started anew.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vae_core.publish.javascript_bundle import bundle

COMPONENTS = Path(__file__).parents[1] / "components"
MAIN = "main.js"
DIGITS = 16  # of the digest
KEPT = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Script:
    """A component's modules as one, plain and packed."""

    digest: str
    plain: bytes
    packed: bytes


@cache
def script(component: str) -> Script:
    """The modules of the component in this folder, as they are when first asked for."""
    plain = bundle(COMPONENTS / component / MAIN).encode()
    return Script(hashlib.sha256(plain).hexdigest()[:DIGITS], plain, gzip.compress(plain, mtime=0))


async def serve(request: Request) -> Response:
    """GET /modules/COMPONENT/DIGEST.js."""
    component, digest = request.path_params["component"], request.path_params["digest"]
    if component not in {path.parent.name for path in COMPONENTS.glob(f"*/{MAIN}")}:
        return Response(status_code=404)
    found = script(component)
    # A page from before the server was started anew gets what there is now, and does not keep it under the old address.
    headers = {"Cache-Control": KEPT if digest == found.digest else "no-store", "Vary": "Accept-Encoding"}
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(found.plain, headers=headers, media_type="text/javascript")
    return Response(found.packed, headers={**headers, "Content-Encoding": "gzip"}, media_type="text/javascript")


def modules_route(prefix: str = "") -> Route:
    """The route for `st.App(routes=[...])`; `prefix` is Streamlit's base path, if any."""
    return Route(f"{prefix}/modules/{{component}}/{{digest}}.js", serve)


def bootstrap(component: str) -> str:
    """Inline JavaScript for `st.components.v2.component` that hands over to the served file."""
    return (
        f'const address = new URL("modules/{component}/{script(component).digest}.js", document.baseURI).href;\n'
        "export default async (component) => (await import(address)).default(component);\n"
    )
