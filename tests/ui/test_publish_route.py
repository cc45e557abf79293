"""Publishing from the Share sheet: a job is started, tells how far it is, hands over its file; sentences for what cannot be."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from starlette.applications import Starlette

from ui.server.publish_route import COMPONENTS, publish_routes
from vae_core import runs
from vae_core.publish import describe_model, publish_jobs, publish_process


@pytest.fixture
def ask(tiny_checkpoint):
    """ask(method, path, **more): the answer of the routes."""
    transport = httpx.ASGITransport(Starlette(routes=publish_routes()))

    async def fetch(method, path, more):
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            return await client.request(method, path, **more)

    with ThreadPoolExecutor(1) as pool:  # a browser test may keep a loop of its own in the thread of the tests
        yield lambda method, path, **more: pool.submit(asyncio.run, fetch(method, path, more)).result()


@pytest.fixture
def child(monkeypatch):
    """A child that has not begun; child() lets it do its work here."""
    monkeypatch.setattr(describe_model, "_onnx", lambda path, part: f"{path.stem} {part} ".encode() * 50)
    monkeypatch.setattr(publish_process.os, "nice", lambda steps: steps)
    waiting = []
    monkeypatch.setattr(publish_jobs, "_spawn", lambda folder, lock: waiting.append(folder))
    return lambda: publish_process.main(waiting.pop())


def asked(**more: object) -> str:
    return json.dumps({"models": ["tiny"], "form": "html", "title": "Small", **more})


def test_a_page_is_made_by_a_process_and_handed_over_as_a_file(ask, child):
    job = ask("POST", "/publish", content=asked()).json()["job"]
    assert ask("GET", "/publish/file", params={"job": job}).status_code == 404
    child()
    status = ask("GET", "/publish", params={"job": job}).json()
    assert (status["state"], status["share"]) == ("done", 1.0)
    assert "MB" in status["message"]
    file = ask("GET", "/publish/file", params={"job": job})
    assert file.headers["content-disposition"] == 'attachment; filename="latent-walk-page.html"'
    assert "<title>Small</title>" in file.text


def test_a_zip_holds_an_index(ask, child):
    job = ask("POST", "/publish", content=asked(form="zip")).json()["job"]
    child()
    assert ask("GET", "/publish/file", params={"job": job}).content.startswith(b"PK")


def test_a_process_that_died_is_told_of(ask, child):
    job = ask("POST", "/publish", content=asked()).json()["job"]
    status = ask("GET", "/publish", params={"job": job}).json()
    assert status["state"] == "failed"  # nobody holds its lock
    assert "ended before it was done" in status["message"]


def test_what_goes_wrong_in_the_process_is_told_in_a_sentence(ask, child, tiny_checkpoint):
    job = ask("POST", "/publish", content=asked()).json()["job"]
    tiny_checkpoint.write_bytes(b"no model")
    child()
    status = ask("GET", "/publish", params={"job": job}).json()
    assert status["state"] == "failed"
    assert "tiny.safetensors is not a safetensors file" in status["message"]


def test_old_pages_are_forgotten(ask, child):
    jobs = []
    for _ in range(publish_jobs.KEPT + 2):
        jobs.append(ask("POST", "/publish", content=asked()).json()["job"])
        child()
    kept = {path.name for path in (runs.runs_root() / ".published").iterdir()}
    assert kept == set(jobs[-publish_jobs.KEPT :])


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ("{", 400, "must be a JSON object"),
        (json.dumps({"models": "tiny", "form": "zip"}), 400, "a list of names"),
        (json.dumps({"models": [], "form": "zip"}), 400, "1 to 12 models"),
        (asked(form="exe"), 400, "one of zip, html"),
        (asked(models=["nobody"]), 404, "nobody"),
        (asked(link="javascript:alert(1)"), 400, "must begin with https://"),
        (" " * 70_000, 413, "too large"),
    ],
)
def test_a_request_that_cannot_be_one_gets_a_sentence(ask, child, body, status, said):
    answer = ask("POST", "/publish", content=body)
    assert answer.status_code == status
    assert said in answer.text


@pytest.mark.parametrize("job", ["", "..", "nobody", "../../x"])
def test_no_other_file_is_handed_out(ask, job):
    assert ask("GET", "/publish/file", params={"job": job}).status_code == 404


def test_the_modules_are_where_the_route_says():
    assert (COMPONENTS / "published_page" / "published_page.js").is_file()
