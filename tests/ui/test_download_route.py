"""The route that hands out a run's model file."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from starlette.applications import Starlette

from tests.place_runs import place_run
from ui.server.download_route import download_route, link


@pytest.fixture
def get(models_dir):
    """get(address, headers): the answer of the route."""
    transport = httpx.ASGITransport(Starlette(routes=[download_route()]))

    async def fetch(address, headers):
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            return await client.get(address, headers=headers)

    with ThreadPoolExecutor(1) as pool:  # a browser test may keep a loop of its own in the thread of the tests
        yield lambda address, headers=None: pool.submit(asyncio.run, fetch(address, headers)).result()


def test_the_model_of_a_run_comes_whole_and_under_the_runs_name(get, tiny_checkpoint):
    place_run("first run", checkpoint=tiny_checkpoint)
    place_run("20250101-first", checkpoint=tiny_checkpoint)
    answer = get("/" + link("20250101-first"))
    assert answer.status_code == 200 and answer.content == tiny_checkpoint.read_bytes()
    assert "20250101-first.safetensors" in answer.headers["content-disposition"]


@pytest.mark.parametrize("run", ["", "no-such-run", "../checkpoints/tiny", "%2e%2e", "x" * 5000])
def test_what_is_no_run_is_answered_in_words(get, tiny_checkpoint, run):
    answer = get(f"/download?run={run}")
    assert answer.status_code == 404 and "There is no run" in answer.text


def test_a_run_without_a_model_says_so(get):
    place_run("young")
    answer = get("/" + link("young"))
    assert answer.status_code == 404 and "has no model yet" in answer.text


def test_a_page_of_another_site_gets_nothing(get, tiny_checkpoint):
    place_run("mine", checkpoint=tiny_checkpoint)
    assert get("/" + link("mine"), headers={"Origin": "http://elsewhere.example"}).status_code == 403
