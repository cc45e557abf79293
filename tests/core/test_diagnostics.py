"""Diagnostics against a linear-Gaussian model, where log p(x) and the aggregate posterior are known."""

import pytest
import torch
from linear_gaussian import LATENTS, SIZE, exact_log_px, linear_gaussian

from vae_core.data.loading import to_float
from vae_core.evaluation import diagnostics
from vae_core.model_files.header import QUANTILES

IMAGES = torch.randint(0, 256, (50, 1, SIZE, SIZE), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("correlated", [False, True])
def test_with_the_exact_posterior_one_sample_gives_log_px_and_all_samples_count(correlated):
    model = linear_gaussian(correlated=correlated)
    estimate = diagnostics.importance_sampled_log_px(model, IMAGES, samples=7)
    torch.testing.assert_close(estimate.log_px, exact_log_px(model, to_float(IMAGES)), rtol=1e-4, atol=1e-2)
    torch.testing.assert_close(estimate.ess, torch.full((50,), 7.0), rtol=1e-2, atol=0)


def test_with_a_wrong_posterior_the_bound_rises_to_log_px_with_more_samples():
    model = linear_gaussian(widen=1.8)
    exact = exact_log_px(model, to_float(IMAGES))
    gaps = [float((exact - diagnostics.importance_sampled_log_px(model, IMAGES, samples=k).log_px).mean()) for k in (1, 10, 2000)]
    assert gaps[0] > gaps[1] > gaps[2], gaps
    assert gaps[0] > 0.3 and abs(gaps[2]) < 0.02, gaps
    assert diagnostics.importance_sampled_log_px(model, IMAGES, samples=100).ess.mean() < 90


def test_the_number_of_samples_is_exactly_the_one_asked_for_however_they_are_batched():
    model = linear_gaussian(widen=1.8)
    exact = exact_log_px(model, to_float(IMAGES[:3]))
    for rows in (7, 10_000):
        estimate = diagnostics.importance_sampled_log_px(model, IMAGES[:3], samples=500, rows=rows)
        assert (estimate.ess <= 500).all() and (estimate.ess > 50).all()
        torch.testing.assert_close(estimate.log_px, exact, rtol=0, atol=0.3)


@pytest.mark.parametrize("correlated", [False, True])
def test_the_elbo_is_below_log_px_by_the_posteriors_error(correlated):
    model = linear_gaussian(widen=1.8, correlated=correlated)
    evaluation = diagnostics.evaluate(model, IMAGES.repeat(200, 1, 1, 1), batch_size=999)
    # KL(q || p(z|x)) of a Gaussian that is 1.8 times too wide in each dimension
    gap = LATENTS * float(0.5 * (torch.tensor(1.8) ** 2 - 1) - torch.tensor(1.8).log())
    exact = float(exact_log_px(model, to_float(IMAGES)).mean())
    assert float(evaluation.elbo.mean()) == pytest.approx(exact - gap, abs=0.05)


def test_active_units_of_a_collapsed_and_of_a_full_code():
    mu = torch.randn(1000, 5)
    assert diagnostics.active_units(mu) == 5
    assert diagnostics.active_units(0.01 * mu) == 0
    assert diagnostics.active_units(torch.cat([mu[:, :2], 0.01 * mu[:, 2:]], dim=1)) == 2


def test_latent_statistics_describe_the_aggregate_posterior():
    generator = torch.Generator().manual_seed(11)
    mu = 2 + 0.8 * torch.randn(40_000, 2, generator=generator)
    statistics = diagnostics.latent_statistics(diagnostics.Evaluation(mu, torch.full_like(mu, 0.6), mu, mu[:, 0], mu[:, 0]))
    # draws are N(2, 0.8^2 + 0.6^2) = N(2, 1)
    expected = torch.distributions.Normal(2.0, 1.0).icdf(torch.tensor(QUANTILES))
    assert statistics.mean == pytest.approx([2, 2], abs=0.02) and statistics.std == pytest.approx([1, 1], abs=0.02)
    assert statistics.mean_variance == pytest.approx([0.64, 0.64], abs=0.02)
    torch.testing.assert_close(torch.tensor(statistics.quantiles)[:, 0], expected, rtol=0, atol=0.06)


def test_a_seed_repeats_an_evaluation_and_another_one_does_not():
    model = linear_gaussian()
    first, same, other = (diagnostics.evaluate(model, IMAGES, seed=seed).log_px_z for seed in (0, 0, 1))
    assert torch.equal(first, same) and not torch.equal(first, other)


def test_statistics_of_a_correlated_posterior_are_of_its_marginals():
    model = linear_gaussian(correlated=True)
    evaluation = diagnostics.evaluate(model, IMAGES)
    q = model.encode(to_float(IMAGES))
    torch.testing.assert_close(evaluation.kl, q.kl())
    marginal = torch.distributions.Normal(q.mu, q.covariance().diagonal(dim1=1, dim2=2).sqrt())
    expected = torch.distributions.kl_divergence(marginal, torch.distributions.Normal(0.0, 1.0)).mean(0)
    statistics = diagnostics.latent_statistics(evaluation)
    torch.testing.assert_close(torch.tensor(statistics.kl), expected)
    assert sum(statistics.kl) < float(evaluation.kl.mean()) - 0.1
