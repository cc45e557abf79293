"""A second model on the Encode page: its numbers, what is highlighted, and why some models cannot be compared."""

from __future__ import annotations

import re

import numpy as np
import pytest
from test_encode_page import html, no_data, png, start, upload  # noqa: F401

from ui.encode import second_model
from ui.encode.posterior_charts import number
from ui.shared import cached_models, comparable_models
from vae_core.latent.latent_model import open_model
from vae_core.model_files.header import load_header

ROWS = re.compile(r'<th scope="row">(.*?)</th><td>(.*?)</td><td>(.*?)</td><td>(.*?)</td>')


@pytest.fixture
def pixels():
    picture = np.zeros((28, 28), np.uint8)
    picture[4:24, 10:18] = 255
    return picture


@pytest.fixture
def compare(tiny_checkpoint, models_dir, make_model, no_data, pixels):  # noqa: F811
    """compare("trio") opens the page with the picture and chooses this second model."""
    make_model(models_dir / "trio.safetensors", latent_dim=3, seed=5)
    make_model(models_dir / "twin.safetensors")
    make_model(models_dir / "wide.safetensors", data="shapes", latent_dim=4)

    def choose(name):
        app = upload(start(), png(pixels))
        return second(app, name)

    return choose


def second(app, name):
    picker = next(one for one in app.selectbox if one.label == "Compare with another model")
    picker.set_value(name).run()
    assert not app.exception
    return app


def test_the_second_models_numbers_are_its_own_and_the_bigger_elbo_is_bold(compare, models_dir, pixels):
    page = html(compare("trio"))
    x = pixels[None, None] / np.float32(255)
    first, other = (open_model(models_dir / f"{name}.safetensors").encode(x) for name in ("tiny", "trio"))
    rows = {label: cells for label, *cells in ROWS.findall(page)}
    for label, field in (("log p(x|z)", "log_px_z"), ("KL(q ‖ p)", "kl"), ("ELBO", "elbo")):
        a, b = (float(getattr(encoding, field)[0]) for encoding in (first, other))
        shown = [re.sub("</?b>", "", cell) for cell in rows[label]]
        assert shown == [number(a), number(b), second_model.signed(b - a)]
    assert [cell.startswith("<b>") for cell in rows["ELBO"][:2]] == [first.elbo[0] > other.elbo[0], other.elbo[0] > first.elbo[0]]
    for name, encoding in (("tiny", first), ("trio", other)):
        assert f"absolute error of {name}, mean {np.abs(x - encoding.x_hat).mean():.3f}, on a fixed scale" in page
        assert f"reconstruction from mu by {name}" in page
    assert f"is ahead by {number(abs(float(first.elbo[0] - other.elbo[0])))} nats" in page


def test_the_same_model_twice_is_a_tie_with_nothing_bold(compare):
    page = html(compare("twin"))
    assert "both find it equally likely" in page and "<b>" not in "".join(cell for row in ROWS.findall(page) for cell in row)
    assert all(row[3] == "0.0" for row in ROWS.findall(page))


def with_likelihood(header, likelihood):
    model = header.config.model.model_copy(update={"likelihood": likelihood})
    return header.model_copy(update={"config": header.config.model_copy(update={"model": model})})


def test_nats_of_two_likelihoods_are_not_compared(tiny_checkpoint):
    header = load_header(tiny_checkpoint)
    assert comparable_models.nats_trouble(header, header) == ""
    trouble = comparable_models.nats_trouble(with_likelihood(header, "bernoulli"), with_likelihood(header, "gaussian"))
    assert trouble == "One likelihood is Bernoulli and one Gaussian: their nats measure different things."
    per_pixel, levels = (with_likelihood(header, name) for name in ("gaussian-per-pixel", "discretised-logistic"))
    assert comparable_models.nats_trouble(with_likelihood(header, "gaussian"), per_pixel) == "", "two densities"
    assert "one Discretised logistic: their nats" in comparable_models.nats_trouble(per_pixel, levels)


def test_nats_that_cannot_be_compared_are_shown_without_a_difference(compare, monkeypatch):
    monkeypatch.setattr(comparable_models, "nats_trouble", lambda here, there: "They measure different things.")
    page = html(compare("trio"))
    assert "They measure different things." in page and "not comparable" in page
    assert all(row[3] == "–" and "<b>" not in "".join(row) for row in ROWS.findall(page))


def test_another_size_of_picture_is_refused_in_a_sentence(compare):
    page = html(compare("wide"))
    assert "wide cannot see this picture: its own are 64 × 64 in colour, this one is 28 × 28 in grey." in page
    assert "enc-tri" in page and "enc-pair" not in page


def test_no_second_model_gives_the_page_back(compare):
    app = compare("trio")
    assert "enc-pair" in html(app)
    page = html(second(app, None))
    assert "enc-pair" not in page and "enc-tri" in page


def test_the_choice_survives_another_page_and_a_deleted_model_is_named(compare, models_dir):
    app = compare("trio")
    app.switch_page("explore/explore_page.py").run()
    (models_dir / "trio.safetensors").unlink()
    app.switch_page("encode/encode_page.py").run()
    assert "There is no model named &#x27;trio&#x27;" in html(app)
    assert "enc-tri" in html(app)


def test_a_broken_file_is_not_offered(compare, models_dir):
    (models_dir / "broken.safetensors").write_bytes(b"nothing")
    names = [other.name for other in comparable_models.others(cached_models.entry("tiny"))]
    assert sorted(names) == ["trio", "twin", "wide"]


def test_what_can_be_shared_is_told_for_each_model(compare):
    others = {other.name: other for other in comparable_models.others(cached_models.entry("tiny"))}
    assert (others["twin"].same_z, others["twin"].same_image, others["twin"].why) == (True, True, "")
    assert (others["trio"].same_z, others["trio"].same_image) == (False, True)
    assert others["trio"].why == "it has 3 latent dimensions, here there are 4"
    assert (others["wide"].same_z, others["wide"].same_image) == (False, False)
    assert "64 × 64 in colour" in others["wide"].why
