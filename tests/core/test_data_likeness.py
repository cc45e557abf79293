"""What looks like the data: the shipped models against points whose answer is known, and models that deserve no verdict."""

import threading

import numpy as np
import pytest
import torch

from tools import checkpoint_table
from vae_core.config.schema import train_config
from vae_core.data import procedural_shapes
from vae_core.data.catalog import DATASETS
from vae_core.errors import LatentError
from vae_core.evaluation.diagnostics import evaluate, latent_statistics, summarise
from vae_core.latent.coverage import Coverage
from vae_core.latent.data_likeness import SAMPLE, UNUSUAL, Likeness, auc, draw_samples, fit
from vae_core.latent.encoded_images import EncodedImages
from vae_core.latent.latent_model import open_model
from vae_core.model.vae import build
from vae_core.model_files.checkpoints import save
from vae_core.model_files.header import Header

TELLING = ("mnist-10d", "fashion-16d", "shapes-8d")


@pytest.fixture(scope="module")
def shipped():
    """shipped(name): (model, its measure), made once."""
    made = {}

    def get(name):
        if name not in made:
            model = open_model(checkpoint_table.FOLDER / f"{name}.safetensors", device="cpu")
            made[name] = model, EncodedImages(model).likeness()
        return made[name]

    return get


def held_out(model, likeness_seed=0):
    """Codes of test images that neither fitted the measure nor checked it."""
    order = np.random.default_rng(likeness_seed).permutation(len(model.test_means))
    half = len(order) // 2
    return model.test_means[order[SAMPLE : SAMPLE + 200]], model.test_means[order[half + SAMPLE : half + SAMPLE + 200]]


@pytest.mark.parametrize("name", TELLING)
def test_held_out_images_look_like_the_data_and_points_far_out_do_not(shipped, name):
    model, likeness = shipped(name)
    found = likeness.at(np.concatenate(held_out(model)))
    assert found.verdict.count("like") >= 0.8 * len(found.verdict)
    assert found.verdict.count("unlike") <= 0.06 * len(found.verdict)
    far = likeness.at(4 * model.sample_prior(200, 1))
    assert far.verdict.count("like") <= 0.02 * 200


@pytest.mark.parametrize("name", TELLING)
def test_the_errors_told_are_those_of_points_that_it_was_not_fitted_to(shipped, name):
    model, likeness = shipped(name)
    errors = likeness.errors
    assert errors.tells and errors.auc_midpoints >= 0.8
    missed = np.mean([verdict != "like" for verdict in likeness.at(np.concatenate(held_out(model))).verdict])
    assert errors.missed == pytest.approx(missed, abs=0.07)
    first, second = held_out(model)
    taken = np.mean([verdict == "like" for verdict in likeness.at((first + second) / 2).verdict])
    assert taken < errors.midpoints_taken + 0.2, "some of these midpoints lie between images of one kind"


def test_the_smudge_in_the_middle_is_no_data(shipped):
    for name in ("mnist-10d", "shapes-8d"):
        model, likeness = shipped(name)
        assert likeness.at(np.zeros((1, model.latent_dim))).verdict[0] != "like", name


def test_what_is_said_of_one_point_is_said_of_it_among_many(shipped):
    model, likeness = shipped("mnist-10d")
    z = model.sample_prior(70, 5)
    alone = np.concatenate([likeness.at(point[None]).typical for point in z[:8]])
    np.testing.assert_allclose(likeness.at(z).typical[:8], alone, atol=3)  # many at once may be computed in bfloat16


def test_where_midpoints_are_data_too_nothing_is_said(shipped):
    model, likeness = shipped("mnist-2d")
    assert not likeness.errors.tells
    found = likeness.at(model.test_means[:50])
    assert set(found.verdict) == {"unsaid"}
    np.testing.assert_array_equal(found.typical, found.nearer)


def test_at_the_code_of_a_test_image_its_own_density_does_not_count(shipped):
    model, likeness = shipped("mnist-10d")
    coverage = EncodedImages(model).coverage
    z = model.test_means[:200].round(3)
    density = np.concatenate([coverage.log_aggregate(part, coverage.own(part)) for part in np.array_split(z, 20)])
    assert likeness.denser(density).mean() == pytest.approx(50, abs=8)
    assert likeness.denser(coverage.log_aggregate(z)).mean() > 95, "with its own, every image would lie at the densest place"


def untrained(path, architecture):
    """A model file as training writes it before the first step: real images, encoded by fresh weights."""
    training = train_config(data={"name": "shapes"}, model={"architecture": architecture, "latent_dim": 6, "hidden": (32,)})
    images, table = procedural_shapes.make(300, 3)
    model = build(training.model).eval()
    seen = evaluate(model, torch.from_numpy(images))
    header = Header(
        name=path.stem,
        config=training,
        data=DATASETS["shapes"].facts(300),
        data_digest="0",
        metrics=summarise(seen, "test"),
        statistics=latent_statistics(seen),
    )
    labels = torch.from_numpy(table[:, 0].astype(np.int64))
    save(
        path,
        model,
        header,
        {"latents.mu": seen.mu, "latents.std": seen.marginal_std, "latents.labels": labels, "latents.elbo": seen.elbo},
    )
    return open_model(path, device="cpu")


@pytest.mark.parametrize("architecture", ["mlp", "conv"])
def test_an_untrained_model_is_never_said_to_draw_the_data(tmp_path, architecture):
    model = untrained(tmp_path / "fresh.safetensors", architecture)
    likeness = EncodedImages(model).likeness()
    assert likeness.errors.auc < 0.8
    points = np.concatenate([model.test_means[:100], model.sample_prior(50, 0), np.zeros((1, 6))])
    assert set(likeness.at(points).verdict) == {"unsaid"}


@pytest.mark.parametrize("count", [2, 3, 20])
def test_a_handful_of_images_is_enough_to_say_nothing(tmp_path, make_model, count):
    model = open_model(make_model(tmp_path / "m.safetensors"), device="cpu")
    coverage = Coverage(model.test_means[:count], model.test_stds[:count], np.zeros(count))
    assert set(Likeness(model, coverage).at(np.zeros((3, 4))).verdict) == {"unsaid"}


def test_neither_half_sees_the_others_images():
    rng = np.random.default_rng(0)
    means = rng.normal(size=(3000, 3)).astype(np.float32)
    coverage = Coverage(means, np.ones_like(means), rng.integers(0, 4, 3000))
    fitting, checking = draw_samples(coverage, 0)
    assert len(fitting.codes) == len(fitting.midpoints) == SAMPLE
    assert not set(fitting.own) & set(checking.own)
    np.testing.assert_array_equal(checking.codes, means[checking.own])


def test_a_weight_is_never_negative_and_noise_weighs_nothing():
    rng = np.random.default_rng(0)
    telling = np.concatenate([rng.normal(0, 1, 400), rng.normal(2, 1, 400)])
    noise, backwards = rng.normal(size=800), -telling + rng.normal(0, 3, 800)
    table = np.stack([telling, noise, backwards], axis=1)
    weights = fit(table[:400], table[400:])
    assert weights[0] > 1 and 0 <= weights[1] < 0.1 and 0 <= weights[2] < 0.1


def test_auc_of_known_lists():
    assert auc([3, 4], [1, 2]) == 1 and auc([1, 2], [3, 4]) == 0 and auc([1, 1], [1, 1]) == 0.5


def test_a_share_is_a_rank_among_test_images(shipped):
    model, likeness = shipped("mnist-10d")
    typical = likeness.at(model.test_means[:400]).typical
    assert typical.min() >= 0 and typical.max() <= 100
    assert np.mean(typical < UNUSUAL) == pytest.approx(0.1, abs=0.06) and np.mean(typical < 50) == pytest.approx(0.5, abs=0.1)
    with pytest.raises(LatentError, match="must have 10 numbers"):
        likeness.at([[0.0]])


def test_the_measure_is_made_once_however_many_ask(tmp_path, make_model, monkeypatch):
    from vae_core.latent import encoded_images as module

    gate, made = threading.Event(), []

    class Slow:
        def __init__(self, *_):
            made.append(self)
            gate.wait(20)

    monkeypatch.setattr(module, "Likeness", Slow)
    encoded = EncodedImages(open_model(make_model(tmp_path / "m.safetensors"), device="cpu"))
    assert encoded.likeness(patience=0) is None and encoded.likeness(patience=0) is None
    gate.set()
    assert encoded.likeness() is made[0] and len(made) == 1
