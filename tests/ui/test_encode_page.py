"""The Encode page without a browser: what it shows for an upload, a test image, a broken file, a missing dataset."""

import io
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from ui.encode import image_sources
from ui.shared import user_session
from vae_core.latent.latent_model import LatentModel, open_model

ROOT = Path(__file__).parents[2]


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def stroke():
    """A dark stroke on white paper, 200x100."""
    pixels = np.full((200, 100), 255, np.uint8)
    pixels[40:160, 45:57] = 0
    return pixels


def bmp_claiming(width, height):
    """54 bytes whose header promises a huge picture."""
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)


@pytest.fixture
def no_data(tmp_path, monkeypatch):
    monkeypatch.setenv("VAE_DATA", str(tmp_path / "no-data"))


@pytest.fixture
def mnist_files(tmp_path, monkeypatch):
    """Ten training and ten test images in the place of MNIST; image i holds a square of side i + 4 and is labelled i."""
    raw = tmp_path / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    images = np.zeros((10, 28, 28), np.uint8)
    for i in range(10):
        images[i, 4 : 8 + i, 4 : 8 + i] = 255
    for prefix in ("train", "t10k"):
        (raw / f"{prefix}-images-idx3-ubyte").write_bytes(struct.pack(">HBB3I", 0, 8, 3, 10, 28, 28) + images.tobytes())
        (raw / f"{prefix}-labels-idx1-ubyte").write_bytes(struct.pack(">HBBI", 0, 8, 1, 10) + bytes(range(10)))
    monkeypatch.setenv("VAE_DATA", str(tmp_path / "data"))
    return images


def start():
    app = AppTest.from_file(str(ROOT / "ui" / "main.py"), default_timeout=60)
    app.run()
    app.switch_page("encode/encode_page.py").run()
    assert not app.exception
    return app


def html(app):
    """What the page draws itself, without its style sheets."""
    return "\n".join(element.proto.body for element in app.get("html") if "<style" not in element.proto.body)


def button(app, words):
    (found,) = [one for one in app.button if words in one.label]
    return found


def upload(app, data, name="three.png"):
    app.file_uploader[0].set_value((name, data, "image/png")).run()
    assert not app.exception
    return app


def test_without_a_model_the_page_says_what_to_do(models_dir, no_data):
    app = start()
    assert "There is no model yet" in app.info[0].value and not app.error


def test_before_a_picture_is_chosen_the_page_says_so_in_words(tiny_checkpoint, no_data):
    app = start()
    assert "Nothing to see yet" in html(app) and "enc-bar" not in html(app)


def test_an_upload_shows_its_steps_pictures_bars_and_nats(tiny_checkpoint, no_data):
    page = html(upload(start(), png(stroke())))
    for step in ("file", "inverted", "cropped", "28 × 28"):
        assert f"<small>{step}</small>" in page
    assert page.count('data-dim="') == 4 and page.count('class="enc-img enc-') == 3
    assert "ELBO" in page and "likely than" in page and "three.png" in page


def test_a_correlated_posterior_is_said_to_be_one(models_dir, make_model, no_data):
    make_model(models_dir / "full.safetensors", posterior="full")
    page = html(upload(start(), png(np.zeros((28, 28), np.uint8))))
    assert "depend on each other, most of all z" in page and "do not add up to KL(q ‖ p)" in page


def test_the_numbers_are_those_of_the_model(tiny_checkpoint, no_data):
    pixels = np.zeros((28, 28), np.uint8)
    pixels[4:24, 10:18] = 255
    page = html(upload(start(), png(pixels)))
    encoding = open_model(tiny_checkpoint).encode(pixels[None, None] / np.float32(255))
    for d in range(4):
        mu, std, kl = (float(values[0, d]) for values in (encoding.mu, encoding.marginal_std, encoding.marginal_kl))
        assert f'aria-label="z{d}: mu {mu:.2f}, sigma {std:.2f}, KL {kl:.2f} nats"' in page
    assert f"{encoding.elbo[0]:.1f}".replace("-", "−") in page


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"not an image at all", "not an image"),
        (png(stroke())[:100], "damaged or cut short"),
        (bmp_claiming(30000, 30000), "at most 50 million"),
    ],
    ids=["empty", "text", "truncated", "bomb"],
)
def test_a_bad_upload_gives_a_sentence_and_the_last_picture_stays(tiny_checkpoint, no_data, data, words):
    app = upload(start(), png(stroke()), "good.png")
    before = html(app).count('data-dim="')
    upload(app, data, "bad.png")
    (error,) = app.error
    assert error.value.startswith("bad.png: ") and words in error.value
    assert html(app).count('data-dim="') == before == 4 and "good.png" in html(app)
    upload(app, png(stroke()), "again.png")
    assert not app.error and "again.png" in html(app)


def test_a_picture_is_decoded_and_encoded_once_however_often_the_page_is_drawn(tiny_checkpoint, no_data, monkeypatch):
    asked = {"read": 0, "encode": 0}

    def counted(name, function):
        def call(*arguments, **keywords):
            asked[name] += 1
            return function(*arguments, **keywords)

        return call

    monkeypatch.setattr(image_sources, "read_upload", counted("read", image_sources.read_upload))
    monkeypatch.setattr(LatentModel, "encode", counted("encode", LatentModel.encode))
    app = upload(start(), png(stroke()))
    button(app, "8 draws").click().run()
    button(app, "Pin").click().run()
    assert asked == {"read": 1, "encode": 1}
    next(box for box in app.selectbox if box.label == "Turn").select("90").run()
    assert asked == {"read": 2, "encode": 2}, "another picture is another question"


def test_steps_can_be_changed_and_the_proposal_is_visible(tiny_checkpoint, no_data):
    app = upload(start(), png(stroke()))
    (invert,) = [box for box in app.selectbox if box.label == "Invert"]
    assert invert.format_func("auto") == "automatic: yes"
    before = html(app)
    invert.select("no").run()
    assert "<small>inverted</small>" not in html(app) and html(app) != before
    next(box for box in app.selectbox if box.label == "Turn").select("90").run()
    assert "<small>turned</small>" in html(app) and "<small>inverted</small>" not in html(app), "both choices hold"
    upload(app, png(stroke()), "next.png")
    assert "<small>inverted</small>" in html(app), "a new picture starts from the proposal"


def test_draws_appear_on_request_with_their_seed(tiny_checkpoint, no_data):
    app = upload(start(), png(stroke()))
    assert "enc-draws" not in html(app)
    button(app, "8 draws").click().run()
    first = html(app)
    assert first.count('alt="draw ') == 8 and "seed 0" in first
    button(app, "Draw again").click().run()
    assert "seed 1" in html(app) and html(app) != first


def test_draws_show_the_noise_of_their_pixels_when_asked_to_and_their_means_again(tiny_checkpoint, no_data):
    app = upload(start(), png(stroke()))
    button(app, "8 draws").click().run()
    means = html(app)
    app.toggle(key="encode.noise").set_value(True).run()
    assert not app.exception and "enc-draws" in html(app) and html(app) != means
    app.toggle(key="encode.noise").set_value(False).run()
    assert html(app) == means


def test_a_test_image_is_taken_by_its_number_and_named_with_its_class(tiny_checkpoint, mnist_files):
    app = start()
    app.number_input[0].set_value(7).run()
    assert "test image 7 (a 7)" in html(app) and "exactly as the dataset has it" in html(app)
    button(app, "shuffle").click().run()
    assert "test image " in html(app) and not app.exception


def test_without_the_files_of_the_dataset_the_page_says_so(tiny_checkpoint, no_data):
    app = start()
    assert "files of MNIST digits are not on this computer" in html(app) and "Upload a picture instead" in html(app)
    assert not app.number_input


def test_broken_files_of_the_dataset_are_a_sentence_too(tiny_checkpoint, mnist_files, tmp_path):
    (tmp_path / "data" / "MNIST" / "raw" / "t10k-images-idx3-ubyte").write_bytes(b"oops")
    app = start()
    assert "t10k-images-idx3-ubyte is broken" in html(app) or "cannot be read" in html(app)
    assert 'data-dim="' in html(upload(app, png(stroke())))


def test_explore_from_here_carries_mu_and_sigma(tiny_checkpoint, no_data):
    app = upload(start(), png(stroke()))
    button(app, "Explore from here").click().run()
    z, band = app.session_state["z"], app.session_state["posterior"]
    assert z == [round(mu, user_session.DECIMALS) for mu in band["mu"]]
    assert len(z) == 4 and len(band["std"]) == 4 and band["label"] == "three.png"


def test_pin_puts_mu_into_the_tray_of_explore_once(tiny_checkpoint, no_data):
    app = upload(start(), png(stroke()))
    button(app, "Pin").click().run()
    [pin] = app.session_state["pins"]["tiny"]
    assert len(pin["z"]) == 4 and (pin["label"], pin["chosen"]) == ("three.png", True)
    assert "waits in the tray" in app.toast[0].value
    button(app, "Pin").click().run()
    assert len(app.session_state["pins"]["tiny"]) == 1
    assert "in the tray already" in app.toast[0].value


def test_another_model_of_another_shape_encodes_the_same_upload(tiny_checkpoint, make_model, no_data):
    make_model(tiny_checkpoint.parent / "wide.safetensors", data="shapes", latent_dim=6)
    app = upload(start(), png(stroke()))
    app.session_state["model"] = "wide"
    app.run()
    assert html(app).count('data-dim="') == 6 and "<small>64 × 64</small>" in html(app)


def test_a_test_image_is_dropped_when_the_model_is_of_another_dataset(tiny_checkpoint, make_model, mnist_files):
    make_model(tiny_checkpoint.parent / "wide.safetensors", data="shapes", latent_dim=6)
    app = start()
    app.session_state["model"] = "tiny"
    app.run()
    app.number_input[0].set_value(3).run()
    assert "test image 3" in html(app)
    app.session_state["model"] = "wide"
    app.run()
    assert "Nothing to see yet" in html(app) and not app.exception


def test_a_model_that_has_diverged_is_a_sentence(tiny_checkpoint, no_data, monkeypatch):
    def diverged(self, x, *, seed=0):
        encoding = encode(self, x, seed=seed)
        return replace(encoding, mu=encoding.mu * np.nan)

    encode = LatentModel.encode
    monkeypatch.setattr(LatentModel, "encode", diverged)
    app = upload(start(), png(stroke()))
    assert len(app.error) == 1 and "not finite" in app.error[0].value


def test_a_broken_model_file_is_a_sentence(models_dir, no_data):
    (models_dir / "broken.safetensors").write_bytes(b"\xff" * 100)
    app = start()
    assert len(app.error) == 1 and "broken" in app.error[0].value
