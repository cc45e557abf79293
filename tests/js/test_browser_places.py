"""Where a point lies and whether it looks like the data, computed in the page: the same figures as Python's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from browser_stand_ins import WORKERS, Toy

from vae_core.latent.coverage import Coverage
from vae_core.latent.data_likeness import Likeness

QUERIES = "explorer/answers/browser_queries.js"
IMAGES, LATENT_DIM = 240, 3
FIELDS = ("distance", "nearer", "cycle", "logPrior", "logAggregate", "denser", "typical")

ASK = (
    "async (m, given, model, points, what) => {"
    + WORKERS
    + """
  const {BrowserModel} = await import('/explorer/answers/browser_model.js');
  const images = {...model.images, means: Float32Array.from(model.images.means), stds: Float32Array.from(model.images.stds)};
  const view = {z: points[0], shape: [height, width, channels].join('x')};
  const files = {view, decoder: {layout: 'nchw', range: 'unit'}, likeness: model.likeness, encodedImages: async () => images,
    decoderBytes: async () => null, encoderBytes: async () => new ArrayBuffer(0)};
  const browser = new BrowserModel(Promise.resolve(files), 'nowhere', workers);
  const queries = new m.BrowserQueries(browser, life.signal);
  if (what === 'path') return queries.path('path', points, {kind: 'linear', even: false, count: 20});
  const places = await queries.places('here', points, what);
  if (places === null) throw new Error(queries.refusal);
  const plain = (value) => (typeof value === 'number' && !Number.isFinite(value) ? null : value);
  const kept = ({errors, ...place}) => Object.fromEntries(Object.entries(place).map(([name, value]) => [name, plain(value)]));
  return {places: places.map(kept), errors: places[0].errors, asked};
}"""
)


@pytest.fixture(scope="module")
def measured() -> tuple[Toy, Coverage, Likeness]:
    rng = np.random.default_rng(0)
    toy = Toy(LATENT_DIM, (1, 5, 4), seed=1)
    labels = rng.integers(0, 3, IMAGES)
    means = rng.normal(0, 0.3, (IMAGES, LATENT_DIM)) + np.array([[1.2, 0, 0], [-1.2, 0.5, 0], [0, -1.4, 0]])[labels]
    coverage = Coverage(means, rng.uniform(0.1, 0.5, means.shape), labels, active=[True, True, False])
    return toy, coverage, Likeness(toy.model(), coverage)


def sent(coverage: Coverage, likeness: Likeness | None, tells: bool | None = None) -> dict[str, Any]:
    images = {"count": len(coverage), "latentDim": LATENT_DIM, "means": coverage.means.flatten().tolist()}
    images |= {"stds": coverage._stds.numpy().flatten().tolist(), "labels": coverage.labels.tolist()}
    if likeness is None:
        return {"images": images, "likeness": None}
    errors = likeness.errors
    taken = {"midpointsTaken": errors.midpoints_taken, "farTaken": errors.far_taken}
    fitted = {
        "centre": likeness._centre.tolist(),
        "scale": likeness._scale.tolist(),
        "weights": list(likeness.weights.values()),
        "scores": likeness._own.tolist(),
        "distances": likeness._distances.tolist(),
        "densities": likeness._densities.tolist(),
        "active": coverage.active.tolist(),
        "errors": {"auc": errors.auc, "missed": errors.missed, **taken},
        "tells": errors.tells if tells is None else tells,
        "density": True,
    }
    return {"images": images, "likeness": fitted}


def points_of(coverage: Coverage, count: int) -> np.ndarray:
    rng = np.random.default_rng(7)
    near, far = rng.normal(0, 1.2, (count - 3, LATENT_DIM)), 4 * rng.normal(0, 1, (2, LATENT_DIM))
    return np.concatenate([coverage.means[[5]], near, far]).astype(np.float32)


@pytest.mark.parametrize("count", [9, 40], ids=["few, codes are recognised", "a grid"])
def test_every_figure_of_a_place_is_that_of_python(js, measured, count):
    toy, coverage, likeness = measured
    assert likeness.errors.tells, "the stand-in has to deserve a verdict"
    z = points_of(coverage, count)
    found = js(QUERIES, ASK, toy.sent(), sent(coverage, likeness), z.tolist(), 0)
    own = coverage.own(z)
    assert (own[0] == 5) == (count == 9)
    judged, density = likeness.at(z), coverage.log_aggregate(z, own)
    expected = {
        "distance": judged.distance,
        "nearer": judged.nearer,
        "cycle": judged.cycle,
        "logPrior": coverage.log_prior(z),
        "logAggregate": density,
        "denser": likeness.denser(density),
        "typical": judged.typical,
    }
    rank = 100 / len(likeness._own)  # one image more or less, where two lie within a rounding of each other
    for name in FIELDS:
        got = np.array([place[name] for place in found["places"]])
        close = {"atol": rank} if name in ("nearer", "denser", "typical") else {"rtol": 1e-4, "atol": 1e-5}
        np.testing.assert_allclose(got, expected[name], err_msg=name, **close)
    assert [place["verdict"] for place in found["places"]] == list(judged.verdict)
    assert len(set(judged.verdict)) > 1
    assert found["errors"]["auc"] == pytest.approx(likeness.errors.auc)


def test_where_the_measure_cannot_tell_the_distance_is_said_and_nothing_is_encoded(js, measured):
    toy, coverage, likeness = measured
    z = points_of(coverage, 9)
    found = js(QUERIES, ASK, toy.sent(), sent(coverage, likeness, tells=False), z.tolist(), 2)
    by_distance = likeness._by_distance(z)
    assert {place["verdict"] for place in found["places"]} == {"unsaid"}
    np.testing.assert_allclose([place["distance"] for place in found["places"]], by_distance.distance, rtol=1e-4)
    assert {place["logPrior"] for place in found["places"]} == {None}
    assert found["asked"] == []


def test_densities_alone_need_neither_decoder_nor_encoder(js, measured):
    toy, coverage, likeness = measured
    z = points_of(coverage, 500)
    found = js(QUERIES, ASK, toy.sent(), sent(coverage, likeness), z.tolist(), 1)
    got = np.array([place["logAggregate"] for place in found["places"]])
    np.testing.assert_allclose(got, coverage.log_aggregate(z), rtol=1e-4, atol=1e-4)
    assert found["asked"] == []


def test_a_path_is_judged_as_python_judges_it_and_nothing_is_said_without_a_measure(js, measured):
    toy, coverage, likeness = measured
    ends = coverage.means[[0, 1]].tolist()
    found = js(QUERIES, ASK, toy.sent(), sent(coverage, likeness), ends, "path")
    assert found["said"] and len(found["pictures"]) == 20
    expected = likeness.at(np.linspace(*ends, 20)).typical
    np.testing.assert_allclose(found["typical"], expected, atol=100 / len(likeness._own))
    without = js(QUERIES, ASK, toy.sent(), sent(coverage, None), ends, "path")
    assert not without["said"] and all(value is None or value != value for value in without["typical"])
