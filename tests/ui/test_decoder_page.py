"""The pages with a model that is a decoder alone: Explore goes on, Encode says why it cannot, the picker says what it is."""

import pytest
from streamlit.testing.v1 import AppTest

from tests.ui.test_encode_page import ROOT
from tests.ui.test_explore_page import opened, sent, words_on
from ui.shared import comparable_models, model_cards, model_picker
from vae_core.latent.latent_model import open_model
from vae_core.model_files import checkpoints
from vae_core.model_files.header import load_header


@pytest.fixture
def alone(tiny_checkpoint):
    path = tiny_checkpoint.with_name("alone.safetensors")
    stripped = checkpoints.decoder_alone(checkpoints.load(tiny_checkpoint))
    checkpoints.save(path, stripped.model, stripped.header.model_copy(update={"name": "alone"}), stripped.extras)
    return path


def test_explore_opens_it_at_a_draw_with_the_ranges_of_the_prior(alone):
    at = opened(model="alone")
    data = sent(at)
    assert words_on(at) == "" and data["encodes"] is False and data["posterior"] is None
    assert data["dimensions"] == [{"index": i, "low": -2.576, "high": 2.576, "kl": None, "active": True} for i in range(4)]
    assert data["picture"]["z"] == data["z"] and any(data["z"])
    assert open_model(alone, device="cpu").decode([data["z"]]).std() > 0


def test_a_link_to_a_point_of_it_is_followed(alone):
    assert sent(opened(model="alone", z="0.1,0.2,0.3,0.4"))["z"] == [0.1, 0.2, 0.3, 0.4]


def test_encode_says_why_it_cannot_and_offers_a_model_of_the_same_data(alone, make_model):
    make_model(alone.with_name("a-colourful.safetensors"), data="shapes")
    at = AppTest.from_file(str(ROOT / "ui" / "main.py"), default_timeout=60)
    at.query_params["model"] = "alone"
    at.run().switch_page("encode/encode_page.py").run()
    assert not at.exception and not at.error
    page = " ".join(element.proto.body for element in at.get("html"))
    assert "This model cannot encode" in page and "alone is a decoder alone" in page
    button = next(button for button in at.button if button.label.startswith("Encode with"))
    assert button.label == "Encode with tiny"
    button.click().run()
    assert at.session_state["model"] == "tiny" and "cannot encode" not in " ".join(e.proto.body for e in at.get("html"))


def test_picker_cards_and_comparison_name_the_kind_and_no_elbo(alone, tiny_checkpoint):
    header = load_header(alone)
    for words in (model_picker.caption(header), model_cards.describe(header), comparable_models.facts(header)):
        assert "a decoder alone, no encoder" in words and "ELBO" not in words and "None" not in words
    assert comparable_models.nats_trouble(load_header(tiny_checkpoint), header).startswith("One of the two is a decoder alone")
