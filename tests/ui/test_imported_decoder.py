"""A decoder from elsewhere on the pages, without a browser: dropped, looked at, corrected, kept, explored, corrected again."""

import threading

import pytest
from streamlit.testing.v1 import AppTest

from tests.core import onnx_files
from tests.open_train_page import ROOT, start
from tests.ui.test_explore_page import opened, sent, words_on
from tests.ui.test_train_page import quiet, texts  # noqa: F401 - a fixture for every test of a file that names it
from ui.shared import comparable_models, model_cards, model_picker
from ui.train import imported_decoder
from vae_core.foreign_decoders import trial, trial_process
from vae_core.model_files.header import load_header
from vae_core.model_files.model_list import list_models


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    """Trials without a process and without its limits, which would hold for the tests that follow."""
    monkeypatch.setattr(trial_process, "_limit", lambda: None)
    monkeypatch.setattr(trial, "_run", trial_process.main)
    imported_decoder._trials.clear()
    yield
    for thread in threading.enumerate():
        if thread.name.startswith(("measure", "count")):  # the form's: what they import must not come between two tests
            thread.join(60)


def upload(app, name, data):
    app.file_uploader[0].upload(name, data, "application/octet-stream").run()
    assert not app.exception
    return app


def by_key(elements, start_of_key):
    return next(element for element in elements if element.key.startswith(start_of_key))


def kept():
    return [entry for entry in list_models() if entry.origin == "uploaded"]


def preview(app):
    return next(element.proto.body for element in app.get("html") if "lw-draws" in element.proto.body)


def test_a_refused_file_gets_a_sentence_and_nothing_is_kept():
    app = upload(start(), "evil.onnx", onnx_files.broken()["endless-loop"][0])
    assert "Refused: It has a loop or a branch ('Loop')" in texts(app) and kept() == []


def test_it_is_looked_at_corrected_kept_explored_and_corrected_again():
    app = upload(start(), "my *generator*.onnx", onnx_files.logits())
    assert "4 numbers to 16 × 16 in grey, (N, C, H, W)" in texts(app) and kept() == []
    as_logits = preview(app)
    assert by_key(app.selectbox, "decoder.range").value == "logits"
    by_key(app.selectbox, "decoder.range").set_value("symmetric").run()
    assert preview(app) != as_logits
    by_key(app.selectbox, "decoder.prior").set_value("uniform").run()
    by_key(app.text_input, "decoder.name").set_value("generator").run()
    by_key(app.text_input, "decoder.source").set_value("[a](javascript:1)").run()
    by_key(app.text_input, "decoder.licence").set_value("CC0").run()
    by_key(app.button, "decoder.keep").click().run()
    assert not app.exception and "generator is ready to explore." in texts(app)
    (entry,) = kept()
    foreign = load_header(entry.path).foreign
    assert (foreign.range, foreign.prior, foreign.filename) == ("symmetric", "uniform", "my *generator*.onnx")

    page = opened(model="generator")
    data = sent(page)
    assert words_on(page) == "" and data["uniform"] is True
    assert data["encodes"] is data["gradients"] is data["images"] is False
    assert [(row["low"], row["high"]) for row in data["dimensions"]] == [(-1, 1)] * 4
    header = load_header(entry.path)
    for words in (model_picker.caption(header), model_cards.describe(header), comparable_models.facts(header)):
        assert "imported decoder" in words.lower() and "CC0" in words and "[a](" not in words and "mlp" not in words

    app = start()
    by_key(app.selectbox, "decoder.range.generator").set_value("logits").run()
    by_key(app.button, "decoder.save.generator").click().run()
    assert not app.exception and load_header(entry.path).foreign.range == "logits"
    assert load_header(entry.path).foreign.source == "[a](javascript:1)"


def test_it_can_be_discarded():
    app = upload(start(), "mine.onnx", onnx_files.nhwc())
    by_key(app.button, "decoder.discard").click().run()
    assert not app.exception and not [one for one in app.button if one.key == "decoder.keep"] and kept() == []


def test_an_encoder_beside_it_is_tried_too_and_encode_shows_what_there_is():
    app = upload(start(), "mine.onnx", onnx_files.logits())
    by_key(app.file_uploader, "decoder.encoder").upload("e.onnx", onnx_files.encoder(latent_dim=7), "application/onnx").run()
    assert "its code of 4 images has the shape" in texts(app)
    by_key(app.file_uploader, "decoder.encoder").upload("e.onnx", onnx_files.encoder(), "application/onnx").run()
    assert "with an encoder" in texts(app)
    by_key(app.button, "decoder.keep").click().run()
    (entry,) = kept()
    assert load_header(entry.path).foreign.encodes
    page = opened(model=entry.name)
    assert words_on(page) == "" and sent(page)["encodes"] is False
    page = AppTest.from_file(str(ROOT / "ui" / "main.py"), default_timeout=60)
    page.query_params["model"] = entry.name
    page.run().switch_page("encode/encode_page.py").run()
    assert not page.exception and not page.error
    assert "This model cannot encode" not in " ".join(element.proto.body for element in page.get("html"))
