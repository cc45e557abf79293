"""Likelihoods against torch.distributions, sums over the 256 levels and their own draws."""

import math
import typing

import numpy as np
import pytest
import torch
from torch.distributions import AffineTransform, Normal, SigmoidTransform, TransformedDistribution, Uniform

from vae_core.config.schema import ModelConfig
from vae_core.errors import LatentError
from vae_core.latent.latent_model import open_model
from vae_core.model.likelihoods import HEADS, DiscretisedLogistic, PixelwiseGaussian, decoder_channels
from vae_core.model_files import checkpoints

CHOICES = typing.get_args(ModelConfig.model_fields["likelihood"].annotation)
LEVELS = torch.arange(256) / 255


def head(name, **fields):
    return HEADS[name](ModelConfig(likelihood=name, **fields))


def output(name, *, batch=4, side=5, seed=0):
    shape = (batch, decoder_channels(ModelConfig(likelihood=name, channels=3)), side, side)
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def levels(*shape, seed=1):
    return torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(seed)) / 255


def test_the_configuration_offers_the_registered_likelihoods_and_begins_as_older_files_do():
    assert set(CHOICES) == set(HEADS) - {"squared-error"}
    assert ModelConfig().likelihood == "bernoulli"


def test_a_gaussian_with_a_sigma_for_each_pixel_agrees_with_torch():
    raw, x = output("gaussian-per-pixel"), torch.rand(4, 3, 5, 5)
    likelihood = head("gaussian-per-pixel")(raw)
    torch.testing.assert_close(likelihood.mean, raw[:, :3])
    sigma = 0.3 * raw[:, 3:].exp()
    torch.testing.assert_close(likelihood.log_prob(x), Normal(raw[:, :3], sigma).log_prob(x).sum((1, 2, 3)), rtol=1e-4, atol=1e-3)


def test_equal_sigmas_give_the_nats_of_the_gaussian_with_one():
    mean, x = torch.rand(4, 3, 5, 5), torch.rand(4, 3, 5, 5)
    per_pixel = PixelwiseGaussian(mean, torch.full_like(mean, math.log(0.2)))
    torch.testing.assert_close(per_pixel.log_prob(x), head("gaussian", sigma=0.2)(mean).log_prob(x), rtol=1e-4, atol=1e-3)


# Scales from far below one level to far above all; locations on, between and beyond the levels.
SCALES = (1e-3, 0.004, 0.05, 1.0, 20.0)
LOCATIONS = (-3.0, -0.01, 0.0, 0.3, 128 / 255, 128.5 / 255, 1.0, 1.2)


def each_level(location, scale):
    """log P of the 256 values of one pixel."""
    full = torch.full((256, 1, 1, 1), location), torch.full((256, 1, 1, 1), math.log(scale))
    return DiscretisedLogistic(*full).log_prob(LEVELS[:, None, None, None])


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("location", LOCATIONS)
def test_the_probabilities_of_the_256_levels_sum_to_1(location, scale):
    found = each_level(location, scale)
    assert torch.isfinite(found).all() and (found <= 0).all()
    assert float(found.double().exp().sum()) == pytest.approx(1, abs=2e-5)


def test_a_levels_probability_is_that_of_a_logistic_variable_within_half_a_level():
    location, scale = 0.4, 0.03
    logistic = TransformedDistribution(  # torch.distributions has none of its own; this one is from its documentation
        Uniform(torch.tensor(0.0, dtype=torch.double), torch.tensor(1.0, dtype=torch.double)),
        [SigmoidTransform().inv, AffineTransform(location, scale)],
    )
    edges = (torch.arange(257).double() - 0.5) / 255
    cdf = logistic.cdf(edges)
    cdf[0], cdf[-1] = 0, 1
    torch.testing.assert_close(each_level(location, scale).double(), (cdf[1:] - cdf[:-1]).log(), rtol=1e-4, atol=1e-4)


def test_the_nats_of_levels_are_those_of_a_density_less_ln_255_for_each_value():
    location, log_scale, x = torch.rand(3, 1, 8, 8), torch.full((3, 1, 8, 8), math.log(0.2)), levels(3, 1, 8, 8).clamp(0.2, 0.8)
    standard = (x - location) / 0.2
    density = (-standard - log_scale - 2 * torch.nn.functional.softplus(-standard)).sum((1, 2, 3))
    found = DiscretisedLogistic(location, log_scale).log_prob(x)
    torch.testing.assert_close(found, density - 64 * math.log(255), rtol=1e-4, atol=0.01)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("location", LOCATIONS)
def test_the_logistics_mean_is_that_of_its_levels_to_half_a_level(location, scale):
    exact = float((each_level(location, scale).double().exp() * LEVELS).sum())
    shown = float(DiscretisedLogistic(torch.full((1, 1, 1, 1), location), torch.full((1, 1, 1, 1), math.log(scale))).mean)
    assert abs(shown - exact) <= 0.5001 / 255
    if scale >= 0.004:
        assert abs(shown - exact) <= 0.02 / 255, "where the distribution is wider than a level the two agree"


def test_a_confident_wrong_pixel_still_teaches():
    raw = torch.tensor([[0.9, -30.0], [-4.0, 12.0]]).reshape(2, 2, 1, 1).requires_grad_()
    likelihood = head("discretised-logistic")(raw)
    loss = -likelihood.log_prob(torch.tensor([0.0, 1.0]).reshape(2, 1, 1, 1)).sum()
    loss.backward()
    assert torch.isfinite(loss) and torch.isfinite(raw.grad).all() and (raw.grad != 0).all()


@pytest.mark.parametrize("name", CHOICES)
def test_draws_have_the_likelihoods_mean_and_come_from_the_generator(name):
    likelihood = head(name)(0.3 * output(name, batch=1, side=2).expand(20_000, -1, -1, -1))
    draws = [likelihood.sample(torch.Generator().manual_seed(seed)) for seed in (7, 7, 8)]
    assert torch.equal(draws[0], draws[1]) and not torch.equal(draws[0], draws[2])
    torch.testing.assert_close(draws[0].mean(dim=0), likelihood.mean[0], atol=0.015, rtol=0)
    if name == "discretised-logistic":
        assert torch.equal((draws[0] * 255).round() / 255, draws[0]) and draws[0].min() >= 0 and draws[0].max() <= 1


@pytest.mark.parametrize("name", ["gaussian-per-pixel", "discretised-logistic"])
def test_the_second_output_finds_the_spread_of_each_pixel(name):
    """Two pixels, one noisier than the other: maximum likelihood must tell them apart."""
    x = 0.5 + torch.randn(4000, 1, 1, 2, generator=torch.Generator().manual_seed(0)) * torch.tensor([0.02, 0.1])
    raw = torch.zeros(1, 2, 1, 2, requires_grad=True)
    optimizer = torch.optim.Adam([raw], lr=0.05)
    for _ in range(300):
        optimizer.zero_grad()
        (-head(name)(raw.expand(len(x), -1, -1, -1)).log_prob(x).mean()).backward()
        optimizer.step()
    likelihood = head(name)(raw.detach())
    spreads = likelihood.log_sigma if name == "gaussian-per-pixel" else likelihood.log_scale + math.log(math.pi / math.sqrt(3))
    torch.testing.assert_close(spreads.exp().flatten(), torch.tensor([0.02, 0.1]), rtol=0.08, atol=0)
    torch.testing.assert_close(likelihood.mean.flatten(), torch.tensor([0.5, 0.5]), rtol=0, atol=0.01)


@pytest.mark.parametrize("likelihood", CHOICES)
def test_a_model_file_draws_the_same_noise_for_the_same_seed(likelihood, tmp_path, make_model):
    path = make_model(tmp_path / "m.safetensors", architecture="conv", data="shapes", model={"likelihood": likelihood})
    model = open_model(path, device="cpu")
    z = model.sample_prior(3, 0)
    drawn, again, other = model.draw(z, 1), model.draw(z, 1), model.draw(z, 2)
    assert drawn.shape == model.decode(z).shape == (3, 64, 64, 3)
    np.testing.assert_array_equal(drawn, again)
    assert (drawn != other).any() and (drawn != model.decode(z)).any()
    assert model.encode(np.random.default_rng(0).random((2, 3, 64, 64))).x_hat.shape == (2, 3, 64, 64)


def test_an_autoencoder_has_nothing_to_draw_from(tmp_path, make_model):
    model = open_model(make_model(tmp_path / "m.safetensors"), device="cpu")
    model.header = model.header.model_copy(update={"kind": "autoencoder"})
    with pytest.raises(LatentError, match="no p\\(x\\|z\\)"):
        model.draw(model.sample_prior(1, 0), 0)


def test_a_decoder_of_another_likelihood_does_not_fit(tmp_path, make_model):
    path = make_model(tmp_path / "m.safetensors", model={"likelihood": "discretised-logistic"})
    assert checkpoints.load(path).model.decoder[-2].out_features == 2 * 28 * 28
