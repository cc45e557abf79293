"""Reading factors from codes: what is there is read, what is not there is not."""

import numpy as np
import pytest
import torch

from vae_core.data import procedural_shapes
from vae_core.evaluation.factor_regression import SYMMETRY, factor_scores, known_factors, of_shapes

TABLE = procedural_shapes.factors(1600, seed=7)


def written_out(table):
    """Codes that say every factor: one latent each, the angle as a point on a circle, each about as wide as the prior."""
    turns = np.deg2rad(table[:, 2]) * np.array([SYMMETRY[name] for name in procedural_shapes.CLASSES])[table[:, 0].astype(int)]
    columns = [*np.eye(3)[table[:, 0].astype(int)].T, table[:, 1], np.cos(turns), np.sin(turns), *table[:, 3:].T]
    codes = np.stack(columns, axis=1)
    return torch.from_numpy((codes - codes.mean(0)) / codes.std(0)).float()


@pytest.fixture(scope="module")
def of_noise():
    return factor_scores(torch.randn(1600, 8, generator=torch.Generator().manual_seed(0)), of_shapes(TABLE))


def test_codes_that_say_the_factors_score_one():
    scores = factor_scores(written_out(TABLE), of_shapes(TABLE))
    assert list(scores) == list(procedural_shapes.FACTORS)
    for name, score in scores.items():
        assert score.score > 0.97 and score.linear > 0.99, (name, score)


@pytest.mark.parametrize("name", procedural_shapes.FACTORS)
def test_codes_that_say_nothing_score_nothing(of_noise, name):
    chance = 1 / 3 if name == "shape" else 0.0
    assert abs(of_noise[name].score - chance) < 0.06 and abs(of_noise[name].linear - chance) < 0.06, of_noise[name]


def test_a_factor_on_a_bent_line_is_read_by_the_kernel_and_not_by_the_straight_line():
    hue = 2 * np.pi * (TABLE[:, 5] - 0.4) / 0.85
    scores = factor_scores(torch.from_numpy(np.stack([np.cos(hue), np.sin(hue)], axis=1)).float(), of_shapes(TABLE))
    assert scores["colour"].score > 0.97 and scores["colour"].linear < 0.8, scores["colour"]
    assert scores["x"].score < 0.06, "and what the line does not say is not read off it"


def test_a_square_turned_by_a_quarter_is_the_same_square():
    """-45 and 45 degrees are one picture, so codes that cannot tell them apart lose nothing."""
    squares = TABLE.copy()
    squares[:, 0] = 1
    turns = 4 * np.deg2rad(squares[:, 2])
    codes = torch.from_numpy(np.stack([np.cos(turns), np.sin(turns)], axis=1)).float()
    assert factor_scores(codes, of_shapes(squares))["rotation"].linear > 0.99


def test_datasets_without_known_factors_have_none_and_shapes_have_those_of_its_test_images():
    assert known_factors("mnist", 5) is None and known_factors("gone", 5) is None
    first, all_of_them = known_factors("shapes", 5), known_factors("shapes", procedural_shapes.TEST_COUNT)
    for name, target in all_of_them.targets.items():
        assert len(target) == procedural_shapes.TEST_COUNT and torch.equal(first.targets[name], target[:5])
    assert list(all_of_them.targets) == list(procedural_shapes.FACTORS)


def test_a_factor_that_never_changes_scores_nothing():
    constant = TABLE.copy()
    constant[:, 1] = 0.2
    assert factor_scores(written_out(TABLE), of_shapes(constant))["size"].score == 0
