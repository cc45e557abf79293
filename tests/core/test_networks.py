"""Shapes, reproducibility and the folded decoder, for every architecture and several image sizes."""

import pytest
import torch

from vae_core.config.schema import ConfigError, ModelConfig, TrainConfig, train_config
from vae_core.model.architectures import ARCHITECTURES, conv_sizes, folded
from vae_core.model.vae import build
from vae_core.objectives.beta_elbo import BetaELBO

SHAPES = [(28, 28, 1), (32, 32, 3), (64, 64, 3), (8, 8, 1), (37, 50, 3), (96, 96, 1), (128, 128, 3)]


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
@pytest.mark.parametrize(("height", "width", "channels"), SHAPES)
@pytest.mark.parametrize("latent_dim", [1, 7])
def test_any_image_size_goes_in_and_comes_out(architecture, height, width, channels, latent_dim):
    config = ModelConfig(
        architecture=architecture, height=height, width=width, channels=channels, latent_dim=latent_dim, hidden=(16,), filters=4,
        features=16,
    )  # fmt: skip
    model = build(config).eval()
    x = torch.rand(3, channels, height, width)
    q = model.encode(x)
    assert q.mu.shape == q.marginal_std.shape == (3, latent_dim) and (q.marginal_std > 0).all()
    assert model.decode(q.mu).mean.shape == x.shape


def test_each_conv_size_is_half_the_one_before_rounded_up():
    assert conv_sizes(28, 28) == [(28, 28), (14, 14), (7, 7), (4, 4)]
    assert conv_sizes(64, 50)[-2:] == [(8, 7), (4, 4)]


def test_a_seed_fixes_the_weights_and_leaves_the_global_generator_alone():
    config = ModelConfig(hidden=(8,), architecture="mlp")
    torch.manual_seed(5)
    before = torch.rand(1)
    torch.manual_seed(5)
    one, two, other = build(config, seed=1), build(config, seed=1), build(config, seed=2)
    assert torch.equal(torch.rand(1), before)
    weights = [next(model.parameters()) for model in (one, two, other)]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])


def test_the_folded_decoder_gives_the_same_pictures():
    model = build(ModelConfig(filters=8, features=32), seed=3)
    model.train()
    for _ in range(20):  # so that the running statistics differ from their initial 0 and 1
        model.decode(3 * torch.randn(32, 10))
    model.eval()
    z = torch.randn(9, 10)
    torch.testing.assert_close(folded(model.decoder)(z), model.decoder(z), rtol=1e-4, atol=1e-4)
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in folded(model.decoder).modules())
    assert any(isinstance(part, torch.nn.BatchNorm2d) for part in model.decoder.modules()), "the original is untouched"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"objective": {"kind": "beta-elbo", "beta": -1}}, r"objective.beta: .*greater than or equal to 0 \(got -1\)"),
        ({"betta": 1}, "betta: Extra inputs"),
        ({"objective": {"kind": "iwae", "beta": 1}}, "objective.beta: Extra inputs"),
        ({"objective": {"kind": "elbow"}}, "objective: .*'beta-elbo', 'iwae', 'factor-vae'"),
        ({"model": {"latent_dim": 0}}, r"model.latent_dim: .*\(got 0\)"),
        ({"model": {"latent_dim": 257}}, "less than or equal to 256"),
        ({"data": {"name": "cifar"}}, "no dataset called 'cifar'; choose from mnist, fashion-mnist, shapes"),
        ({"data": {"name": "mnist"}, "model": {"height": 32}}, "the model is for 32x28x1"),
        ({"learning_rate": float("nan")}, "learning_rate"),
    ],
)
def test_a_wrong_field_is_an_error_that_names_it(fields, sentence):
    with pytest.raises(ConfigError, match=sentence):
        train_config(**fields)


def test_the_model_takes_its_shape_from_the_data():
    assert train_config(data={"name": "shapes"}).model.image_shape == (3, 64, 64)


def test_a_config_survives_json_and_cannot_be_changed():
    config = train_config(objective=BetaELBO(beta=2.5), model={"latent_dim": 3})
    assert TrainConfig.model_validate_json(config.model_dump_json()) == config
    with pytest.raises(ValueError, match="frozen"):
        config.objective = BetaELBO()
