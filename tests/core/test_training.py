"""Short real runs on the procedural shapes."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from vae_core.config.schema import train_config
from vae_core.data import loading
from vae_core.evaluation import diagnostics
from vae_core.model_files import checkpoints
from vae_core.runs.metrics_log import read_since
from vae_core.training import loop
from vae_core.training.training_step import TrainingStep

TINY = {"architecture": "mlp", "latent_dim": 3, "hidden": (32,)}
SET = {"name": "shapes", "limit": 600, "validation": 200}


def tiny(**fields):
    fields = {"data": SET, "model": TINY, "epochs": 2, "batch_size": 100, "precision": "float32", "device": "cpu"} | fields
    return train_config(**fields)


def elbo(**settings):
    return {"objective": {"kind": "beta-elbo", **settings}}


@pytest.fixture(scope="module")
def small_set():
    """Real images, few of them, drawn once."""
    whole = loading.load(*tiny().data.parts)
    return dataclasses.replace(whole, test=loading.Split(whole.test.images[:400], whole.test.labels[:400]))


@pytest.fixture(autouse=True)
def _load_once(small_set, monkeypatch):
    monkeypatch.setattr(loop.loading, "load", lambda *parts, progress=None: small_set)


@pytest.fixture(scope="module")
def finished(tmp_path_factory, small_set):
    folder = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop.loading, "load", lambda *parts, progress=None: small_set)
        result = loop.train(tiny(epochs=3, objective={"kind": "beta-elbo", "beta": 3}), folder, name="tiny", command="train it")
    return result, folder, read_since(folder / loop.METRICS)[0]


def test_a_run_learns_and_says_so_in_nats_per_image(finished):
    result, _, rows = finished
    assert result.state == "done"
    validations = [row for row in rows if row["kind"] == "validation"]
    assert len(validations) == 4 and validations[-1]["elbo"] > validations[0]["elbo"] + 50
    assert validations[0]["elbo"] > -2500, "a run starts at the mean colour of its images, not at grey"
    assert 0 < rows[0]["seconds_to_load"] < rows[1]["time"]
    for row in rows:
        if row["kind"] in ("step", "validation"):
            assert row["elbo"] == pytest.approx(-row["reconstruction"] - row["kl"], rel=1e-5)
    assert [row["kind"] for row in (rows[0], rows[-1])] == ["start", "end"]
    assert rows[-1]["test_elbo"] == pytest.approx(result.header.metrics.elbo)


def test_the_gradient_norm_of_a_step_is_the_one_before_clipping(small_set):
    step = TrainingStep(tiny(grad_clip=1e-3), small_set.train.images, torch.device("cpu"))
    step(small_set.train.images[:100])
    after = torch.stack([parameter.grad.norm() for parameter in step.model.parameters()]).norm()
    assert float(after) == pytest.approx(1e-3, rel=1e-3) and float(step.gradient_norm) > 1


def test_step_rows_hold_the_gradient_norm_and_some_of_them_the_kl_of_each_dimension(finished):
    _, _, rows = finished
    steps = [row for row in rows if row["kind"] == "step"]
    assert all(row["gradient_norm"] > 0 for row in steps)
    detailed = [row for row in steps if "kl_per_dim" in row]
    assert {len(row["kl_per_dim"]) for row in detailed} == {3}
    assert sum(detailed[0]["kl_per_dim"]) == pytest.approx(detailed[0]["kl"], rel=1e-4), "the first row: means of the same step"


def test_the_rows_of_a_run_are_in_its_tensorboard_files(finished):
    _, folder, rows = finished
    reader = EventAccumulator(str(folder / "tensorboard")).Reload()
    elbos = [row["elbo"] for row in rows if row["kind"] == "validation"]
    assert [event.value for event in reader.Scalars("validation/elbo")] == pytest.approx(elbos)


def test_a_long_run_writes_a_bounded_number_of_rows_with_the_kl_of_each_dimension(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "ROW_SECONDS", 0.0)
    monkeypatch.setattr(loop, "KL_ROWS", 5)
    loop.train(tiny(epochs=4), tmp_path)
    steps = [row for row in read_since(tmp_path / loop.METRICS)[0] if row["kind"] == "step"]
    assert len(steps) == 24 and 4 <= sum("kl_per_dim" in row for row in steps) <= 6


def test_the_saved_figures_are_those_of_the_saved_weights(finished, small_set):
    result, _, _ = finished
    loaded = checkpoints.load(result.path)
    test = small_set.test
    again = diagnostics.summarise(diagnostics.evaluate(loaded.model, test.images), "test")
    assert again.elbo == pytest.approx(result.header.metrics.elbo, rel=1e-6)
    assert loaded.header == result.header and loaded.header.command == "train it"
    assert loaded.extras["latents.mu"].shape == (400, 3)
    assert torch.equal(loaded.extras["latents.labels"], test.labels)
    assert loaded.header.factors["x"].score > loaded.header.factors["colour"].score, "position is what a short run learns"


def test_the_preview_shows_inputs_reconstructions_and_samples(finished):
    _, folder, _ = finished
    with np.load(folder / loop.PREVIEW) as preview:
        assert preview["inputs"].shape == preview["reconstructions"].shape == (10, 64, 64, 3)
        assert preview["samples"].shape[1:] == (64, 64, 3) and preview["samples"].std() > 1
        assert int(preview["step"]) == 18


def test_a_seed_fixes_the_whole_run(tmp_path):
    results = [loop.train(tiny(epochs=1, seed=seed), tmp_path / str(i)) for i, seed in enumerate((1, 1, 2))]
    elbos = [result.header.metrics.elbo for result in results]
    assert elbos[0] == elbos[1] != elbos[2]


def test_the_best_epoch_is_the_one_with_the_best_validation_elbo_not_the_last(tmp_path, monkeypatch):
    measured, penalty = diagnostics.evaluate, iter([0, 0, 0, 9000, 9000, 0])  # the model seems to get worse after epoch 2

    def evaluate(model, images, **options):
        found = measured(model, images, **options)
        return dataclasses.replace(found, log_px_z=found.log_px_z - next(penalty))

    monkeypatch.setattr(diagnostics, "evaluate", evaluate)
    result = loop.train(tiny(epochs=4), tmp_path)
    rows = [row for row in read_since(tmp_path / loop.METRICS)[0] if row["kind"] == "validation"]
    elbos = [row["elbo"] for row in rows[1:]]
    assert max(elbos) > elbos[-1], "the test needs a run that gets worse"
    assert result.header.epoch == 1 + elbos.index(max(elbos)) == 2
    assert [row["best"] for row in rows] == [False] + [elbo == max(elbos[: i + 1]) for i, elbo in enumerate(elbos)]


def test_stopping_keeps_a_usable_model(tmp_path):
    asked = iter([False] * 4 + [True] * 10)
    result = loop.train(tiny(epochs=50), tmp_path, should_stop=lambda: next(asked))
    assert result.state == "stopped" and "step 4 of 300" in result.message
    assert checkpoints.load(result.path).header.step == 4


def test_a_diverging_run_says_at_which_step_and_keeps_the_last_good_model(tmp_path, monkeypatch):
    good = {}

    def poison(row):
        if row["kind"] == "validation" and row["best"]:
            good["bytes"] = (tmp_path / loop.CHECKPOINT).read_bytes()
            monkeypatch.setattr(loop.loading, "to_float", lambda images: torch.full(images.shape, math.inf))

    result = loop.train(tiny(epochs=5), tmp_path, on_row=_once(poison, monkeypatch))
    assert result.state == "diverged"
    for part in ("not finite at step 6", "learning rate below", "step 6 is kept"):
        assert part in result.message
    loaded = checkpoints.load(result.path)
    assert loaded.header.step == 6 and all(torch.isfinite(p).all() for p in loaded.model.parameters())


def _once(poison, monkeypatch):
    """Restores what was poisoned before the final evaluation, which reads images too."""
    original, state = loop.loading.to_float, {"rows": 0}

    def on_row(row):
        poison(row)
        if loop.loading.to_float is not original:
            state["armed"] = True
            poisoned = loop.loading.to_float

            def once(images):
                monkeypatch.setattr(loop.loading, "to_float", original)
                return poisoned(images)

            monkeypatch.setattr(loop.loading, "to_float", once)

    return on_row


def test_binary_draws_and_half_weights_are_what_they_say(tmp_path):
    result = loop.train(tiny(epochs=1, binarize=True, half_weights=True), tmp_path)
    weights = checkpoints.load(result.path).model.state_dict()
    assert all(torch.equal(w.half().float(), w) for w in weights.values() if w.is_floating_point())


def test_a_full_posterior_leaves_the_correlations_of_its_codes_in_the_file(tmp_path):
    result = loop.train(tiny(epochs=1, model=TINY | {"posterior": "full"}), tmp_path)
    extras = checkpoints.load(result.path).extras
    count, latent_dim = extras["latents.mu"].shape
    assert extras["latents.correlation"].shape == (count, latent_dim * (latent_dim - 1) // 2)
    assert result.header.metrics.kl > sum(result.header.statistics.kl), "the KL of the marginals leave the correlations out"


@pytest.mark.parametrize(
    "fields",
    [
        elbo(warmup="cyclical"),
        elbo(free_bits=0.5),
        {"objective": {"kind": "iwae"}},
        {"objective": {"kind": "factor-vae", "discriminator_width": 16}},
        {"objective": {"kind": "iwae"}, "model": TINY | {"posterior": "full"}},
        {"model": TINY | {"likelihood": "gaussian"}},
        {"model": TINY | {"posterior": "full"}},
    ],
)
def test_every_kind_of_objective_trains(tmp_path, fields):
    result = loop.train(tiny(epochs=1, **fields), tmp_path)
    assert result.state == "done" and math.isfinite(result.header.metrics.elbo)
