"""Principal directions, paths and coverage against a linear-Gaussian model, whose geodesics are straight and densities known."""

import numpy as np
import pytest
import torch
from linear_gaussian import linear_gaussian

from vae_core.errors import LatentError
from vae_core.latent import paths
from vae_core.latent.coverage import KINDS_AMONG, NEIGHBOURS, Coverage
from vae_core.latent.encoded_images import principal_axes

RNG = np.random.default_rng(0)


def test_principal_components_are_the_directions_of_most_variance():
    scales = np.array([0.1, 3.0, 1.0, 2.0])
    points = RNG.normal(size=(50_000, 4)) * scales + 7
    np.testing.assert_allclose(np.abs(principal_axes(points)), np.eye(4)[[1, 3, 2, 0]], atol=0.02)
    assert (principal_axes(points).max(axis=1) > 0.9).all(), "signs are fixed"


def test_a_slerp_keeps_the_norm_and_turns_evenly():
    a, b = np.array([3.0, 0, 0]), np.array([0, 3.0, 0])
    path = paths.spherical(a, b, 4)
    np.testing.assert_allclose(np.linalg.norm(path, axis=1), 3)
    angles = np.degrees(np.arctan2(path[:, 1], path[:, 0]))
    np.testing.assert_allclose(angles, [0, 30, 60, 90], atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(paths.spherical(a, 2 * b, 3), axis=1), [3, 4.5, 6])
    for end in (np.zeros(3), 2 * a, -a):
        np.testing.assert_allclose(paths.spherical(a, end, 5), paths.linear(a, end, 5))


@pytest.mark.parametrize("count", [12, 61])  # the longer one is searched with few points first
def test_a_linear_decoders_geodesic_is_the_straight_line(count):
    model = linear_gaussian()
    a, b = RNG.normal(size=(2, 3))

    def bent(z):  # a start far from the answer: the line is bent before it is decoded
        return model.decode(z).mean

    path = paths.geodesic(a, b, count, bent)
    np.testing.assert_allclose(path, paths.linear(a, b, count), atol=1e-3)


@pytest.mark.parametrize("count", [24, 61])
def test_a_curved_decoders_geodesic_is_the_great_circle(count):
    def sphere(z):  # the unit sphere in longitude and latitude: shortest paths are great circles
        lon, lat = z[:, 0], z[:, 1]
        return torch.stack([lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin()], dim=1)

    a, b = np.array([0.0, 0.8]), np.array([1.6, 0.8])
    path = paths.geodesic(a, b, count, sphere)
    on_sphere = sphere(torch.from_numpy(path)).numpy()
    ends = on_sphere[0], on_sphere[-1]
    normal = np.cross(*ends)
    np.testing.assert_allclose(on_sphere @ normal, 0, atol=2e-3)
    lengths = paths.step_lengths(on_sphere)
    assert lengths.sum() == pytest.approx(np.arccos(ends[0] @ ends[1]), rel=2e-3)
    assert lengths.max() / lengths.min() < 1.05, "walked at constant picture speed"
    straight = paths.step_lengths(sphere(torch.from_numpy(paths.linear(a, b, count))).numpy())
    assert lengths.sum() < 0.95 * straight.sum()
    np.testing.assert_allclose(path[[0, -1]], [a, b], atol=1e-6)


def test_a_decoder_that_ripples_gets_no_more_energy_than_the_straight_line_has():
    def ripples(z):
        return (40 * z).sin()

    path, line = paths.geodesic([0.0, 0.0], [1.0, 1.0], 40, ripples), paths.linear([0.0, 0.0], [1.0, 1.0], 40)
    energies = [(paths.step_lengths(ripples(torch.from_numpy(points)).numpy()) ** 2).sum() for points in (path, line)]
    assert energies[0] <= energies[1]


def test_a_decoder_without_finite_pictures_gets_the_straight_line():
    path = paths.geodesic([0.0, 0.0], [1.0, 1.0], 40, lambda z: z * float("nan"))
    np.testing.assert_array_equal(path, paths.linear([0.0, 0.0], [1.0, 1.0], 40))


def test_equal_steps_make_the_picture_change_evenly():
    path = paths.linear([0.0], [1.0], 201)
    pictures = path**3  # slow at first, then fast
    even = paths.equal_steps(path, paths.step_lengths(pictures), 11)
    np.testing.assert_allclose(np.diff(even[:, 0] ** 3), 0.1, atol=2e-3)
    assert even[0, 0] == 0 and even[-1, 0] == 1
    np.testing.assert_allclose(paths.equal_steps(path, np.zeros(200), 3)[:, 0], [0, 0.5, 1])


def test_a_path_of_two_spaces_or_one_point_is_refused():
    with pytest.raises(LatentError, match="same latent space"):
        paths.linear([0, 0], [0, 0, 0], 5)
    with pytest.raises(LatentError, match="at least its two ends"):
        paths.linear([0, 0], [1, 1], 1)


@pytest.fixture(scope="module")
def surroundings():
    means = 0.8 * np.random.default_rng(1).normal(size=(4000, 2))
    return Coverage(means, np.full_like(means, 0.6)), means


def test_the_aggregate_posterior_density_is_the_known_gaussian(surroundings):
    coverage, _ = surroundings
    z = torch.tensor([[0.0, 0.0], [1.0, -0.5], [1.5, 1.0]])
    # means N(0, 0.8^2) and draws N(mean, 0.6^2) make N(0, 1)
    expected = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(1)
    np.testing.assert_allclose(coverage.log_aggregate(z.numpy()), expected, rtol=0, atol=0.1)
    np.testing.assert_allclose(coverage.log_prior(z.numpy()), expected, rtol=1e-5)


def test_the_density_of_one_image_is_its_posterior():
    coverage = Coverage([[1.0, 2.0]], [[0.5, 0.1]])
    z = torch.tensor([[1.2, 2.05]])
    expected = torch.distributions.Normal(torch.tensor([1.0, 2.0]), torch.tensor([0.5, 0.1])).log_prob(z).sum(1)
    np.testing.assert_allclose(coverage.log_aggregate(z.numpy()), expected, rtol=1e-4, atol=1e-4)


def test_distances_and_kinds_agree_with_brute_force(surroundings):
    _, means = surroundings
    labels = (means[:, 0] > 0).astype(int)
    coverage = Coverage(means, np.full_like(means, 0.6), labels)
    z = np.array([0.03, -0.2])
    order = np.argsort(np.linalg.norm(means - z, axis=1))
    found = coverage.neighbourhood(z[None])
    assert found.distance[0] == pytest.approx(np.linalg.norm(means - z, axis=1)[order[:NEIGHBOURS]].mean(), rel=1e-4)
    among = labels[order[:KINDS_AMONG]].mean()
    assert found.agreement[0] == pytest.approx(max(among, 1 - among))


def test_an_image_is_not_its_own_neighbour():
    means = np.array([[0.0, 0.0], [5.0, 0.0], [5.0, 0.1], [5.0, -0.1]])
    coverage = Coverage(means, np.full_like(means, 0.1), [0, 1, 1, 1])
    with_itself, others = (coverage.neighbourhood(means[:1], own).distance[0] for own in (None, [0]))
    assert with_itself < others == pytest.approx(5, abs=0.01)
    with_own, without = coverage.log_aggregate(means[:1]), coverage.log_aggregate(means[:1], [0])
    assert with_own[0] > 0 > without[0] and without[0] < -500, "fifty standard deviations from all others"


def test_a_point_on_a_code_is_known_as_that_images_own(surroundings):
    coverage, means = surroundings
    z = np.stack([means[17].round(3), means[17] + 0.01, means[40]])
    np.testing.assert_array_equal(coverage.own(z), [17, -1, 40])
    assert (coverage.own(means[:17]) == -1).all(), "among many it is not looked for"
    assert coverage.neighbourhood(z[:1], coverage.own(z[:1])).distance[0] > coverage.neighbourhood(z[:1]).distance[0]


def test_an_inactive_dimension_does_not_count(surroundings):
    _, means = surroundings
    wide = np.concatenate([means, np.zeros((len(means), 1))], axis=1)
    stds = np.full_like(wide, 0.6)
    z = [[0.0, 0.0, 6.0]]
    assert Coverage(wide, stds).neighbourhood(z).distance[0] > 5
    assert Coverage(wide, stds, active=[True, True, False]).neighbourhood(z).distance[0] < 0.2
