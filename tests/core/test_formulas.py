"""The VAE's formulas against torch.distributions, closed forms and numerical integrals."""

import pytest
import torch
from torch.distributions import Bernoulli as TorchBernoulli
from torch.distributions import Normal

from vae_core.config.schema import ModelConfig
from vae_core.model.likelihoods import HEADS, Bernoulli
from vae_core.model.posteriors import prior_log_prob
from vae_core.training.learning_rate import lr_at

torch.manual_seed(0)


def test_the_priors_log_density_agrees_with_torch():
    z = torch.randn(5, 6, 3)
    torch.testing.assert_close(prior_log_prob(z), Normal(0.0, 1.0).log_prob(z).sum(-1))


def test_bernoulli_agrees_with_torch_for_binary_images():
    logits, x = torch.randn(4, 1, 5, 5), torch.randint(0, 2, (4, 1, 5, 5)).float()
    expected = TorchBernoulli(logits=logits).log_prob(x).sum((1, 2, 3))
    torch.testing.assert_close(Bernoulli(logits).log_prob(x), expected)
    torch.testing.assert_close(Bernoulli(logits).mean, logits.sigmoid())


@pytest.mark.parametrize("sigma", [0.1, 1.0, None])
def test_gaussian_agrees_with_torch(sigma):
    head = HEADS["gaussian"](ModelConfig(likelihood="gaussian", sigma=sigma))
    output, x = torch.randn(4, 3, 5, 5), torch.rand(4, 3, 5, 5)
    expected = Normal(output, 0.3 if sigma is None else sigma).log_prob(x).sum((1, 2, 3))
    torch.testing.assert_close(head(output).log_prob(x), expected, rtol=1e-4, atol=1e-3)
    assert (sigma is None) == bool(list(head.parameters())), "sigma is learned only when it is not fixed"


def test_a_learned_sigma_finds_the_spread_of_its_data():
    head = HEADS["gaussian"](ModelConfig(likelihood="gaussian"))
    x = 0.5 + 0.07 * torch.randn(64, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    optimizer = torch.optim.Adam(head.parameters(), lr=0.05)
    for _ in range(200):
        optimizer.zero_grad()
        (-head(torch.full_like(x, 0.5)).log_prob(x).mean()).backward()
        optimizer.step()
    assert float(head.log_sigma.detach().exp()) == pytest.approx(float((x - 0.5).square().mean().sqrt()), rel=0.02)


def test_one_cycle_rises_to_its_peak_and_falls_to_a_hundredth():
    rates = [lr_at(step, kind="one-cycle", peak=1.0, total_steps=100) for step in range(101)]
    assert max(rates) == rates[10] == 1.0 and rates[-1] == pytest.approx(0.01)
    assert rates[:11] == sorted(rates[:11]) and rates[10:] == sorted(rates[10:], reverse=True)
    assert lr_at(7, kind="constant", peak=0.3, total_steps=100) == 0.3
    with pytest.raises(ValueError, match="choose from"):
        lr_at(0, kind="step", peak=1.0, total_steps=10)
