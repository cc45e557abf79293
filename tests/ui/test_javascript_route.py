"""A component's ES modules become one file, and the route that serves it."""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from starlette.applications import Starlette

from ui.server.javascript_route import COMPONENTS, bootstrap, modules_route
from vae_core.publish.javascript_bundle import bundle


def get(path: str, prefix: str = "", **headers: str) -> httpx.Response:
    """One request, on a loop of its own thread (a browser test may hold this thread's)."""

    async def ask():
        transport = httpx.ASGITransport(Starlette(routes=[modules_route(prefix)]))
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return await client.get(path, headers=headers)

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, ask()).result(20)


def address() -> str:
    """What the component's page asks for."""
    return re.search(r'"(modules/[^"]+)"', bootstrap("explorer"))[1]


def test_a_component_is_one_file_of_javascript_that_the_browser_keeps_for_good():
    answer = get(f"/{address()}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.text == bundle(COMPONENTS / "explorer" / "main.js")


def test_it_comes_packed_to_who_can_unpack_it():
    packed, plain = get(f"/{address()}", **{"Accept-Encoding": "gzip"}), get(f"/{address()}", **{"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip" and "content-encoding" not in plain.headers
    assert packed.text == plain.text


def test_an_old_address_gets_what_there_is_now_and_does_not_keep_it():
    answer = get("/modules/explorer/0123456789abcdef.js")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")


@pytest.mark.parametrize("path", ["explorer/a.css", "../live.py", "%2e%2e/live.js", "nobody/0.js", "explorer/", "a.js", ""])
def test_nothing_but_components_is_served(path):
    assert get(f"/modules/{path}").status_code == 404


def test_the_route_honours_streamlits_base_path():
    assert get(f"/base/{address()}", prefix="/base").status_code == 200


def test_the_file_holds_every_module_once_and_imports_nothing():
    text = bundle(COMPONENTS / "explorer" / "main.js")
    titles = re.findall(r"^// ([\w/]+\.js)$", text, re.MULTILINE)
    published = re.findall(r"^// ([\w/]+\.js)$", bundle(COMPONENTS / "published_page" / "published_page.js"), re.MULTILINE)
    folder = COMPONENTS / "explorer"
    modules = {path.relative_to(folder).as_posix(): path.name for path in folder.rglob("*.js")}
    assert len(set(titles)) == len(titles)
    assert set(titles) <= set(modules)
    assert {modules[title] for title in set(modules) - set(titles)} <= set(published)  # of a page without a server
    assert not re.search(r"^import\b", text, re.MULTILINE)
    assert re.findall(r"^export .*", text, re.MULTILINE) == [f"export default module{len(titles) - 1}.default;"]


@pytest.mark.parametrize(
    ("first", "words"),
    [
        ('import { b } from "./other.js";\nexport default function a() {}', "in a circle: first.js, other.js, first.js"),
        ('import * as b from "./other.js";', "first.js, line 1"),
        ("export default (b) => b;", "first.js, line 1"),
        ("const a = 1;\nexport { a };", "first.js, line 2"),
    ],
)
def test_what_cannot_be_put_into_one_file_is_refused_by_name(tmp_path, first, words):
    (tmp_path / "first.js").write_text(first)
    (tmp_path / "other.js").write_text('import { a } from "./first.js";\nexport const b = 1;')
    with pytest.raises(ValueError, match=re.escape(words)):
        bundle(tmp_path / "first.js")


@pytest.mark.parametrize("module", sorted(COMPONENTS.rglob("*.js")), ids=lambda path: path.name)
def test_every_module_imports_only_its_neighbours(module):
    for imported in re.findall(r'from "([^"]+)"', module.read_text()):
        assert imported.startswith(("./", "../"))
        assert (module.parent / imported).resolve().is_relative_to(COMPONENTS) and (module.parent / imported).is_file()
