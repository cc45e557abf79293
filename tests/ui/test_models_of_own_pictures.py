"""A model of one's own pictures on the other pages, with several classes, one and none: as with a built-in dataset."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from ui.shared import error_sentences
from vae_core.data.catalog import dataset_info
from vae_core.data.own_datasets import delete_own
from vae_core.import_images import ImportOptions, import_images, open_source

ROOT = Path(__file__).parents[2]
LABELS = [0, 299, 256, 255] * 10  # of the encoded images; the last classes do not fit into a byte


@pytest.fixture(params=[("",), ("only",), ("left", "right"), tuple(f"class {n:03}" for n in range(300))],
                ids=["no classes", "one class", "two classes", "300 classes"])  # fmt: skip
def classes(request, models_dir, make_model, tmp_path, monkeypatch):
    """A dataset `mine` with these classes and a model of it, called `own`."""
    monkeypatch.setenv("VAE_DATA", str(tmp_path / "data"))
    pixels = np.random.default_rng(0)
    with zipfile.ZipFile(tmp_path / "mine.zip", "w") as archive:
        for number in range(count := max(40, 2 * len(request.param))):
            image = Image.fromarray(pixels.integers(0, 256, (32, 32), dtype=np.uint8))
            image.save(file := io.BytesIO(), "PNG")
            archive.writestr(f"{number}.png", file.getvalue())
        if any(request.param):
            rows = (f"{number}.png,{request.param[number % len(request.param)]}" for number in range(count))
            archive.writestr("labels.csv", "\n".join(["file,label", *rows]))
    with open_source(tmp_path / "mine.zip") as source:
        import_images(source, "mine", ImportOptions(size=32, colour=False))
    make_model(models_dir / "own.safetensors", data="mine", points=len(LABELS), labels=LABELS)
    return list(request.param) if len(request.param) > 1 else []  # a single class tells nothing apart


def opened(page):
    app = AppTest.from_file(str(ROOT / "ui" / "main.py"), default_timeout=60)
    app.query_params["model"] = "own"
    app.run()
    if page != "explore/explore_page.py":
        app.switch_page(page).run()
    assert not app.exception and not app.error and not app.warning
    return app


def test_the_pages_show_its_test_images_with_their_classes_if_they_have_any(classes):
    assert list(dataset_info("mine").classes) == classes
    explorer = next(element.proto for element in opened("explore/explore_page.py").main if element.type == "bidi_component")
    label = json.loads(explorer.json or explorer.mixed.json)["posterior"]["label"]
    assert label.startswith("test image ") and ("(" in label) == bool(classes)
    app = opened("encode/encode_page.py")
    next(button for button in app.button if button.label == "Take a random test image").click().run()
    said = "".join(element.proto.body for element in app.get("html"))
    assert "test image " in said and not app.exception
    assert classes or "(a 0)" not in said


@pytest.mark.usefixtures("classes")
def test_the_map_and_the_nearest_images_are_answered(ask_route):
    answer = ask_route("GET", "/map", model="own").content
    assert np.frombuffer(answer[-2 * 40 :], "<u2").tolist() == LABELS
    image = ask_route("GET", "/map/image", model="own", index="1")
    assert Image.open(io.BytesIO(image.content)).size == (32, 32)
    for space in ("pixels", "latents"):
        found = ask_route("GET", "/map/nearest", model="own", z="0,0,0,0", space=space).json()
        assert len(found["found"]) == 4 and "training images" in found["source"]


@pytest.mark.usefixtures("classes")
def test_without_the_pictures_the_pages_say_so_and_go_on(ask_route):
    delete_own("mine")
    assert ask_route("GET", "/map", model="own").status_code == 200
    refused = ask_route("GET", "/map/image", model="own", index="1")
    assert refused.status_code == 404 and "not on this computer" in refused.text
    opened("explore/explore_page.py")


def test_an_image_without_a_class_is_called_by_its_number_alone():
    facts = dataset_info("mnist").facts(None)
    assert error_sentences.test_image_title(7, facts, 8) == "test image 7 (an 8)"
    assert error_sentences.test_image_title(7, facts.model_copy(update={"classes": ()}), 0) == "test image 7"
