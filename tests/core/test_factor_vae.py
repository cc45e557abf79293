"""FactorVAE's second network: does it measure total correlation, and do the two networks leave each other alone."""

import math
from types import SimpleNamespace

import pytest
import torch

from vae_core.config.schema import ModelConfig
from vae_core.model.vae import build
from vae_core.objectives.beta_elbo import BetaELBO
from vae_core.objectives.factor_vae import FactorVAE, permute_dims
from vae_core.objectives.objective import RunContext


def run(latent_dim):
    return RunContext(images=80, steps_per_epoch=10, total_steps=80, latent_dim=latent_dim, device=torch.device("cpu"), seed=0)


def noise(seed=3):
    return torch.Generator().manual_seed(seed)


class Correlated:
    """Stands in for a model whose z of any image is a Gaussian with one correlation."""

    def __init__(self, correlation):
        self.config = SimpleNamespace(latent_dim=2)
        self.factor = torch.tensor([[1.0, 0.0], [correlation, math.sqrt(1 - correlation**2)]])

    def encode(self, x):
        nothing = torch.zeros(len(x))
        return SimpleNamespace(sample=lambda eps: eps @ self.factor.T, kl=lambda: nothing, kl_per_dim=lambda: None)

    def decode(self, z):
        return SimpleNamespace(log_prob=lambda x: torch.zeros(len(x)))


@pytest.mark.parametrize("correlation", [0.0, 0.8])
def test_the_discriminator_finds_the_total_correlation_of_a_gaussian(correlation):
    # closed form: -log(1 - r^2) / 2 nats
    objective = FactorVAE(discriminator_width=32, discriminator_learning_rate=2e-3).start(run(2))
    model, x, draws = Correlated(correlation), torch.zeros(1000, 1), noise()
    for step in range(400):
        objective(model, x, draws, step)
        objective.update_own_networks()
    with torch.no_grad():
        found = objective(model, torch.zeros(50_000, 1), draws, 0).more["total_correlation"].mean()
    assert float(found) == pytest.approx(-0.5 * math.log(1 - correlation**2), abs=0.06)


def test_permuting_keeps_each_marginal_and_breaks_what_they_say_about_each_other():
    z = Correlated(0.9).encode(torch.zeros(5000, 1)).sample(torch.randn(5000, 2, generator=noise()))
    permuted = permute_dims(z, noise(4))
    torch.testing.assert_close(permuted.sort(dim=0).values, z.sort(dim=0).values)
    assert float(torch.corrcoef(z.T)[0, 1]) > 0.85 and abs(float(torch.corrcoef(permuted.T)[0, 1])) < 0.05


def test_neither_network_learns_from_the_loss_of_the_other():
    model = build(ModelConfig(architecture="mlp", height=8, width=8, latent_dim=3, hidden=(16,)), seed=1)
    objective = FactorVAE(discriminator_width=8).start(run(3))
    objective(model, torch.rand(9, 1, 8, 8, generator=noise()), noise(), 0).loss.mean().backward()
    own = list(objective.discriminator.parameters())
    assert all(parameter.grad is None for parameter in own)
    before = [parameter.grad.clone() for parameter in model.parameters()], [parameter.clone() for parameter in own]
    objective.update_own_networks()
    assert all(torch.equal(p.grad, grad) for p, grad in zip(model.parameters(), before[0], strict=True))
    assert not all(torch.equal(p, old) for p, old in zip(own, before[1], strict=True)), "the discriminator learns"


def test_the_penalty_reaches_the_encoder_and_is_gone_at_gamma_0():
    model = build(ModelConfig(architecture="mlp", height=8, width=8, latent_dim=3, hidden=(16,)), seed=1)
    x = torch.rand(9, 1, 8, 8, generator=noise())

    def gradient(config):
        loss = config.start(run(3))(model, x, noise(), 0).loss.mean()
        return torch.autograd.grad(loss, model.encoder[-1].weight)[0]

    elbo = gradient(BetaELBO(warmup="none"))
    torch.testing.assert_close(gradient(FactorVAE(gamma=0)), elbo)
    assert not torch.allclose(gradient(FactorVAE(gamma=10)), elbo)


def test_a_batch_of_one_image_teaches_the_discriminator_nothing():
    objective = FactorVAE(discriminator_width=8).start(run(2))
    objective(Correlated(0.5), torch.zeros(1, 1), noise(), 0)
    objective.update_own_networks()
    assert objective.loss == 0.0
