"""The difference of two pictures: colours on a fixed scale, its mean, and what people read."""

from __future__ import annotations

import numpy as np
import pytest

from ui.encode.posterior_charts import heat

DIFFERENCE, COMPARISON = "explorer/renderer/pixels.js", "explorer/compare/comparison.js"


def picture(pixels: np.ndarray) -> dict:
    height, width, channels = pixels.shape
    return {"height": height, "width": width, "channels": channels, "pixels": pixels.flatten().tolist()}


def found(js, a: np.ndarray, b: np.ndarray) -> dict:
    body = "(m, a, b) => { const d = m.pixels.difference(a, b); return d && {...d, pixels: [...d.answer.pixels]}; }"
    return js(DIFFERENCE, body, picture(a), picture(b))


@pytest.mark.parametrize("channels", [1, 3])
def test_the_difference_is_that_of_the_pixels_in_the_colours_of_the_error_map(js, channels):
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 256, (2, 5, 7, channels), dtype=np.uint8)
    answer = found(js, a, b)
    apart = np.abs(a.astype(int) - b)
    assert answer["mean"] == pytest.approx(apart.mean() / 255)
    assert not answer["same"]
    colours = np.array(answer["pixels"], int).reshape(5, 7, 3)
    expected = heat(np.floor(apart.mean(axis=2) + 0.5) / 255)
    assert np.abs(colours - expected).max() <= 1  # halves are rounded to even there


def test_the_scale_is_fixed_black_against_white_is_its_end(js):
    black, white = np.zeros((2, 2, 1), np.uint8), np.full((2, 2, 1), 255, np.uint8)
    assert found(js, black, white)["pixels"][:3] == [252, 255, 164]
    assert found(js, black, black + 1)["pixels"][:3] == heat(np.array([[1 / 255]])).flatten().tolist()
    assert found(js, black, white)["mean"] == 1


def test_equal_pictures_differ_by_exactly_nothing(js):
    a = np.random.default_rng(1).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    answer = found(js, a, a)
    assert (answer["mean"], answer["same"], answer["pixels"][:3]) == (0, True, [0, 0, 4])


def test_pictures_of_two_sizes_have_no_difference(js):
    assert found(js, np.zeros((4, 4, 1), np.uint8), np.zeros((4, 5, 1), np.uint8)) is None
    assert found(js, np.zeros((4, 4, 1), np.uint8), np.zeros((4, 4, 3), np.uint8)) is None


def test_only_what_is_exactly_equal_reads_as_zero(js):
    words = js(
        COMPARISON,
        "(m) => [[0, true], [0.00001, false], [0.0674, false], [1, false]].map(([mean, same]) => m.meanWords({mean, same}))",
    )
    assert words == ["0", "< 0.001", "0.067", "1.000"]
