"""The Encode page's bars: where they stand, how long they are, and what they say to a screen reader."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from ui.encode import posterior_charts as charts
from vae_core.images import Step


def rows(html):
    """(dimension, left %, width %, tick %) of each bar, in the order of the page."""
    pattern = r'data-dim="(\d+)".*?left:([\d.]+)%;width:([\d.]+)%"></i><b style="left:([\d.]+)%'
    return [(int(d), float(left), float(width), float(tick)) for d, left, width, tick in re.findall(pattern, html)]


def test_a_bar_spans_mu_minus_sigma_to_mu_plus_sigma_on_an_axis_from_minus_3_to_3():
    ((_, left, width, tick),) = rows(charts.posterior_bars([1.5], [0.3], [2.0]))
    assert (left, width, tick) == pytest.approx((100 * (1.2 + 3) / 6, 100 * 0.6 / 6, 100 * 4.5 / 6), abs=0.01)


def test_the_axis_widens_and_never_clips_a_bar():
    bars = rows(charts.posterior_bars([-4.2, 0.0], [0.5, 1.0], [9.0, 0.1]))
    assert charts.axis_limit(np.array([-4.2, 0.0]), np.array([0.5, 1.0])) == 5
    assert all(left >= 0 and left + width <= 100 for _, left, width, _ in bars)


def test_bars_come_in_the_order_of_their_kl():
    assert [row[0] for row in rows(charts.posterior_bars([0, 0, 0], [1, 1, 1], [0.2, 3.0, 1.0]))] == [1, 2, 0]


def test_silent_dimensions_of_a_large_latent_space_are_folded_and_counted():
    kl = [1.0] * 10 + [0.001] * 22
    html = charts.posterior_bars([0.0] * 32, [1.0] * 32, kl)
    shown, folded = html.split("<details>")
    assert len(rows(shown)) == 10 and len(rows(folded)) == 22
    assert "22 dimensions" in folded
    assert "<details>" not in charts.posterior_bars([0.0] * 4, [1.0] * 4, [0.0] * 4), "a small space is shown whole"


def test_a_bar_tells_a_screen_reader_what_it_shows():
    html = charts.posterior_bars([-1.104], [0.126], [2.345])
    assert 'aria-label="z0: mu -1.10, sigma 0.13, KL 2.35 nats"' in html and "−1.10 ± 0.13" in html


def test_the_strongest_correlation_is_named_with_its_dimensions():
    pairs = [0.1, -0.62, 0.3, 0.2, 0.0, 0.61]  # of (1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2)
    assert "most of all z0 and z2: their correlation is −0.62" in charts.correlation_sentence(np.array(pairs))


def test_a_tiny_sigma_is_not_shown_as_zero():
    assert "± 0.004" in charts.posterior_bars([1.0], [0.004], [5.0]) and "± 0.12" in charts.posterior_bars([1.0], [0.12], [5.0])


def test_the_sum_bar_adds_up_to_minus_the_elbo():
    html = charts.sum_bar(75.0, 25.0, None)
    (first_left, first), (second_left, second) = [
        (float(left), float(width)) for left, width in re.findall(r'nats" style="left:([\d.]+)%;width:([\d.]+)%', html)
    ]
    assert first_left == 0 and second_left == pytest.approx(first, abs=0.01)
    assert first / second == pytest.approx(3, rel=0.001) and first + second == pytest.approx(100 / 1.02, abs=0.01)
    assert 'aria-label="minus log p(x|z) 75.0 and KL 25.0 make 100.0 nats"' in html


def test_a_density_above_one_makes_a_bar_to_the_left_of_zero():
    html = charts.sum_bar(-200.0, 20.0, 180.0)
    lefts = [float(left) for left in re.findall(r'style="left:([\d.]+)%', html)]
    assert "enc-crossed" in html and min(lefts) == 0
    assert all(0 <= left <= 100 for left in lefts)


def test_the_median_test_image_is_marked_on_the_same_axis():
    html = charts.sum_bar(75.0, 25.0, -200.0)
    (mark,) = re.findall(r'<s title="[^"]*" style="left:([\d.]+)%', html)
    assert float(mark) == pytest.approx(100 / 1.02, abs=0.01)
    assert "200" in charts.nats(-75.0, 25.0, -200.0) and "median" not in charts.nats(-75.0, 25.0, None)


@pytest.mark.parametrize(
    ("percentile", "words"),
    [
        (None, "no test images"),
        (0.0, "more likely than every"),
        (0.2, "more likely than 99 %"),
        (97.2, "more likely than 3 %"),
        (99.9, "more likely than 1 %"),
        (100.0, "less likely than every"),
    ],
)
def test_the_rank_is_said_in_words_and_never_rounded_to_all_or_none(percentile, words):
    assert words in charts.rank_sentence(percentile)


def test_the_error_map_has_a_fixed_scale():
    black = charts.error_map(np.zeros((1, 2, 2)), np.zeros((1, 2, 2)))
    full = charts.error_map(np.ones((1, 2, 2)), np.zeros((1, 2, 2)))
    tenth = charts.error_map(np.full((3, 2, 2), 0.1), np.zeros((3, 2, 2)))
    assert black.max() <= 4 and full[0, 0].tolist() == [252, 255, 164]
    assert np.array_equal(tenth, charts.heat(np.full((2, 2), 0.1))), "a small error stays dark, whatever else the picture holds"


def test_heat_grows_lighter_with_the_error():
    lightness = charts.heat(np.linspace(0, 1, 100)[None])[0].astype(float) @ [0.299, 0.587, 0.114]
    assert (np.diff(lightness) >= 0).all()


def test_a_picture_holds_exactly_its_pixels():
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    (encoded,) = re.findall(r"base64,([^\"]+)", charts.picture(pixels, "x"))
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded)))), pixels)


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (4, 4), (5, 5), (6, 3), (7, 4), (8, 4)])
def test_the_steps_never_leave_one_alone_on_a_line(count, columns):
    step = Step("cropped", "to the ink", np.zeros((2, 2, 1), np.uint8))
    assert f"--columns:{columns}" in charts.steps_strip([step] * count)
    assert count <= columns or count % columns != 1


def test_text_from_outside_is_escaped():
    step = Step("<b>", '"><script>alert(1)</script>', np.zeros((2, 2, 1), np.uint8))
    html = charts.steps_strip([step])
    assert "<script>" not in html and "<b>" not in html and "&lt;b&gt;" in html


def test_numbers_have_a_true_minus_and_no_negative_zero():
    assert charts.number(-95.44) == "−95.4" and charts.number(-0.001) == "0.0" and charts.number(3.14159, 2) == "3.14"
