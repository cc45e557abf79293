"""What pages call: decoding, encoding, draws and paths of a loaded model."""

import threading

import numpy as np
import pytest
import torch

from vae_core.errors import ImageError, LatentError
from vae_core.latent.latent_model import ENCODE_DRAWS, open_model
from vae_core.model_files import checkpoints


@pytest.fixture(scope="module")
def path(tmp_path_factory, make_model):
    return make_model(tmp_path_factory.mktemp("m") / "m.safetensors", architecture="conv", data="shapes", latent_dim=5)


@pytest.fixture(scope="module")
def model(path):
    return open_model(path, device="cpu")


def test_pictures_are_the_likelihoods_mean_in_the_callers_order(path, model):
    z = model.sample_prior(40, 3)
    with torch.inference_mode():
        mean = checkpoints.load(path).model.decode(torch.from_numpy(z)).mean
    expected = mean.mul(255).round().permute(0, 2, 3, 1).numpy()
    one_by_one = np.concatenate([model.decode(row[None]) for row in z])
    assert np.abs(one_by_one - expected).max() <= 1  # a rounding apart: batch norms are folded
    # many at once may be computed in bfloat16, which this model's tripled weights show more than a trained one's do
    assert np.abs(model.decode(z) - expected).mean() < 1
    np.testing.assert_allclose(model.decode_float(z), mean, atol=1e-5)
    assert one_by_one.shape == (40, 64, 64, 3) and one_by_one.std() > 5


def test_one_persons_picture_does_not_depend_on_who_else_is_there(model):
    z = model.sample_prior(4, 0)
    np.testing.assert_array_equal(model.decode(z)[:1], model.decode(z[:1]))


def test_a_thousand_pictures_are_cut_into_passes(model):
    z = model.sample_prior(700, 0)
    pictures = model.decode(z)
    assert len(pictures) == 700
    assert np.abs(pictures[-1].astype(int) - model.decode(z[-1:])[0]).mean() < 1


@pytest.mark.parametrize(
    ("z", "sentence"),
    [
        ([[1.0, 2.0]], "must have 5 numbers.*got 2 numbers"),
        ([1.0] * 5, "got an array of shape"),
        ([[float("nan")] * 5], "NaN or infinity"),
        ([[float("inf")] * 5], "NaN or infinity"),
        ([["a"] * 5], "not a list of numbers"),
    ],
)
def test_a_bad_z_is_refused_with_a_sentence(model, z, sentence):
    with pytest.raises(LatentError, match=sentence):
        model.decode(z)


def test_an_encoding_adds_up_and_is_repeatable(path, model):
    x = np.random.default_rng(0).random((2, 3, 64, 64), dtype=np.float32)
    one, same = model.encode(x), model.encode(x)
    np.testing.assert_array_equal(one.log_px_z, same.log_px_z)
    np.testing.assert_allclose(one.elbo, one.log_px_z - one.kl, rtol=1e-6)
    np.testing.assert_allclose(one.kl, one.marginal_kl.sum(1), rtol=1e-5)
    with torch.inference_mode():
        vae = checkpoints.load(path).model
        q = vae.encode(torch.from_numpy(x))
        np.testing.assert_allclose(one.x_hat, vae.decode(q.mu).mean, atol=1e-6)  # from mu, never from a draw
        draws = torch.stack([vae.decode(q.sample(torch.randn_like(q.mu))).log_prob(torch.from_numpy(x)) for _ in range(500)])
    error = 4 * (draws.std(0) / ENCODE_DRAWS**0.5).numpy() + 1e-3
    assert (np.abs(one.log_px_z - draws.mean(0).numpy()) < error).all()


def test_an_image_of_another_shape_is_refused(model):
    with pytest.raises(ImageError, match="64x64 pixels and 3"):
        model.encode(np.zeros((1, 1, 28, 28)))


def test_draws_are_repeatable_and_follow_their_distribution(model):
    np.testing.assert_array_equal(model.sample_prior(9, 4), model.sample_prior(9, 4))
    assert not np.array_equal(model.sample_prior(9, 4), model.sample_prior(9, 5))
    assert model.sample_prior(20_000, 0, temperature=0.5).std() == pytest.approx(0.5, rel=0.02)
    x = np.random.default_rng(0).random((3, 64, 64), dtype=np.float32)
    drawn, q = model.sample_posterior(x, 20_000, 0), model.encode(x[None])
    np.testing.assert_allclose(drawn.mean(0), q.mu[0], atol=0.03)
    np.testing.assert_allclose(drawn.std(0), q.marginal_std[0], rtol=0.03)


def test_a_traversal_moves_one_dimension(model):
    z = np.arange(5, dtype=np.float32)
    path = model.traverse(z, 2, [-1, 0, 7])
    np.testing.assert_array_equal(path[:, 2], [-1, 0, 7])
    np.testing.assert_array_equal(np.delete(path, 2, axis=1), np.tile(np.delete(z, 2), (3, 1)))
    with pytest.raises(LatentError, match="no dimension 5; this model has 0 to 4"):
        model.traverse(z, 5, [0])


def test_the_percentile_counts_the_test_images_that_are_likelier(model):
    elbos = model.test_elbos
    assert model.elbo_percentile(float(elbos.max()) + 1) == 0
    assert model.elbo_percentile(float(elbos.min()) - 1) == 100
    assert model.elbo_percentile(float(np.median(elbos))) == pytest.approx(50, abs=1)


def test_many_threads_share_one_model(model):
    z = model.sample_prior(16, 0)
    expected = [model.decode(z[i : i + 1]) for i in range(16)]
    found = [None] * 16

    def work(i):
        for _ in range(5):
            found[i] = model.decode(z[i : i + 1])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(16)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    np.testing.assert_array_equal(found, expected)
