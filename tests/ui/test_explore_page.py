"""The Explore page without a browser: what it opens, what it says, and what a commit from the component does."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import ui
from ui.shared import read_page_address, user_session
from ui.shared.error_sentences import a, explain
from vae_core.errors import CheckpointError, LatentError
from vae_core.latent.crispest_picture import crispest
from vae_core.latent.slider_ranges import dimensions
from vae_core.model_files.header import load_header

PAGE = str(Path(ui.__path__[0]) / "explore" / "explore_page.py")


def opened(**query: str) -> AppTest:
    at = AppTest.from_file(PAGE, default_timeout=30)
    for key, value in query.items():
        at.query_params[key] = value
    return at.run()


def sent(at: AppTest) -> dict:
    """What the page sends to the explorer."""
    component = next(element for element in at.main if element.type == "bidi_component")
    proto = component.proto
    return json.loads(proto.json or proto.mixed.json)


def words_on(at: AppTest) -> str:
    assert not at.exception
    return " ".join(element.value for kind in (at.warning, at.error, at.info) for element in kind)


@pytest.mark.usefixtures("tiny_checkpoint")
def test_the_page_opens_at_the_code_of_a_test_image_with_its_picture():
    at = opened()
    data = sent(at)
    assert (data["model"], data["shape"]) == ("tiny", "28x28x1")
    assert data["picture"]["z"] == data["z"] == at.session_state["z"] == pytest.approx(data["posterior"]["mu"], abs=1e-4)
    assert data["posterior"]["label"].startswith(f"test image {data['posterior']['index']} (a")
    assert sent(opened())["z"] == data["z"]  # everybody sees the same one
    assert words_on(at) == ""


def test_a_full_posterior_brings_its_correlations_and_says_that_its_kl_are_of_the_marginals(models_dir, make_model):
    make_model(models_dir / "full.safetensors", posterior="full", latent_dim=4)
    data = sent(opened())
    assert data["posterior"]["correlation"] == [-0.75] * 6
    assert all(row["marginal"] for row in data["dimensions"])


@pytest.mark.usefixtures("tiny_checkpoint")
def test_independent_latents_bring_no_correlations():
    data = sent(opened())
    assert "correlation" not in data["posterior"] and "marginal" not in data["dimensions"][0]


def test_correlations_that_the_file_does_not_hold_are_said_to_be_unknown(models_dir, make_model):
    make_model(models_dir / "full.safetensors", posterior="full", latent_dim=4, pairs=False)
    assert sent(opened())["posterior"]["correlation"] is None


def test_a_model_without_codes_opens_at_a_draw_from_the_prior(models_dir, make_model):
    make_model(models_dir / "bare.safetensors", codes=False)
    data = sent(opened())
    assert data["posterior"] is None
    assert any(data["z"]) and data["picture"]["z"] == data["z"]


def test_the_crispest_picture_has_the_fewest_greys_for_its_ink():
    pictures = np.zeros((3, 8, 8, 1), np.uint8)  # the first one stays empty
    pictures[1, 2:6, 3:5] = 120  # a smudge
    pictures[2, 2:6, 3] = 255  # a line
    assert crispest(pictures) == 2


@pytest.mark.parametrize(("name", "words"), [("2", "a 2"), ("8", "an 8"), ("ankle boot", "an ankle boot"), ("bag", "a bag")])
def test_a_class_is_named_with_its_article(name, words):
    assert a(name) == words


@pytest.mark.usefixtures("tiny_checkpoint")
def test_the_address_opens_a_model_at_a_point(models_dir, make_model):
    make_model(models_dir / "another.safetensors", latent_dim=2)
    at = opened(model="another", z="0.5,-1.25")
    assert at.session_state["model"] == "another"
    assert at.session_state["z"] == [0.5, -1.25]
    assert sent(at)["z"] == [0.5, -1.25]


@pytest.mark.usefixtures("tiny_checkpoint")
def test_the_address_brings_a_second_model_along(models_dir, make_model):
    make_model(models_dir / "another.safetensors")
    at = opened(model="tiny", compare="another")
    assert at.session_state["compared"] == sent(at)["compared"] == "another"
    at = opened(model="tiny", compare="nobody")
    assert "compares with a model 'nobody', which is not here" in words_on(at)
    assert sent(at)["compared"] is None


@pytest.mark.usefixtures("tiny_checkpoint")
def test_a_committed_point_has_as_many_decimals_as_a_link():
    at = opened(model="tiny", z="0.123456,-1.99999,2,0")
    assert at.session_state["z"] == sent(at)["z"] == [0.1235, -2.0, 2.0, 0.0]


@pytest.mark.usefixtures("tiny_checkpoint")
@pytest.mark.parametrize("z", ["1,2,3", "1,2,3,4,5", "1,2,nan,4", "1,2,inf,4", "1,2,x,4", "", ",,,", "1e300,0,0,0", "9" * 9000])
def test_a_bad_point_in_the_address_gets_a_sentence_and_the_models_own_first_picture(z):
    at = opened(model="tiny", z=z)
    assert "The point in the address cannot be used." in words_on(at)
    assert at.session_state["z"] == sent(opened())["z"]


@pytest.mark.usefixtures("tiny_checkpoint")
@pytest.mark.parametrize("name", ["nobody", "../../etc/passwd", "x" * 3000, "<b>bold</b>"])
def test_an_unknown_model_in_the_address_gets_a_sentence_and_another_model(name):
    at = opened(model=name, z="1,2,3,4")
    assert "which is not here" in words_on(at)
    assert at.session_state["model"] == "tiny"
    assert at.session_state["z"] == sent(opened())["z"]


@pytest.mark.usefixtures("tiny_checkpoint")
def test_a_notice_outlives_quick_reruns_and_then_goes(monkeypatch):
    at = opened(model="tiny", hash="0" * 12, compare="nobody")
    for _ in range(3):
        assert "another model that is also called tiny" in words_on(at) and "'nobody', which is not here" in words_on(at)
        at.run()
    late = time.monotonic() + user_session.NOTICE_SECONDS
    monkeypatch.setattr(time, "monotonic", lambda: late + 1)
    assert words_on(at.run()) == ""


@pytest.mark.usefixtures("models_dir")
def test_without_any_model_the_page_says_how_to_get_one():
    assert "There is no model yet" in words_on(opened())


def test_a_broken_model_file_gets_its_reason(models_dir):
    (models_dir / "broken.safetensors").write_bytes(b"\x10\x00\x00\x00\x00\x00\x00\x00 nothing")
    assert "broken.safetensors" in words_on(opened())


def test_a_model_that_disappears_is_named_and_another_one_opens(models_dir, make_model):
    make_model(models_dir / "first.safetensors")
    second = make_model(models_dir / "second.safetensors")
    at = opened(model="second")
    second.unlink()
    at.run()
    assert "'second' is no longer there" in words_on(at)
    assert at.session_state["model"] == "first"


def test_choosing_another_model_starts_at_its_own_first_picture(models_dir, make_model):
    make_model(models_dir / "four.safetensors", latent_dim=4)
    make_model(models_dir / "two.safetensors", latent_dim=2)
    at = opened(model="four", z="1,1,1,1")
    at.selectbox[0].select("two").run()
    data = sent(at)
    assert (data["model"], data["z"]) == ("two", sent(opened(model="two"))["z"])
    assert len(data["posterior"]["mu"]) == 2


@pytest.mark.usefixtures("tiny_checkpoint")
def test_a_point_from_another_page_reaches_the_sliders_with_its_band():
    at = opened()
    before = sent(at)["revision"]
    at.session_state["z"] = [1.0, 2.0, 3.0, 4.0]
    at.session_state["posterior"] = {"mu": [1.0, 2.0, 3.0, 4.0], "std": [0.1] * 4}
    at.run()
    data = sent(at)
    assert data["z"] == [1.0, 2.0, 3.0, 4.0]
    assert data["posterior"]["std"] == [0.1] * 4
    assert data["revision"] > before


@pytest.mark.usefixtures("tiny_checkpoint")
def test_a_rerun_without_news_does_not_move_the_sliders():
    at = opened()
    before = sent(at)["revision"]
    assert sent(at.run())["revision"] == before


def test_the_picker_tells_what_the_model_is(tiny_checkpoint):
    caption = opened().caption[0].value
    assert load_header(tiny_checkpoint).config.data.name in caption
    for fact in ("4-D", "Bernoulli ELBO, β 1", "−95.4 nats", "1 Jun 2025", "shipped"):
        assert fact in caption


def test_sliders_come_in_order_of_kl_and_unused_dimensions_are_marked(tiny_checkpoint):
    rows = dimensions(load_header(tiny_checkpoint).statistics)
    assert [row["index"] for row in rows] == [2, 1, 0, 3]
    assert [row["active"] for row in rows] == [True, True, True, False]
    assert rows[0]["low"] == pytest.approx(-2.576, abs=1e-3)
    assert rows[0]["high"] == pytest.approx(2.576, abs=1e-3)


@pytest.mark.parametrize("values", [[0.0], [0.0, float("nan")], [0.0, "1"], [0.0, None], [0.0, 1e9], [0.0, True, 0.0]])
def test_a_commit_from_the_browser_is_checked_like_an_address(values):
    with pytest.raises(LatentError):
        read_page_address.checked_z(values, 2)


@pytest.mark.usefixtures("tiny_checkpoint")
def test_pins_of_another_page_reach_the_tray_and_those_of_another_latent_size_do_not():
    at = opened()
    assert sent(at)["pins"] is None
    before = sent(at)["pinsRevision"]
    fits, too_long = ({"z": [1.0] * size, "label": "mine", "chosen": True} for size in (4, 5))
    at.session_state["pins"] = {"tiny": [fits, too_long], "other": [too_long]}
    at.run()
    assert sent(at)["pins"] == [fits]
    assert sent(at)["pinsRevision"] > before
    assert sent(at.run())["pinsRevision"] == before + 1


@pytest.mark.parametrize("row", [{}, {"z": [0.0]}, {"z": [0.0, float("nan")]}, {"z": ["1", 0.0]}, {"z": [0.0, 1e9]}])
def test_a_pin_from_the_browser_is_checked_like_an_address(row):
    with pytest.raises(LatentError):
        read_page_address.checked_pin(row, 2)
    long = read_page_address.checked_pin({"z": [0, 1], "label": "x" * 999}, 2)
    assert long == {"z": [0.0, 1.0], "label": "x" * 120, "chosen": False}


def test_words_name_what_happened_and_what_to_do():
    assert explain(CheckpointError("It is broken.")) == ("It is broken.", "Choose another model, or upload the file again.")
    assert "ZeroDivisionError" in explain(ZeroDivisionError("division by zero")).what


def test_every_session_key_has_a_default():
    keys = {value for name, value in vars(user_session).items() if name.isupper() and isinstance(value, str)}
    assert keys == set(user_session.DEFAULTS)


@pytest.mark.usefixtures("tiny_checkpoint")
def test_the_models_are_shown_by_their_pictures_and_a_sentence_and_a_press_opens_one(models_dir, make_model):
    make_model(models_dir / "colour.safetensors", data="shapes", latent_dim=2, inactive=0, codes=False)
    at = opened(model="tiny")
    assert [button for button in at.button if button.label == "colour"] == []  # made when somebody looks
    at.session_state["picker.cards"] = True
    at.run()
    captions = " ".join(caption.value for caption in at.caption)
    assert "MNIST digits from 4 numbers, 3 of them in use." in captions and "Coloured shapes from 2 numbers." in captions
    assert words_on(at) == ""
    next(button for button in at.button if button.label == "colour").click().run()
    assert sent(at)["model"] == "colour"
