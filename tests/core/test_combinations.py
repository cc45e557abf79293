"""Every architecture with every likelihood, posterior and objective: two training steps, and a picture."""

import itertools
import typing

import pytest
import torch

from vae_core.config.schema import ModelConfig, TrainConfig
from vae_core.model.architectures import folded
from vae_core.objectives.registry import OBJECTIVES
from vae_core.training.training_step import TrainingStep


def choices(name):
    return typing.get_args(ModelConfig.model_fields[name].annotation)


ARCHITECTURES, LIKELIHOODS, POSTERIORS = (choices(name) for name in ("architecture", "likelihood", "posterior"))
KINDS = [kind for kind, one in OBJECTIVES.items() if one.trains == "vae"]
ALL = [*itertools.product(ARCHITECTURES, LIKELIHOODS, POSTERIORS, KINDS)]
ALL += [(architecture, "bernoulli", "diagonal", "reconstruction") for architecture in ARCHITECTURES]
IMAGES = torch.randint(0, 256, (24, 3, 12, 12), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def config(architecture, likelihood, posterior, kind):
    small = {"height": 12, "width": 12, "channels": 3, "latent_dim": 3, "hidden": (16,), "filters": 8, "features": 16}
    model = {"architecture": architecture, "likelihood": likelihood, "posterior": posterior, **small}
    return TrainConfig(model=model, objective={"kind": kind}, batch_size=8, device="cpu", precision="float32")


def test_every_choice_is_tried():
    assert len(ALL) == len(ARCHITECTURES) * (len(LIKELIHOODS) * len(POSTERIORS) * len(KINDS) + 1)


@pytest.mark.parametrize(("architecture", "likelihood", "posterior", "kind"), ALL)
def test_two_steps_are_finite_and_reach_every_weight(architecture, likelihood, posterior, kind):
    step = TrainingStep(config(architecture, likelihood, posterior, kind), IMAGES, torch.device("cpu"))
    step(IMAGES[:8])
    terms = step(IMAGES[8:16])
    assert torch.isfinite(terms.loss).all() and terms.loss.shape == (8,)
    for name, parameter in step.model.named_parameters():
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), name
    model = step.model.eval()
    with torch.no_grad():
        z = torch.randn(2, 3)
        picture = model.decode(z).mean
        assert picture.shape == (2, 3, 12, 12) and torch.isfinite(picture).all()
        torch.testing.assert_close(model.head(folded(model.decoder)(z)).mean, picture, rtol=1e-3, atol=1e-3)
