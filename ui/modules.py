"""Serves the components' ES modules as plain files under /modules, so that there is no build step.

The browser keeps them but asks each time whether they changed (`no-cache`); the answer is normally an empty 304.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

COMPONENTS = Path(__file__).parent / "components"
SERVED = (".js", ".css")


class ModuleFiles(StaticFiles):
    """Static files that are always revalidated; anything that is not JavaScript or CSS does not exist here."""

    async def get_response(self, path: str, scope: Any) -> Response:
        if not path.endswith(SERVED):
            return Response(status_code=404)
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


def modules_route(prefix: str = "") -> Mount:
    """The route for `st.App(routes=[...])`; `prefix` is Streamlit's base path, if any."""
    return Mount(f"{prefix}/modules", app=ModuleFiles(directory=COMPONENTS))


def bootstrap(module: str) -> str:
    """Inline JavaScript for `st.components.v2.component` that hands over to a served module (path below ui/components).

    All modules of the component's folder are asked for at once; found one import after the other, they would take as many turns
    to and fro as the imports are deep.
    """
    folder = (COMPONENTS / module).parent
    files = sorted(path.relative_to(COMPONENTS).as_posix() for path in folder.rglob("*.js"))
    return (
        f"const files = {json.dumps(files)};\n"
        "const address = (file) => new URL(`modules/${file}`, document.baseURI).href;\n"
        "for (const file of files) import(address(file));\n"
        f"export default async (component) => (await import(address({json.dumps(module)}))).default(component);\n"
    )
