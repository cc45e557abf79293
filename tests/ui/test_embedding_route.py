"""The route for maps without an inverse: started once, awaited in words, kept for everybody; and what can be wrong."""

import os
import signal
import struct
import time

import numpy as np
import pytest

from ui.server import embedding_route as route
from ui.shared import cached_models
from vae_core.latent import neighbour_embeddings
from vae_core.latent.neighbour_embeddings import Embedding
from vae_core.runs import list_runs, runs_root

pytestmark = pytest.mark.usefixtures("tiny_checkpoint")


@pytest.fixture
def post(ask_route):
    return lambda path, **query: ask_route("POST", path, **query)


@pytest.fixture(autouse=True)
def jobs(monkeypatch):
    """A server of its own for each test; no child outlives it."""
    fresh = route.Jobs()
    monkeypatch.setattr(route, "_jobs", fresh)
    yield fresh
    if fresh._job is not None:
        fresh._job.process.kill()
        fresh._job.process.wait()
        fresh._job.output.close()


def kept(kind="tsne"):
    return runs_root() / ".maps" / f"{cached_models.content_hash(cached_models.entry('tiny'))}-{kind}.npz"


def until_ready(post, **query):
    end = time.monotonic() + 60
    while (answer := post("/map/embedding", **query)).status_code == 202:
        assert time.monotonic() < end, answer.text
        time.sleep(0.1)
    return answer


def test_the_points_are_computed_in_the_background_and_answered_when_ready(post):
    first = post("/map/embedding", model="tiny", kind="tsne")
    assert first.status_code == 202 and first.headers["cache-control"] == "no-store"
    assert first.text.startswith("Computing t-SNE of 200 points in the background, 0 s so far.")
    answer = until_ready(post, model="tiny", kind="tsne")
    assert answer.status_code == 200, answer.text
    (count,) = struct.unpack_from("<I", answer.content)
    assert len(answer.content) == 4 + 12 * count
    np.testing.assert_array_equal(np.frombuffer(answer.content, "<u4", count, 4), np.arange(200))
    coordinates = np.frombuffer(answer.content, "<f4", offset=4 + 4 * count).reshape(count, 2)
    np.testing.assert_array_equal(coordinates, neighbour_embeddings.read(kept()).coordinates)
    assert list_runs() == [], "the folder of maps is no run"


def test_looking_starts_nothing(ask_route, post, jobs):
    def look():
        return ask_route("GET", "/map/embedding", model="tiny", kind="tsne")

    assert look().status_code == 204 and jobs._job is None
    post("/map/embedding", model="tiny", kind="tsne")
    assert look().status_code == 202


def test_what_an_earlier_server_computed_is_answered_at_once(post, monkeypatch):
    runs_root().joinpath(".maps").mkdir()
    neighbour_embeddings.write(kept("umap"), Embedding(np.array([3, 7], np.uint32), np.array([[1, 2], [-3, 4]], np.float32)))
    monkeypatch.setattr(route, "_start", None)
    monkeypatch.setattr(neighbour_embeddings, "missing", lambda kind: "not here")
    answer = post("/map/embedding", model="tiny", kind="umap")
    assert answer.content == struct.pack("<III4f", 2, 3, 7, 1, 2, -3, 4) and "max-age" in answer.headers["cache-control"]


def test_a_library_that_is_not_there_is_a_sentence_with_the_command(post, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    answer = post("/map/embedding", model="tiny", kind="umap")
    assert answer.status_code == 501 and "pip install -r requirements-maps.txt" in answer.text


def test_unknown_kinds_and_models_and_too_few_images_are_sentences(post, models_dir, make_model):
    make_model(models_dir / "bare.safetensors", codes=False)
    asked = [("tiny", "pca"), ("gone", "tsne"), ("bare", "tsne")]
    answers = [post("/map/embedding", model=model, kind=kind) for model, kind in asked]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert answers[0].text == "There is no map of kind 'pca'; choose from tsne, umap."
    assert "no model named 'gone'" in answers[1].text and "no encoded images" in answers[2].text


def test_one_child_at_a_time_and_the_others_wait_in_words(post, jobs, monkeypatch):
    monkeypatch.setattr(neighbour_embeddings, "missing", lambda kind: "")
    post("/map/embedding", model="tiny", kind="tsne")
    child = jobs._job.process
    waiting = post("/map/embedding", model="tiny", kind="umap")
    assert waiting.status_code == 202 and waiting.text.startswith("UMAP waits for another map: Computing t-SNE")
    assert jobs._job.process is child


def test_a_child_that_was_killed_is_told_and_not_started_again_at_once(post, jobs, monkeypatch):
    post("/map/embedding", model="tiny", kind="tsne")
    os.kill(jobs._job.process.pid, signal.SIGKILL)
    jobs._job.process.wait(10)
    answers = [post("/map/embedding", model="tiny", kind="tsne") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [500, 500]
    assert answers[1].text == "t-SNE could not be computed: its process was ended by signal 9. Choose it again to try once more."
    assert jobs._job is None
    now = time.monotonic()
    monkeypatch.setattr(route.time, "monotonic", lambda: now + 60)
    assert post("/map/embedding", model="tiny", kind="tsne").status_code == 202
