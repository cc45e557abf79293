"""The procedural set: what the factors promise is what the pixels show."""

import numpy as np
import pytest

from vae_core.data import procedural_shapes


def table(**changes):
    """One row of factors: an upright square in the middle, then changed."""
    row = {"shape": 1, "size": 0.2, "rotation": 0.0, "x": 0.5, "y": 0.5, "colour": 0.0} | changes
    return np.array([[row[name] for name in procedural_shapes.FACTORS]], dtype=np.float64)


def ink(image):
    """Coverage of the shape (H, W) in [0, 1]; at hue 0 the red channel is full."""
    return image[0] / 255


def test_the_seed_determines_images_and_factors():
    images, factors = procedural_shapes.make(20, seed=3)
    again, factors_again = procedural_shapes.make(20, seed=3)
    other, _ = procedural_shapes.make(20, seed=4)
    assert np.array_equal(images, again) and np.array_equal(factors, factors_again)
    assert not np.array_equal(images, other)


def test_an_image_depends_on_its_own_factors_only():
    images, factors = procedural_shapes.make(600, seed=1)
    assert np.array_equal(procedural_shapes.render(factors[517:518])[0], images[517])


def test_factors_fill_their_ranges_and_classes_are_balanced():
    factors = procedural_shapes.factors(6000, seed=0)
    for column, name in enumerate(procedural_shapes.FACTORS[1:], start=1):
        low, high = procedural_shapes.RANGES[name]
        values = factors[:, column]
        assert low <= values.min() < low + 0.01 * (high - low) and high - 0.01 * (high - low) < values.max() <= high
    assert np.all(np.abs(np.bincount(factors[:, 0].astype(int)) / 6000 - 1 / 3) < 0.03)
    assert np.all(np.abs(np.corrcoef(factors.T) - np.eye(6)) < 0.05), "factors are independent"


@pytest.mark.parametrize("kind", range(3), ids=procedural_shapes.CLASSES)
def test_the_area_is_the_area_of_the_outline(kind):
    radius = 0.2 * 64
    area = [np.pi * 0.6 * radius**2, (1.5 * radius) ** 2, 3 * np.sqrt(3) / 4 * radius**2][kind]
    assert ink(procedural_shapes.render(table(shape=kind, rotation=17.0))[0]).sum() == pytest.approx(area, rel=0.015)


@pytest.mark.parametrize("kind", range(3), ids=procedural_shapes.CLASSES)
def test_the_centre_of_mass_is_where_x_and_y_say(kind):
    cover = ink(procedural_shapes.render(table(shape=kind, x=0.3, y=0.65, rotation=30.0))[0])
    centres = (np.arange(64) + 0.5) / 64
    assert (cover.sum(0) @ centres) / cover.sum() == pytest.approx(0.3, abs=0.003)
    assert (cover.sum(1) @ centres) / cover.sum() == pytest.approx(0.65, abs=0.003)


def test_rotation_turns_by_degrees():
    upright = procedural_shapes.render(table(shape=0, rotation=0.0))[0]
    turned = procedural_shapes.render(table(shape=0, rotation=90.0))[0]
    assert np.array_equal(turned, np.rot90(upright, axes=(1, 2)))


def test_edges_are_antialiased_and_the_background_is_black():
    cover = ink(procedural_shapes.render(table(rotation=20.0))[0])
    partial = (cover > 0.02) & (cover < 0.98)
    assert 30 < partial.sum() < 200
    assert cover[:8].max() == 0


def test_colour_runs_from_red_to_violet():
    red, green, blue = procedural_shapes.render(table(colour=0.0))[0][:, 32, 32]
    assert red == 255 and green == blue < 90
    red, green, blue = procedural_shapes.render(table(colour=0.8))[0][:, 32, 32]
    assert blue == 255 and green < red < 255


def test_shapes_look_alike_at_any_image_size():
    factors = procedural_shapes.factors(30, seed=5)
    large, small = procedural_shapes.render(factors, 64) / 255, procedural_shapes.render(factors, 32) / 255
    halved = large.reshape(30, 3, 32, 2, 32, 2).mean((3, 5))
    assert np.abs(halved - small).mean() < 0.003


def test_no_shape_touches_the_border():
    images, _ = procedural_shapes.make(2000, seed=9)
    frame = np.concatenate([images[..., 0, :], images[..., -1, :], images[..., :, 0], images[..., :, -1]], axis=-1)
    assert frame.max() == 0
