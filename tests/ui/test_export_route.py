"""The export route: four kinds of file from posted latents, and a sentence for every request that cannot be one."""

from __future__ import annotations

import asyncio
import io
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette

from ui.server import export_route, http_routes
from ui.shared import cached_models
from vae_core.errors import LatentError

Z = np.linspace(-1, 1, 24, dtype="<f4").reshape(6, 4)


@pytest.fixture
def ask(tiny_checkpoint):
    """ask(method, body, **query): the answer of the route."""
    transport = httpx.ASGITransport(Starlette(routes=[export_route.export_route()]))

    async def fetch(method, body, query, headers=None):
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            return await client.request(method, "/export", params={"model": "tiny", **query}, content=body, headers=headers)

    with ThreadPoolExecutor(1) as pool:  # a browser test may keep a loop of its own in the thread of the tests

        def asked(method, body, headers=None, **query):
            return pool.submit(asyncio.run, fetch(method, body, query, headers)).result()

        yield asked


@pytest.fixture
def post(ask):
    return lambda body, **query: ask("POST", body, **query)


@pytest.fixture
def pictures(tiny_checkpoint):
    return cached_models.model("tiny").decode(Z)


def test_a_gif_holds_the_pictures_to_and_fro(post):
    answer = post(Z.tobytes(), what="gif")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
    assert Image.open(io.BytesIO(answer.content)).n_frames == 10


def test_an_mp4_holds_every_picture(post):
    import av

    answer = post(Z.tobytes(), what="mp4")
    assert answer.headers["content-type"] == "video/mp4"
    with av.open(io.BytesIO(answer.content)) as film:
        assert sum(1 for _ in film.decode(video=0)) == 6


def test_a_sheet_shows_the_pictures_enlarged_in_as_many_columns_as_asked(post, pictures):
    answer = post(Z.tobytes(), what="sheet", columns="2")
    page = np.asarray(Image.open(io.BytesIO(answer.content)))
    assert page.shape == (3 * 84 + 4, 2 * 84 + 2)
    np.testing.assert_array_equal(page[1:84:3, 1:84:3], pictures[0, ..., 0])
    np.testing.assert_array_equal(page[-84::3, -84::3], pictures[5, ..., 0])


def test_an_npz_gives_latents_and_pictures_back(post, pictures):
    with np.load(io.BytesIO(post(Z.tobytes(), what="npz").content)) as file:
        np.testing.assert_array_equal(file["z"], Z)
        np.testing.assert_array_equal(file["pictures"], pictures)


@pytest.mark.parametrize(
    ("body", "query", "status", "sentence"),
    [
        (Z.tobytes(), {"what": "webm"}, 400, "unknown kind of file 'webm'; choose from gif, mp4, sheet, npz"),
        (Z.tobytes(), {}, 400, "unknown kind of file ''"),
        (Z.tobytes(), {"what": "gif", "model": "nobody"}, 404, "no model named 'nobody'"),
        (b"", {"what": "gif"}, 400, "K x 4 float32; got 0 bytes"),
        (Z.tobytes()[:-1], {"what": "gif"}, 400, "K x 4 float32; got 95 bytes"),
        (np.full((2, 4), np.nan, "<f4").tobytes(), {"what": "npz"}, 400, "NaN or infinity"),
        (np.zeros((1025, 4), "<f4").tobytes(), {"what": "npz"}, 400, "At most 1024 pictures of 28x28"),
        (bytes(4 * 256 * 1024 + 4), {"what": "npz"}, 413, "too large"),
    ],
)
def test_a_request_that_cannot_be_a_file_gets_a_sentence(post, body, query, status, sentence):
    answer = post(body, **query)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/plain; charset=utf-8")
    assert sentence in answer.text


@pytest.mark.parametrize("columns", ["many", "0", "-3", "2.5", "2000000", "9" * 4301])
def test_a_number_of_columns_that_is_none_gets_a_sentence(post, columns):
    answer = post(Z.tobytes(), what="sheet", columns=columns)
    assert answer.status_code == 400
    assert answer.text == f"columns must be a whole number from 1 to 1024; got {columns[:40]!r}."


def test_a_sheet_has_no_more_columns_than_pictures_and_is_about_square_without_any(post):
    for columns, across in (("1000", 6), ("", 3)):
        page = Image.open(io.BytesIO(post(Z.tobytes(), what="sheet", columns=columns).content))
        assert page.size[0] == across * 84 + (across - 1) * 2


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_a_foreign_page_gets_no_file(ask, headers):
    assert ask("POST", Z.tobytes(), headers, what="gif").status_code == 403


def test_pictures_are_bounded_by_their_bytes_too():
    z = np.zeros((342, 4), "<f4")
    assert len(export_route.latents(z.tobytes(), 4, (64, 64, 3))) == 342
    with pytest.raises(LatentError, match="At most 341 pictures of 256x256 go into one file; got 342"):
        export_route.latents(z.tobytes(), 4, (256, 256, 3))


def test_a_file_is_only_made_on_post(ask):
    assert ask("GET", b"", what="gif").status_code == 405


def test_files_on_their_way_are_bounded_and_then_the_answer_is_busy(post, monkeypatch):
    monkeypatch.setattr(http_routes, "MOST_ON_THE_WAY", 100)
    answer = post(Z.tobytes(), what="gif")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert http_routes.Pieces.on_the_way == 0


def test_a_client_that_takes_nothing_gets_no_more_and_frees_its_place(monkeypatch):
    monkeypatch.setattr(http_routes, "PATIENCE", 0.02)
    taken = []

    async def send(message):
        taken.append(message["type"])
        await asyncio.sleep(60 if len(taken) == 3 else 0)

    async def main():
        await http_routes.Pieces(bytes(5 * http_routes.PIECE))({"type": "http"}, None, send)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, main()).result(10)
    assert taken == ["http.response.start", "http.response.body", "http.response.body"]
    assert http_routes.Pieces.on_the_way == 0
