"""The route that serves the components' ES modules."""

from __future__ import annotations

import asyncio
import json
import re
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from starlette.applications import Starlette

from ui.modules import COMPONENTS, bootstrap, modules_route


def get(path: str, prefix: str = "", **headers: str) -> httpx.Response:
    """One request, on a loop of its own thread (a browser test may hold this thread's)."""

    async def ask():
        transport = httpx.ASGITransport(Starlette(routes=[modules_route(prefix)]))
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return await client.get(path, headers=headers)

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, ask()).result(20)


def test_modules_are_javascript_that_the_browser_asks_about_each_time():
    answer = get("/modules/explorer/main.js")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(("text/javascript", "application/javascript"))
    assert answer.headers["cache-control"] == "no-cache"
    again = get("/modules/explorer/main.js", **{"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("path", ["explorer/__init__.py", "../live.py", "%2e%2e/live.py", "../../app.py", "explorer/", ""])
def test_nothing_but_modules_is_served(path):
    assert get(f"/modules/{path}").status_code == 404


def test_the_route_honours_streamlits_base_path():
    assert get("/base/modules/explorer/main.js", prefix="/base").status_code == 200


def test_the_bootstrap_names_every_module_of_the_component():
    code = bootstrap("explorer/main.js")
    files = json.loads(re.search(r"const files = (\[.*\]);", code)[1])
    assert set(files) == {path.relative_to(COMPONENTS).as_posix() for path in (COMPONENTS / "explorer").rglob("*.js")}


@pytest.mark.parametrize("module", sorted(COMPONENTS.rglob("*.js")), ids=lambda path: path.name)
def test_every_module_imports_only_its_neighbours(module):
    for imported in re.findall(r'from "([^"]+)"', module.read_text()):
        assert imported.startswith(("./", "../"))
        assert (module.parent / imported).resolve().is_relative_to(COMPONENTS) and (module.parent / imported).is_file()
