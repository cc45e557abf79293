"""The route that hands out a run's rows as a table."""

import asyncio
import csv
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from starlette.applications import Starlette

from tests.place_runs import finished_rows, place_run
from ui.server.metrics_csv_route import link, metrics_csv_route


@pytest.fixture
def get(models_dir):
    """get(address): the answer of the route."""
    transport = httpx.ASGITransport(Starlette(routes=[metrics_csv_route()]))

    async def fetch(address):
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            return await client.get(address)

    with ThreadPoolExecutor(1) as pool:
        yield lambda address: pool.submit(asyncio.run, fetch(address)).result()


def test_every_row_and_every_number_of_a_run_is_in_its_table(get, monkeypatch):
    monkeypatch.setattr("vae_core.runs.metrics_log.MAX_READ", 70_000)  # several pieces
    rows = 4 * list(finished_rows(dims=2))
    place_run("first, ünï", rows=rows)
    answer = get("/" + link("first, ünï"))
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/csv")
    table = list(csv.DictReader(answer.text.splitlines()))
    assert len(table) == len(rows) and list(table[0])[:4] == ["kind", "step", "epoch", "time"]
    for line, row in zip(table, rows, strict=True):
        for name, value in row.items():
            if name != "kl_per_dim":
                assert line[name] == str(value)
        assert [line["kl_z0"], line["kl_z1"]] == [str(value) for value in row.get("kl_per_dim", ["", ""])]


@pytest.mark.parametrize("run", ["", "no-such-run", "../checkpoints/tiny"])
def test_what_is_no_run_is_answered_in_words(get, run):
    answer = get(f"/metrics.csv?run={run}")
    assert answer.status_code == 404 and "There is no run" in answer.text


def test_a_run_that_has_written_nothing_says_so(get):
    (place_run("young") / "metrics.jsonl").unlink()
    answer = get("/" + link("young"))
    assert answer.status_code == 404 and "no numbers yet" in answer.text
