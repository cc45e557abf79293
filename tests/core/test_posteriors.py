"""Posteriors against torch.distributions, a numerical integral and a model whose exact posterior is correlated."""

import re
import typing
from pathlib import Path

import pytest
import torch
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence

from vae_core.config.schema import ModelConfig, train_config
from vae_core.errors import ConfigError
from vae_core.model.posteriors import POSTERIORS, Diagonal, FullCovariance, marginal_kl, pair_correlations
from vae_core.model.vae import build
from vae_core.objectives.beta_elbo import BetaELBO

D, B, K = 3, 6, 5
CHOICES = typing.get_args(ModelConfig.model_fields["posterior"].annotation)
OUTPUT = {name: torch.randn(B, kind.outputs(D), generator=torch.Generator().manual_seed(4)) for name, kind in POSTERIORS.items()}


def made(name):
    return POSTERIORS[name].from_output(OUTPUT[name], D)


def trusted(q):
    """The same distribution as torch has it."""
    if isinstance(q, FullCovariance):
        return MultivariateNormal(q.mu, scale_tril=q.factor)
    return Independent(Normal(q.mu, q.marginal_std), 1)


def prior():
    return MultivariateNormal(torch.zeros(B, D), torch.eye(D).expand(B, D, D))


def test_the_configuration_offers_the_registered_posteriors():
    assert set(CHOICES) == set(POSTERIORS)
    assert ModelConfig().posterior == "diagonal", "what files say that were saved before there was a choice"
    for name in CHOICES:
        assert ModelConfig(posterior=name).independent_latents == (made(name).kl_per_dim() is not None)


@pytest.mark.parametrize("name", CHOICES)
def test_kl_and_log_density_agree_with_torch(name):
    q = made(name)
    same = MultivariateNormal(q.mu, trusted(q).covariance_matrix) if name == "full" else MultivariateNormal(
        q.mu, torch.diag_embed(q.marginal_std.square())
    )  # fmt: skip
    torch.testing.assert_close(q.kl(), kl_divergence(same, prior()), rtol=1e-5, atol=1e-5)
    for z in (torch.randn(B, D), torch.randn(K, B, D)):
        assert q.log_prob(z).shape == z.shape[:-1]
        torch.testing.assert_close(q.log_prob(z), trusted(q).log_prob(z), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", CHOICES)
def test_draws_have_the_posteriors_mean_and_covariance(name):
    q = made(name)
    eps = torch.randn(200_000, B, D, generator=torch.Generator().manual_seed(1))
    z = q.sample(eps)
    torch.testing.assert_close(q.sample(eps[7]), z[7])
    torch.testing.assert_close(z.mean(0), q.mu, rtol=0, atol=0.03)
    torch.testing.assert_close(z.std(0), q.marginal_std, rtol=0.02, atol=0)
    covariance = torch.stack([z[:, i].T.cov() for i in range(B)])
    expected = torch.diag_embed(q.marginal_std.square()) if q.covariance() is None else q.covariance()
    torch.testing.assert_close(covariance, expected, rtol=0.03, atol=0.03)


def test_the_kl_of_independent_latents_is_the_sum_over_them_and_agrees_with_a_numerical_integral():
    q = made("diagonal")
    torch.testing.assert_close(q.kl_per_dim(), kl_divergence(Normal(q.mu, q.marginal_std), Normal(0.0, 1.0)))
    torch.testing.assert_close(q.kl(), q.kl_per_dim().sum(1))
    assert torch.equal(marginal_kl(q), q.kl_per_dim()) and pair_correlations(q) is None
    grid = torch.linspace(-12, 12, 200_001, dtype=torch.float64)
    density = Normal(q.mu[0, 0].double(), q.marginal_std[0, 0].double())
    integrand = density.log_prob(grid).exp() * (density.log_prob(grid) - Normal(0.0, 1.0).log_prob(grid))
    assert float(q.kl_per_dim()[0, 0]) == pytest.approx(float(torch.trapezoid(integrand, grid)), rel=1e-4)


def test_correlated_latents_have_no_kl_of_each_but_one_of_each_marginal():
    q = made("full")
    assert q.kl_per_dim() is None
    variances = q.covariance().diagonal(dim1=1, dim2=2)
    torch.testing.assert_close(q.marginal_std.square(), variances)
    torch.testing.assert_close(marginal_kl(q), kl_divergence(Normal(q.mu, variances.sqrt()), Normal(0.0, 1.0)))
    assert (marginal_kl(q).sum(1) < q.kl() - 1e-3).all(), "the marginals leave out what the latents know of each other"


def test_a_factor_without_correlations_is_the_diagonal_posterior():
    output = OUTPUT["full"].clone()
    output[:, 2 * D :] = 0
    full, diagonal = FullCovariance.from_output(output, D), Diagonal.from_output(output[:, : 2 * D], D)
    z = torch.randn(K, B, D)
    for one, other in (
        (full.kl(), diagonal.kl()),
        (full.log_prob(z), diagonal.log_prob(z)),
        (full.sample(z), diagonal.sample(z)),
    ):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


def test_correlations_are_those_of_the_covariance_below_its_diagonal_row_by_row():
    q = made("full")
    draws = q.sample(torch.randn(100_000, B, D, generator=torch.Generator().manual_seed(2)))
    expected = torch.stack([draws[:, i].T.corrcoef()[[1, 2, 2], [0, 0, 1]] for i in range(B)])
    torch.testing.assert_close(pair_correlations(q), expected, rtol=0, atol=0.02)


@pytest.mark.parametrize("scale", [1.0, 1e4, -1e4, 1e9])
def test_whatever_the_encoder_says_a_full_posterior_and_its_gradients_are_finite(scale):
    output = (scale * OUTPUT["full"]).requires_grad_()
    q = FullCovariance.from_output(output, D)
    z = q.sample(torch.randn(B, D))
    (q.kl() - q.log_prob(z.detach())).mean().backward()
    for tensor in (z, q.kl(), q.marginal_std, output.grad):
        assert torch.isfinite(tensor).all()
    assert (q.factor.diagonal(dim1=1, dim2=2) > 0).all()


@pytest.mark.parametrize("architecture", ["mlp", "conv"])
def test_the_encoders_last_layer_has_what_its_posterior_needs(architecture):
    for latent_dim in (1, 2, 10):
        config = ModelConfig(
            architecture=architecture, latent_dim=latent_dim, posterior="full", hidden=(8,), filters=4, features=8
        )
        model = build(config).eval()
        assert model.encoder(torch.rand(2, 1, 28, 28)).shape == (2, 2 * latent_dim + latent_dim * (latent_dim - 1) // 2)
        assert model.encode(torch.rand(2, 1, 28, 28)).covariance().shape == (2, latent_dim, latent_dim)


def test_autocast_leaves_the_draws_in_float32():
    q, eps = made("full"), torch.randn(B, D)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        z = q.sample(eps)
    assert torch.equal(z, q.sample(eps))


def test_free_bits_are_refused_where_there_is_no_kl_of_each_latent():
    with pytest.raises(ConfigError, match="full posterior has no KL of each latent"):
        train_config(objective=BetaELBO(free_bits=0.1), model={"posterior": "full"})
    assert train_config(objective=BetaELBO(free_bits=0.1)).objective.needs_kl_per_dim == "free_bits"


def test_nothing_outside_the_model_takes_an_encoders_output_apart_or_calls_a_marginal_spread_just_std():
    root = Path(__file__).parents[2]
    files = [path for room in ("vae_core", "ui", "tools", "benchmarks") for path in (root / room).rglob("*.py")]
    outside = [path for path in files if not path.is_relative_to(root / "vae_core" / "model")]
    found = {}
    for path in outside:
        text = path.read_text()
        lines = re.findall(r".*(?:\.chunk\(2|\b(?:q|posterior|encoding|evaluation|seen)\.std\b|\blog_?var\b).*", text)
        if lines:
            found[str(path.relative_to(root))] = lines
    assert len(outside) > 100 and not found
