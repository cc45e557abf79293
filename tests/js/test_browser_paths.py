"""Paths that the page computes by itself: the same points, pictures and changes as Python's."""

from __future__ import annotations

import numpy as np
import pytest
from browser_stand_ins import WORKERS, Toy

from vae_core.latent.paths import path_through

PATHS = "explorer/answers/paths.js"
FIND = (
    "async (m, given, stops, options) => {"
    + WORKERS
    + """
  const passes = [];
  const means = async (points) => (passes.push(points.length), workers.decoder({}).means(points));
  const {z, pictures, changes} = await m.pathThrough(means, stops, options);
  return {z, changes, passes, pictures: pictures.map(({pixels}) => [...pixels])};
}"""
)


@pytest.mark.parametrize("kind", ["linear", "spherical"])
@pytest.mark.parametrize("even", [False, True])
@pytest.mark.parametrize("stops", [2, 3, 5])
def test_a_path_is_that_of_python(js, kind, even, stops):
    toy = Toy(4, (3, 4, 5), seed=2)
    points = np.random.default_rng(stops).normal(0, 1, (stops, 4)).astype(np.float32)
    count = 24
    expected = path_through(toy.model(), points, kind=kind, count=count, even=even)
    found = js(PATHS, FIND, toy.sent(), points.tolist(), {"kind": kind, "even": even, "count": count})
    np.testing.assert_allclose(found["z"], expected.z, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found["changes"], expected.changes, rtol=1e-4, atol=1e-5)
    pixels = np.array(found["pictures"]).reshape(expected.pictures.shape)
    assert np.abs(pixels - expected.pictures.astype(int)).max() <= 1
    if even and stops == 2:
        assert np.ptp(found["changes"]) < 0.05 * np.mean(found["changes"])


@pytest.mark.parametrize(
    ("a", "b"),
    [([0, 0], [1, 2]), ([1, 2], [2, 4]), ([1, 2], [-1, -2]), ([1, 0], [1, 0])],
    ids=["from the origin", "parallel", "opposite", "the same point"],
)
def test_where_an_angle_is_not_defined_the_path_is_straight_and_a_picture_that_never_changes_is_no_trouble(js, a, b):
    toy = Toy(2, (1, 2, 2), seed=3)
    options = {"kind": "spherical", "even": a == b, "count": 7}
    found = js(PATHS, FIND, toy.sent(), [a, b], options)
    np.testing.assert_allclose(found["z"], np.linspace(a, b, 7), atol=1e-6)


def test_draws_belong_to_their_seed_and_are_those_of_a_gaussian(js):
    script = """(m) => [[3, 1], [3, 1], [4, 1], [3, 0.5]]
      .map(([seed, temperature]) => m.priorDraws(4000, 5, {seed, temperature}))"""
    even = "(m) => m.priorDraws(900, 5, {seed: 1, temperature: 1, uniform: true})"
    flat = np.array(js("explorer/answers/prior_draws.js", even))
    assert np.abs(flat).max() <= 1 and abs(flat.mean()) < 0.05 and abs(flat.std() - 3**-0.5) < 0.02
    first, again, other, cool = (np.array(z) for z in js("explorer/answers/prior_draws.js", script))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_allclose(cool, 0.5 * first, rtol=1e-6)
    assert np.abs(np.corrcoef(first.flatten(), other.flatten())[0, 1]) < 0.05
    assert np.abs(first.mean(axis=0)).max() < 0.06 and np.abs(np.cov(first.T) - np.eye(5)).max() < 0.08
    assert 2.3 < np.sort(first.flatten())[int(0.995 * first.size)] < 2.85
