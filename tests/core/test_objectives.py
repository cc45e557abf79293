"""Objectives against torch.distributions and closed forms; what is drawn comes from the generator they are given."""

import pytest
import torch
from torch.distributions import Bernoulli, Independent, Normal

from vae_core.config.schema import ModelConfig
from vae_core.model.vae import build
from vae_core.objectives.beta_elbo import BetaELBO, beta_at, beta_elbo_loss, floored_kl
from vae_core.objectives.iwae import IWAE
from vae_core.objectives.objective import RunContext
from vae_core.objectives.registry import OBJECTIVES

RUN = RunContext(images=80, steps_per_epoch=10, total_steps=80, latent_dim=3, device=torch.device("cpu"), seed=0)
MODEL = build(ModelConfig(architecture="mlp", height=8, width=8, latent_dim=3, hidden=(16,)), seed=1)
X = torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(2)).round()


def terms(config, step=0, seed=3, x=X):
    return config.start(RUN)(MODEL, x, torch.Generator().manual_seed(seed), step)


@pytest.mark.parametrize("kind", [kind for kind, one in OBJECTIVES.items() if one.trains == "vae"])
def test_every_objective_answers_for_each_image_and_measures_the_beta_free_elbo_beside_it(kind):
    found = terms(OBJECTIVES[kind]())
    assert found.loss.shape == found.log_px_z.shape == found.kl.shape == (6,)
    torch.testing.assert_close(found.kl, MODEL.encode(X).kl())
    torch.testing.assert_close(found.kl_per_dim.sum(dim=1), found.kl)
    assert found.loss.requires_grad


@pytest.mark.parametrize("kind", OBJECTIVES)
def test_every_setting_of_an_objective_has_a_sentence_and_a_place_in_the_form(kind):
    for name, field in OBJECTIVES[kind].model_fields.items():
        assert name == "kind" or (field.description and field.metadata), name


def test_with_beta_one_and_no_free_bits_the_loss_is_minus_the_elbo():
    found = terms(BetaELBO(warmup="none"))
    torch.testing.assert_close(found.loss, found.kl - found.log_px_z)


def test_beta_weighs_the_kl_alone():
    log_px_z, kl = torch.randn(6), torch.rand(6, 3)
    torch.testing.assert_close(beta_elbo_loss(log_px_z, kl, beta=4.0), 4 * kl.sum(1) - log_px_z)


def test_free_bits_floor_the_mean_kl_of_each_dimension_and_stop_its_gradient():
    kl = torch.tensor([[0.0, 0.4], [0.2, 1.6]], requires_grad=True)  # means 0.1 and 1.0
    floored = floored_kl(kl, 0.5)
    torch.testing.assert_close(floored.mean(0), torch.tensor([0.5, 1.0]))
    floored.sum().backward()
    torch.testing.assert_close(kl.grad, torch.tensor([[0.0, 1.0], [0.0, 1.0]]))


def test_beta_rises_as_its_schedule_says():
    def beta(step, **settings):
        return beta_at(BetaELBO(beta=2.0, **settings), step, RUN)

    assert [beta(step, warmup="linear") for step in (0, 5, 10, 79)] == [0.0, 1.0, 2.0, 2.0]
    assert beta(0, warmup="linear", warmup_epochs=0) == 2.0 and beta(0, warmup="none") == 2.0
    # cycles of 20 steps: ten up, ten flat
    assert [beta(step, warmup="cyclical") for step in (0, 5, 10, 19, 20, 25)] == [0.0, 1.0, 2.0, 2.0, 0.0, 1.0]


def test_iwae_with_one_draw_is_the_elbo():
    torch.testing.assert_close(terms(IWAE(samples=1)).loss, terms(BetaELBO(warmup="none")).loss)


def test_iwae_is_the_log_of_the_mean_weight_that_torch_computes():
    found = terms(IWAE(samples=7))
    q = MODEL.encode(X)
    z = q.sample(torch.randn(7, 6, 3, generator=torch.Generator().manual_seed(3)))
    expected = []
    for image, mu, std, draws in zip(X, q.mu, q.marginal_std, z.unbind(dim=1), strict=True):
        p_x = Independent(Bernoulli(logits=MODEL.decode(draws).logits), 3).log_prob(image)
        weights = (
            p_x + Independent(Normal(torch.zeros(3), 1.0), 1).log_prob(draws) - Independent(Normal(mu, std), 1).log_prob(draws)
        )
        expected.append(weights.double().exp().mean().log().float())
    torch.testing.assert_close(-found.loss, torch.stack(expected), rtol=1e-4, atol=1e-4)


def test_the_bound_rises_with_the_number_of_draws():
    # Burda et al. 2016, theorem 1: L_1 <= L_5 <= L_50 in expectation
    x = X[:1].repeat(3000, 1, 1, 1)
    with torch.no_grad():
        bounds = [-float(terms(IWAE(samples=k), x=x).loss.mean()) for k in (1, 5, 50)]
    assert bounds[0] + 0.01 < bounds[1] < bounds[2]


def test_iwae_gradients_weigh_each_draw_by_its_normalised_importance():
    # Burda et al. 2016, equation 14: the gradient is the mean over draws of that of log w, weighted by w / sum of w
    loss = terms(IWAE(samples=4)).loss.sum()
    (found,) = torch.autograd.grad(loss, MODEL.decoder[-2].bias)
    q = MODEL.encode(X)
    z = q.sample(torch.randn(4, 6, 3, generator=torch.Generator().manual_seed(3)))
    log_w = torch.stack([MODEL.decode(draw).log_prob(X) for draw in z]) + MODEL.log_prior(z) - q.log_prob(z)
    weighted = -(log_w.softmax(dim=0).detach() * log_w).sum()
    torch.testing.assert_close(found, torch.autograd.grad(weighted, MODEL.decoder[-2].bias)[0])
