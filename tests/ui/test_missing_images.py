"""The Train form when the images it names are not on this computer."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ui.train import form
from vae_core.data import downloads
from vae_core.training import time_estimate_in_background

MAIN = Path(__file__).parents[2] / "ui" / "main.py"


@pytest.fixture
def opened(models_dir, monkeypatch, tmp_path):
    """`opened(outlook)`: the page after it has asked whether MNIST can be downloaded, with this answer."""
    monkeypatch.setenv("VAE_DATA", str(tmp_path / "no-data"))
    nothing = time_estimate_in_background.Outlook()  # and no thread that imports torch while the tests end
    monkeypatch.setattr(time_estimate_in_background, "outlook", lambda config: nothing)

    def start(found):
        monkeypatch.setattr(downloads, "outlook", lambda info: found)
        form._download_outlook.clear()
        app = AppTest.from_file(str(MAIN), default_timeout=60).run()
        app.switch_page("train/train_page.py").run()
        assert not app.exception
        return app

    return start


def test_what_is_missing_is_named_with_what_its_download_takes(opened):
    app = opened(downloads.Outlook(12_000_000))
    assert "MNIST digits are not on this computer yet; training downloads 12 MB first" in app.warning[0].value
    app.selectbox(key="train.data.name").set_value("shapes").run()
    assert not app.warning


def test_files_that_only_have_to_be_unpacked_need_no_download(opened):
    assert opened(downloads.Outlook(0)).warning[0].value.endswith("training unpacks them first.")


def test_without_a_network_the_form_says_so_before_a_run_is_started(opened):
    app = opened(downloads.Outlook(12_000_000, "MNIST digits cannot be downloaded.", "Put its files into data."))
    assert [error.value for error in app.error] == ["MNIST digits cannot be downloaded."]
    assert "Put its files into data." in [caption.value for caption in app.caption]
