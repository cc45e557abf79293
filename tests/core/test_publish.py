"""A published page is written whole or not at all, over nothing that is not its own, and holds what the browser reads."""

from __future__ import annotations

import base64
import gzip
import json
import re
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from vae_core.cli import app
from vae_core.cli.publish import COMPONENTS
from vae_core.data import catalog
from vae_core.latent.latent_model import open_model
from vae_core.publish import describe_model, write_page
from vae_core.publish.write_page import PublishError, Sources, Words

WIDE = {"COLUMNS": "300", "TERMINAL_WIDTH": "300"}


@pytest.fixture
def sources(monkeypatch: pytest.MonkeyPatch) -> Sources:
    """The real modules; graphs are not made, which takes seconds and is tested elsewhere."""
    monkeypatch.setattr(describe_model, "_onnx", lambda path, part: f"{path.stem} {part} ".encode() * 50)
    return Sources.of(COMPONENTS)


@pytest.fixture
def page(sources, models_dir, make_model) -> write_page.Page:
    paths = [make_model(models_dir / f"{name}.safetensors", seed=seed) for seed, name in enumerate(("first", "second"))]
    return write_page.make_page([(path.stem, path) for path in paths], Words(title="A <title>"), sources, most_points=50)


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def model_of(folder: Path, name: str) -> dict:
    return json.loads((folder / "models" / f"{name}.json").read_text())


def test_a_folder_holds_the_modules_unchanged_the_models_and_the_runtime(page, tmp_path):
    write_page.write_folder(page, tmp_path / "site")
    there = files(tmp_path / "site")
    assert {"index.html", "page.json", "explorer/explorer.js", "published_page/published_page.js"} <= there
    assert {f"models/first/{name}.bin" for name in ("decoder", "encoder", "points")} <= there
    assert (tmp_path / "site/explorer/explorer.js").read_bytes() == (COMPONENTS / "explorer/explorer.js").read_bytes()
    assert "explorer/main.js" not in there  # where Streamlit meets the explorer
    html = (tmp_path / "site/index.html").read_text()
    assert "<title>A &lt;title></title>" in html
    assert all((tmp_path / "site" / name).is_file() for name in re.findall(r'(?:href|src)="(?!data:)([^"]+)"', html))
    assert json.loads((tmp_path / "site/page.json").read_text())["models"] == ["first", "second"]


def test_the_style_sheets_are_those_of_the_explore_page_in_their_order():
    from ui.components.explorer import STYLES

    html = (COMPONENTS / "published_page/index.html").read_text()
    assert re.findall(r'href="explorer/(.+)\.css"', html) == list(STYLES)


def test_the_view_has_what_the_explore_page_sends(page, tmp_path):
    from ui.components.explorer import View, payload

    write_page.write_folder(page, tmp_path / "site")
    z = [0.0] * 4
    sent = payload(View("m", 1, "s", None, z, 0, None, np.zeros((28, 28, 1), np.uint8), (28, 28, 1)))
    view = model_of(tmp_path / "site", "first")["view"]
    assert set(sent) == set(view)
    assert view["shape"] == sent["shape"]
    assert view["others"][0]["name"] == "second"
    assert view["others"][0]["sameZ"]


def test_points_come_back_as_the_model_file_has_them(page, tmp_path, models_dir):
    write_page.write_folder(page, tmp_path / "site")
    described = model_of(tmp_path / "site", "first")["points"]
    data = gzip.decompress((tmp_path / "site" / described["file"]).read_bytes())
    if described["packing"] == "planes":
        half = (len(data) + 1) // 2
        data = bytes(byte for pair in zip(data[:half], data[half:] + b"\0", strict=False) for byte in pair)[: len(data)]
    count, size, step = struct.unpack_from("<IIf", data)
    model = open_model(models_dir / "first.safetensors")
    at = 12 + 4 * size + 4 * size * size + 4 * count + 2 * count
    means = np.frombuffer(data, "<i2", count * size, at).reshape(count, size) * step
    assert (count, size) == (50, 4)
    np.testing.assert_allclose(means, model.test_means[:50], atol=0.51e-3)
    logs = np.frombuffer(data, np.int8, count * size, at + 2 * count * size)
    np.testing.assert_allclose(np.exp(logs / 32), model.test_stds[:50].reshape(-1), rtol=0.02)


def test_a_crash_leaves_nothing_and_the_page_before_stays(page, tmp_path, monkeypatch):
    def broken(page):
        yield "index.html", b"half"
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(write_page, "_files", broken)
        with pytest.raises(OSError):
            write_page.write_folder(page, tmp_path / "site")
        assert list(tmp_path.glob("*site*")) == []
    write_page.write_folder(page, tmp_path / "site")
    monkeypatch.setattr(write_page, "_files", broken)
    with pytest.raises(OSError):
        write_page.write_folder(page, tmp_path / "site")
    assert (tmp_path / "site/page.json").is_file()
    assert [path.name for path in tmp_path.glob(".*site*")] == []


def test_only_its_own_pages_and_empty_folders_are_replaced(page, sources, tmp_path):
    site, html = tmp_path / "site", tmp_path / "page.html"
    site.mkdir()
    write_page.write_folder(page, site)
    (site / "old").write_text("")
    write_page.write_folder(page, site)
    assert not (site / "old").exists()
    write_page.write_single_file(page, html, sources)
    write_page.write_single_file(page, html, sources)
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "index.html").write_text("my own page")
    html.write_text("my own page")
    with pytest.raises(PublishError, match="no published page"):
        write_page.write_folder(page, mine)
    with pytest.raises(PublishError, match="no published page"):
        write_page.write_single_file(page, html, sources)
    assert (mine / "index.html").read_text() == html.read_text() == "my own page"


def test_a_single_file_asks_for_nothing_else(page, sources, tmp_path):
    write_page.write_single_file(page, tmp_path / "page.html", sources)
    html = (tmp_path / "page.html").read_text()
    page_itself = re.sub(r'<script type="module">.*</script>', "", html, flags=re.DOTALL)
    assert re.findall(r'<(?:link|script|img)[^>]* (?:href|src)="(?!data:)', page_itself) == []
    inline = dict(re.findall(r'<script type="text/plain" data-file="([^"]+)">([^<]*)</script>', html))
    assert set(inline) == {file.name for file in page.data}
    assert json.loads(base64.b64decode(inline["page.json"]))["title"] == "A <title>"


def test_a_zip_holds_the_same_as_the_folder(page, tmp_path):
    write_page.write_folder(page, tmp_path / "site")
    write_page.write_zip(page, tmp_path / "page.zip")
    with zipfile.ZipFile(tmp_path / "page.zip") as file:
        assert set(file.namelist()) == files(tmp_path / "site")


def test_points_are_of_all_kinds_where_the_first_are_not(models_dir, make_model):
    model = open_model(make_model(models_dir / "sorted.safetensors", labels=[0] * 100 + [1] * 100))
    points = describe_model.kept_points(model, 20)
    assert set(points.labels) == {0, 1}
    assert points.numbers[-1] == 199


def test_figures_and_a_likeness_stand_in_the_description(page, tmp_path):
    write_page.write_folder(page, tmp_path / "site")
    described = model_of(tmp_path / "site", "first")
    assert dict(described["facts"])["ELBO"] == "−95.40 ± 0.20 nats per image, 100 test images"
    assert len(described["likeness"]["weights"]) == 4
    assert set(described["likeness"]["errors"]) == {"auc", "missed", "midpointsTaken", "farTaken"}
    assert isinstance(described["likeness"]["tells"], bool)
    assert described["ink"] == catalog.dataset_info("mnist").ink.model_dump()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nobody", "--out", "x"], "There is no model 'nobody'"),
        (["tiny", "--out", "here/or/there"], "There is no folder"),
        (["tiny", "--out", "page.zip", "--single-file"], "its name ends with .html"),
        (["tiny", "--out", "x", "--link", "javascript:alert(1)"], "must begin with https://"),
        (["tiny", "--out", "x", "--title", "a" * 3000], "at most 2,000"),
        (["tiny", "tiny", "--out", "x"], "called the same"),
    ],
)
def test_mistakes_are_answered_by_a_sentence(arguments, said, tiny_checkpoint, sources, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["publish", *arguments], env=WIDE)
    assert result.exit_code == 2
    assert said in result.output
    assert not (tmp_path / "x").exists()
