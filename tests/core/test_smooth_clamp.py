"""Bounds that leave what is inside alone and let what is outside return."""

import pytest
import torch

from vae_core.config.schema import ModelConfig
from vae_core.model.likelihoods import HEADS
from vae_core.model.smooth_clamp import soft_bound
from vae_core.model.vae import build


def test_inside_nothing_changes_and_outside_nothing_goes_beyond():
    inside = torch.linspace(-5, 3, 1001)
    assert torch.equal(soft_bound(inside, -5.0, 3.0), inside)
    outside = soft_bound(torch.tensor([-torch.inf, -1e9, -100, -6, 4, 100, 1e9, torch.inf]), -5.0, 3.0, give=0.5)
    assert (outside >= -5.5).all() and (outside <= 3.5).all() and (outside.diff() >= 0).all()


def test_the_slope_is_one_at_the_bounds_and_positive_beyond():
    x = torch.tensor([-5.0, 3.0, -5.0001, 3.0001, -7, -500, 30, 1e4], requires_grad=True)
    soft_bound(x, -5.0, 3.0).sum().backward()
    torch.testing.assert_close(x.grad[:4], torch.ones(4), rtol=1e-3, atol=0)
    assert (x.grad > 0).all()


def test_a_learned_sigma_that_fell_too_low_finds_its_way_back():
    head = HEADS["gaussian"](ModelConfig(likelihood="gaussian"))
    head.log_sigma.data.fill_(-12.0)
    x = 0.5 + 0.07 * torch.randn(8, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    optimizer = torch.optim.Adam(head.parameters(), lr=0.1)
    for _ in range(300):
        optimizer.zero_grad()
        (-head(torch.full_like(x, 0.5)).log_prob(x).mean()).backward()
        optimizer.step()
    assert -3.0 < head.log_sigma.item() < -2.3, "log 0.07 is -2.66"


@pytest.mark.parametrize("posterior", ["diagonal", "full"])
def test_a_log_variance_outside_its_bounds_has_a_gradient(posterior):
    model = build(ModelConfig(architecture="mlp", hidden=(8,), latent_dim=2, posterior=posterior))
    for log_var in (-40.0, 30.0):
        last = model.encoder[-1]
        last.weight.data.zero_()
        last.bias.data.fill_(log_var)
        model.zero_grad()
        q = model.encode(torch.rand(3, 1, 28, 28))
        q.kl().mean().backward()
        assert torch.isfinite(q.marginal_std).all() and (q.marginal_std > 0).all()
        assert (last.bias.grad[2:].abs() > 1e-6).all()
