"""What the server does so that no socket waits: it is warm before the first visitor, and never stops for a full collection."""

from __future__ import annotations

import gc
import tomllib
from pathlib import Path

import pytest

from ui.shared import cached_models

ROOT = Path(__file__).parents[2]


@pytest.fixture
def app(monkeypatch, tiny_checkpoint):
    import app as server

    yield server
    gc.unfreeze()


def test_the_default_model_is_open_after_the_warm_up_and_garbage_collection_looks_past_it(app, monkeypatch):
    opened = []
    real = cached_models.open_entry
    monkeypatch.setattr(cached_models, "open_entry", lambda entry: opened.append(entry.name) or real(entry))
    app.warm_up()
    assert opened == ["tiny"]
    assert gc.get_freeze_count() > 50_000  # torch and Streamlit alone are more


def test_a_model_that_cannot_be_opened_does_not_stop_the_server(app, models_dir, caplog):
    (models_dir / "tiny.safetensors").write_bytes(b"broken")
    app.warm_up()
    assert "could not be opened" in caplog.text


def test_streamlit_collects_no_garbage_after_each_commit():
    # With torch loaded this takes 100 ms and more, and Python runs nothing else meanwhile: every drag of everybody would stall.
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert settings["runner"]["postScriptGC"] is False
