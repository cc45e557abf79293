"""The address of a page names the model and the point, on Encode as on Explore."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import ui


@pytest.mark.usefixtures("tiny_checkpoint")
def test_the_encode_page_opens_the_model_of_its_address(models_dir, make_model):
    make_model(models_dir / "another.safetensors", latent_dim=2)
    at = AppTest.from_file(str(Path(ui.__path__[0]) / "encode" / "encode_page.py"), default_timeout=30)
    at.query_params["model"] = "tiny"
    at.query_params["z"] = "1,2,3,4"
    at.run()
    assert not at.exception
    assert at.session_state["model"] == "tiny"
    assert at.session_state["z"] == [1.0, 2.0, 3.0, 4.0]
    assert at.selectbox(key="picker.model").value == "tiny"
