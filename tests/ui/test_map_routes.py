"""What the map asks for: questions over the socket as pure functions, and the HTTP routes beside it."""

import base64
import gzip
import io
import struct

import numpy as np
import pytest
from PIL import Image

from ui.server import likeness_query, live_queries
from ui.server.live_queries import MANY, WHERE, BadQueryError
from ui.server.worker_threads import BusyError, TaskQueue
from ui.shared import cached_models
from vae_core.latent.encoded_images import EncodedImages

pytestmark = pytest.mark.usefixtures("tiny_checkpoint")


@pytest.fixture
def tiny():
    return cached_models.model("tiny")


@pytest.fixture
def get(ask_route):
    return lambda path, **query: ask_route("GET", path, **query)


def question(kind, z, side=0, sequence=9):
    return struct.pack("<BxHI", kind, side, sequence) + np.asarray(z, "<f4").tobytes()


def ask(model, frame):
    return live_queries.answer(model, lambda: cached_models.encoded_images(cached_models.entry("tiny")), frame)


def test_many_pictures_come_back_in_order_and_small(tiny):
    z = tiny.sample_prior(30, 0)
    reply = ask(tiny, question(MANY, z, side=14))
    assert struct.unpack_from("<BBHIHH", reply) == (MANY, 1, 30, 9, 14, 14)
    pixels = np.frombuffer(reply, np.uint8, offset=12).reshape(30, 14, 14, 1)
    np.testing.assert_array_equal(pixels, tiny.decode_small(z, 14))


HEAD = struct.Struct("<BxHI4f")


def places(model, z, what=0):
    """{field: (B,)} and the four errors of an answer, once the model is measured."""
    cached_models.encoded_images(cached_models.entry("tiny")).likeness()
    reply = ask(model, question(WHERE, z, side=what))
    kind, count, sequence, *errors = HEAD.unpack_from(reply)
    assert (kind, count, sequence) == (WHERE, len(z), 9)
    rows = np.frombuffer(reply, "<f4", offset=HEAD.size).reshape(count, len(likeness_query.FIELDS))
    return dict(zip(likeness_query.FIELDS, rows.T, strict=True)), errors


def test_places_are_those_of_the_atlas(tiny):
    z = tiny.sample_prior(5, 0)
    found, errors = places(tiny, z)
    encoded = cached_models.encoded_images(cached_models.entry("tiny"))
    likeness = encoded.likeness()
    judged, density = likeness.at(z), encoded.coverage.log_aggregate(z)
    for name in ("distance", "nearer", "cycle", "typical"):
        np.testing.assert_allclose(found[name], getattr(judged, name), rtol=1e-5)
    np.testing.assert_allclose(found["log_aggregate"], density, rtol=1e-5)
    np.testing.assert_allclose(found["denser"], likeness.denser(density), rtol=1e-5)
    np.testing.assert_allclose(found["log_prior"], encoded.coverage.log_prior(z), rtol=1e-5)
    assert [likeness_query.VERDICTS[int(v)] for v in found["verdict"]] == list(judged.verdict)
    told = likeness.errors
    np.testing.assert_allclose(errors, [told.auc, told.missed, told.midpoints_taken, told.far_taken], rtol=1e-5)


def test_only_what_was_asked_for_is_computed(tiny):
    z = tiny.sample_prior(300, 0)
    densities, _ = places(tiny, z, what=likeness_query.DENSITIES)
    assert np.isfinite(densities["log_aggregate"]).all() and np.isnan(densities["typical"]).all()
    likeness, _ = places(tiny, z, what=likeness_query.LIKENESS)
    assert np.isnan(likeness["log_aggregate"]).all() and np.isfinite(likeness["typical"]).all()
    np.testing.assert_allclose(likeness["typical"], places(tiny, z)[0]["typical"])


def test_while_a_model_is_being_measured_the_answer_says_so_and_does_not_wait(tiny, monkeypatch):
    encoded = cached_models.encoded_images(cached_models.entry("tiny"))
    monkeypatch.setattr(encoded, "likeness", lambda patience=None: None)
    rows = np.frombuffer(ask(tiny, question(WHERE, [[0, 0, 0, 0]])), "<f4", offset=HEAD.size)
    found = dict(zip(likeness_query.FIELDS, rows, strict=True))
    assert likeness_query.VERDICTS[int(found["verdict"])] == "measuring"
    assert np.isnan(found["typical"]) and np.isfinite(found["log_aggregate"])


def test_of_a_model_in_training_it_is_said_at_once_that_it_is_not_measured(tiny, monkeypatch):
    encoded = EncodedImages(tiny, judges=False)
    z = np.zeros((2, 4), np.float32)
    frame = likeness_query.answer_where(encoded, WHERE, 1, likeness_query.LIKENESS, z)
    verdicts = np.frombuffer(frame, "<f4", offset=HEAD.size).reshape(2, -1)[:, -1]
    assert [likeness_query.VERDICTS[int(verdict)] for verdict in verdicts] == ["unmeasured"] * 2
    monkeypatch.setattr(likeness_query, "PATIENCE", 1e9)
    typical, said = likeness_query.along(lambda: encoded, z)
    assert np.isnan(typical).all() and not said


@pytest.mark.parametrize(
    ("frame", "sentence"),
    [
        (bytes([MANY, 0, 0]), "at least 8 bytes"),
        (question(MANY, []), "got 0 in all"),
        (question(MANY, [0, 0, 0]), "z takes 16 bytes"),
        (question(MANY, np.zeros((513, 4))), "at most 512 points"),
        (question(WHERE, np.zeros((1201, 4))), "at most 1200 points"),
        (question(WHERE, np.zeros((1201, 4)), side=2), "at most 1200 points"),
        (question(WHERE, np.zeros((4097, 4)), side=1), "at most 4096 points"),
        (question(WHERE, [0, 0, 0, 0], side=3), "asked of places is 0 to 2, got 3"),
        (question(WHERE, [0, np.nan, 0, 0]), "NaN or infinity"),
        (question(MANY, [0, np.inf, 0, 0]), "NaN or infinity"),
    ],
)
def test_a_question_that_breaks_a_rule_is_refused_with_a_reason(tiny, frame, sentence):
    with pytest.raises(BadQueryError, match=sentence):
        ask(tiny, frame)


def test_the_maps_points_are_the_models_encoded_images(tiny, get):
    answer = get("/map", model="tiny")
    count, latent_dim = struct.unpack_from("<II", answer.content)
    assert (count, latent_dim) == tiny.test_means.shape
    floats = np.frombuffer(answer.content, "<f4", offset=8, count=latent_dim + latent_dim**2 + count * latent_dim)
    np.testing.assert_array_equal(floats[latent_dim + latent_dim**2 :].reshape(count, latent_dim), tiny.test_means)
    np.testing.assert_array_equal(np.frombuffer(answer.content[-2 * count :], "<u2"), tiny.test_labels)


def test_the_maps_points_are_packed_once_and_sent_plain_to_who_cannot_unpack(get, ask_route, monkeypatch):
    packed = get("/map", model="tiny")
    assert packed.headers["content-encoding"] == "gzip"
    monkeypatch.setattr(gzip, "compress", None)  # not again
    plain = ask_route("GET", "/map", {"Accept-Encoding": "identity"}, model="tiny")
    assert "content-encoding" not in plain.headers and plain.content == packed.content


def test_an_unknown_model_is_a_sentence_not_a_traceback(get):
    for path in ("/map", "/map/image", "/map/nearest"):
        answer = get(path, model="gone", index=0, z="0,0,0,0")
        assert answer.status_code == 404 and answer.text.startswith("There is no model named 'gone'")


@pytest.mark.parametrize("index", ["x", "", "-1", "1.5", "٣", "9" * 4301, "10000001"])
def test_a_bad_index_is_a_sentence(get, index):
    answer = get("/map/image", model="tiny", index=index)
    assert answer.status_code == 400
    assert answer.text == f"index must be a whole number from 0 to 10000000; got {index[:40]!r}."


@pytest.mark.parametrize("z", ["0", "", "x,0,0,0", "nan,0,0,0", "1e400,0,0,0", "0," * 5000])
def test_a_bad_point_is_a_sentence(get, z):
    answer = get("/map/nearest", model="tiny", z=z, space="pixels")
    assert answer.status_code == 400 and answer.text.startswith("z")


FOREIGN = [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize("path", ["/map", "/map/image", "/map/nearest", "/map/embedding"])
def test_pages_of_other_origins_get_nothing(ask_route, path, headers):
    answer = ask_route("GET", path, headers, model="tiny", index=0, z="0,0,0,0", space="pixels", kind="tsne")
    assert answer.status_code == 403 and answer.text.startswith("This page belongs to another site")


def test_the_pages_own_requests_are_answered(ask_route):
    for headers in ({}, {"Origin": "http://app"}, {"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://localhost:1"}):
        assert ask_route("GET", "/map", headers, model="tiny").status_code == 200


@pytest.mark.parametrize("origin", ["http://[", "http://a:99999999", "http://[::1", "x" * 5000])
def test_a_broken_origin_is_a_sentence(ask_route, origin):
    answer = ask_route("GET", "/map", {"Origin": origin}, model="tiny")
    assert answer.status_code == 400 and answer.text.startswith("The Origin header must be the address of a page")


def test_when_too_much_waits_the_answer_is_busy_and_says_when_to_ask_again(ask_route, monkeypatch):
    def full(*_):
        raise BusyError(2.0)

    monkeypatch.setattr(TaskQueue, "_take_on", full)
    answer = ask_route("GET", "/map", model="tiny")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2") and "busy" in answer.text


def test_an_unknown_space_is_a_sentence(get, monkeypatch):
    monkeypatch.setattr(cached_models, "real_images", lambda entry: None)
    answer = get("/map/nearest", model="tiny", z="0,0,0,0", space="outer")
    assert answer.text == "space must be 'pixels' or 'latents'; got 'outer'."


def test_nearest_images_come_with_labels_and_distances(get, tiny, monkeypatch):
    from vae_core.latent.nearest_images import Neighbour

    class Fake:
        source = "2 training images"

        def in_pixels(self, picture, count):
            assert np.array_equal(picture, tiny.decode([[0.5, 0, 0, 0]])[0])
            return [Neighbour(np.full((28, 28, 1), 7, np.uint8), 3, 1.25)]

        def in_latents(self, z, count):
            assert z == [0.5, 0, 0, 0]
            return [Neighbour(np.zeros((28, 28, 1), np.uint8), 4, 0.5)]

    monkeypatch.setattr(cached_models, "real_images", lambda entry: Fake())
    answer = get("/map/nearest", model="tiny", z="0.5,0,0,0", space="pixels").json()
    assert answer["source"] == "2 training images"
    assert answer["found"][0]["label"] == 3 and answer["found"][0]["distance"] == 1.25
    latents = get("/map/nearest", model="tiny", z="0.5,0,0,0", space="latents").json()["found"]
    assert [(found["label"], found["distance"]) for found in latents] == [(4, 0.5)]
    image = np.asarray(Image.open(io.BytesIO(base64.b64decode(answer["found"][0]["png"]))))
    assert image.shape == (28, 28) and (image == 7).all()
