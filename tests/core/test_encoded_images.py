"""The encoded images and the nearest real images of a small model."""

import numpy as np
import pytest

from vae_core.data import loading
from vae_core.errors import CheckpointError, LatentError
from vae_core.latent import nearest_images
from vae_core.latent.encoded_images import EncodedImages
from vae_core.latent.latent_model import open_model
from vae_core.latent.nearest_images import RealImages


@pytest.fixture(scope="module")
def model(tmp_path_factory, make_model):
    return open_model(make_model(tmp_path_factory.mktemp("m") / "m.safetensors", latent_dim=4, inactive=1), device="cpu")


def test_an_atlas_holds_the_encoded_images_and_their_principal_axes(model):
    encoded = EncodedImages(model)
    np.testing.assert_array_equal(encoded.points.means, model.test_means)
    np.testing.assert_allclose(encoded.axes @ encoded.axes.T, np.eye(4), atol=1e-5)
    spread = ((encoded.points.means - encoded.centre) @ encoded.axes.T).var(axis=0)
    assert (np.diff(spread) <= 1e-6).all(), "strongest first"


def test_a_dimension_out_of_use_does_not_count_for_distances(model):
    coverage = EncodedImages(model).coverage
    near, far = coverage.neighbourhood([[0, 0, 0, 0], [0, 0, 0, 30]]).distance
    assert near == pytest.approx(far)
    assert coverage.neighbourhood([[30, 0, 0, 0]]).distance[0] > 20


def test_what_the_encoder_makes_of_a_decoded_picture(model):
    z = model.sample_prior(70, 0)
    mean, mu, std = model.recognise(z)
    expected = model.encode(model.decode_float(z))
    np.testing.assert_allclose(mu, expected.mu, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(std, expected.marginal_std, rtol=1e-4)
    np.testing.assert_array_equal(mean, model.decode_float(z))
    np.testing.assert_allclose(model.recognise(z, fast=True)[1], mu, atol=0.05)
    with pytest.raises(LatentError, match="must have 4 numbers"):
        model.recognise([[0.0]])


def test_a_model_without_encoded_images_has_no_map(tmp_path, make_model):
    bare = open_model(make_model(tmp_path / "bare.safetensors", codes=False), device="cpu")
    with pytest.raises(CheckpointError, match="carries no encoded images"):
        EncodedImages(bare)


def test_small_pictures_are_averages_of_the_large_ones(model):
    z = model.sample_prior(6, 0)
    small, large = model.decode_small(z, 14), model.decode_float(z)
    assert small.shape == (6, 14, 14, 1)
    means = large.reshape(6, 14, 2, 14, 2).mean(axis=(2, 4)) * 255
    assert np.abs(small[..., 0] - means).max() <= 4  # many at once may be computed in bfloat16
    assert model.decode_small(z, 500).shape == (6, 28, 28, 1), "never enlarged"


@pytest.fixture
def real(model, monkeypatch):
    """Fifty noise images stand for the training set."""
    images = np.random.default_rng(0).integers(0, 256, (50, 1, 28, 28), dtype=np.uint8)
    split = loading.Split(loading.torch.from_numpy(images), loading.torch.arange(50))
    monkeypatch.setattr(nearest_images, "at_hand", lambda name, like: True)
    monkeypatch.setattr(nearest_images.loading, "load", lambda *parts: loading.Dataset(None, split, split, split, ""))
    return RealImages(model), images


def test_the_nearest_in_pixels_is_the_image_itself_when_it_is_among_them(real):
    found, images = real
    first, second = found.in_pixels(images[17].transpose(1, 2, 0), 2)
    assert first.label == 17 and first.distance == pytest.approx(0, abs=1e-3)
    np.testing.assert_array_equal(first.image[..., 0], images[17, 0])
    distances = np.sqrt((((images[17].astype(float) - images) / 255) ** 2).sum(axis=(1, 2, 3)))
    assert second.distance == pytest.approx(np.sort(distances)[1], rel=1e-3)
    assert found.source == "50 training images"


def test_the_nearest_in_latents_has_the_nearest_code(model, real):
    found, images = real
    codes = model.posterior_means(images.astype(np.float32) / 255)
    assert [n.label for n in found.in_latents(codes[31], 3)] == np.argsort(np.linalg.norm(codes - codes[31], axis=1))[:3].tolist()


def test_without_dataset_and_references_it_says_so(model, monkeypatch):
    monkeypatch.setattr(nearest_images, "at_hand", lambda name, like: False)
    with pytest.raises(CheckpointError, match="not on this computer and the model file carries none"):
        RealImages(model)
