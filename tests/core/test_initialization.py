"""Where training starts: at the data's mean colour, with steps in which hue counts."""

import math

import numpy as np
import pytest
import torch

from vae_core.config.schema import ModelConfig
from vae_core.data import procedural_shapes
from vae_core.data.loading import to_float
from vae_core.model.architectures import colour_weights, last_layer, to_be_centred
from vae_core.model.initialization import (
    CHROMA,
    LAST_GAIN,
    opponent_colours,
    start_at_mean_colour,
    strengthen_hue,
    subtract_mean_colour,
)
from vae_core.model.vae import build

MEANS = torch.tensor([0.05, 0.2, 0.4])


@pytest.mark.parametrize("architecture", ["conv", "mlp", "residual"])
@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian", "gaussian-per-pixel"])
def test_the_first_pictures_have_the_mean_colour_of_the_data(architecture, likelihood):
    sizes = {"height": 16, "width": 16, "channels": 3, "filters": 4, "features": 16, "hidden": (16,)}
    model = build(ModelConfig(architecture=architecture, likelihood=likelihood, **sizes))
    start_at_mean_colour(last_layer(model.decoder), MEANS, logits=likelihood == "bernoulli", per_value=model.head.per_value)
    last_layer(model.decoder).weight.data.zero_()  # what is left is the bias
    torch.testing.assert_close(model.decode(torch.randn(5, 10)).mean.mean(dim=(0, 2, 3)), MEANS)


def test_a_channel_that_is_always_black_has_a_finite_start():
    last = torch.nn.Linear(2, 1)
    start_at_mean_colour(last, torch.zeros(1), logits=True)
    assert math.isfinite(last.bias.item())


def test_a_residual_encoder_starts_from_images_less_their_mean_colour():
    model = build(ModelConfig(architecture="residual", height=16, width=16, channels=3))
    first = to_be_centred(model.encoder)
    subtract_mean_colour(first, MEANS)
    inside = first(MEANS[None, :, None, None].expand(1, 3, 16, 16))[:, :, 2:-2, 2:-2]
    torch.testing.assert_close(inside, torch.zeros_like(inside), atol=1e-5, rtol=0)
    assert to_be_centred(build(ModelConfig()).encoder) is None, "batch norms do that by themselves"


def test_z_reaches_the_pictures_of_a_fresh_residual_decoder_and_images_its_code():
    model = build(ModelConfig(architecture="residual", height=64, width=64, channels=3, latent_dim=8)).eval()
    with torch.no_grad():
        flat = model.decoder(torch.randn(50, 8)).std(dim=0).mean()
        spread = model.encode(torch.rand(50, 3, 1, 1).expand(-1, -1, 64, 64)).mu.std(dim=0).mean()
    assert flat > 0.05 and spread > 0.05, "not lost among biases on its way through the levels"


def test_grey_models_and_those_with_weights_for_each_pixel_have_no_colour_weights():
    for config, count in [({"channels": 3}, 3), ({"channels": 1}, 0), ({"channels": 3, "architecture": "mlp"}, 0)]:
        model = build(ModelConfig(**config))
        assert len(colour_weights(model.encoder, model.decoder)) == count


def test_the_first_weights_speak_of_hue_more_than_of_brightness():
    first, last = torch.randn(500, 3, 3, 3), torch.randn(500, 3, 4, 4)
    before = last.clone()
    strengthen_hue(first, last)
    brightness, hue = last.mean(dim=1), last - last.mean(dim=1, keepdim=True)
    torch.testing.assert_close(brightness, LAST_GAIN * before.mean(dim=1))
    torch.testing.assert_close(hue, LAST_GAIN * CHROMA * (before - before.mean(dim=1, keepdim=True)))
    assert first.std() < last.std() / 2


def parameters_with_gradients():
    made = [torch.nn.Parameter(torch.randn(shape)) for shape in ((4, 3, 2, 2), (3,))]
    for parameter in made:
        parameter.grad = torch.randn_like(parameter)
    return made


def test_without_a_step_the_parameters_are_as_they_were():
    made = parameters_with_gradients()
    before = [parameter.detach().clone() for parameter in made]
    with opponent_colours(made):
        pass
    for parameter, old in zip(made, before, strict=True):
        torch.testing.assert_close(parameter.detach(), old)


def test_plain_gradient_descent_steps_along_the_gradient_and_longer_in_hue():
    bias = torch.nn.Parameter(torch.zeros(3))
    for gradient, factor in [([1.0, 1.0, 1.0], 1.0), ([1.0, 0.0, -1.0], CHROMA**2), ([1.0, -2.0, 1.0], CHROMA**2)]:
        bias.data.zero_()
        bias.grad = torch.tensor(gradient)
        with opponent_colours([bias]):
            torch.optim.SGD([bias], lr=0.1).step()
        torch.testing.assert_close(bias.detach(), -0.1 * factor * torch.tensor(gradient))


def test_adam_sees_hue_beside_a_much_larger_brightness():
    """In red, green and blue its first step is the sign of each gradient, which is the same for all three."""
    bias = torch.nn.Parameter(torch.zeros(3))
    bias.grad = torch.tensor([10.2, 10.0, 9.8])
    with opponent_colours([bias]):
        torch.optim.Adam([bias], lr=0.1).step()
    red, _, blue = bias.tolist()
    assert red < blue - 0.1


def hue_learned(coloured):
    """Correlation of red minus blue in and out, after a short training of a small net on shapes in the middle."""
    table = procedural_shapes.factors(640, 1)
    table[:, 3:5] = 0.5
    x = to_float(torch.from_numpy(procedural_shapes.render(table, 16)))
    config = ModelConfig(height=16, width=16, channels=3, latent_dim=4, filters=8, features=32)
    model, noise = build(config), torch.Generator().manual_seed(0)
    weights = colour_weights(model.encoder, model.decoder) if coloured else []
    if coloured:
        start_at_mean_colour(last_layer(model.decoder), x.mean(dim=(0, 2, 3)), logits=True)
        strengthen_hue(*weights[:2])
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for batch in [part for _ in range(25) for part in x.split(64)]:
        q = model.encode(batch)
        likelihood = model.decode(q.sample(torch.randn(q.mu.shape, generator=noise)))
        loss = (0.2 * q.kl() - likelihood.log_prob(batch)).mean()
        optimizer.zero_grad()
        loss.backward()
        with opponent_colours(weights):
            optimizer.step()
    with torch.no_grad():
        seen = [picture.sum(dim=(2, 3)) for picture in (x, model.eval().decode(model.encode(x).mu).mean)]
    share = [(sums[:, 0] - sums[:, 2]) / sums.sum(dim=1) for sums in seen]
    return float(np.corrcoef(*share)[0, 1])


def test_a_convolutional_model_learns_colour_and_did_not_before():
    assert hue_learned(coloured=True) > 0.6
    assert abs(hue_learned(coloured=False)) < 0.4, "the cure is needed: without it this net does not learn hue here"
