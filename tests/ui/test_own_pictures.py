"""Own pictures on the Train page without a browser: dropped, looked at, kept, chosen in the form, renamed, deleted."""

import io
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.open_train_page import start
from ui.train import form
from ui.train.own_pictures import check_in_background, dataset_list, import_panel, import_progress, staged_uploads
from vae_core import runs
from vae_core.data import downloads, own_datasets
from vae_core.data.catalog import datasets
from vae_core.import_images import ImportJob, ImportOptions, import_images, import_jobs, open_source
from vae_core.import_images.import_jobs import incoming_root
from vae_core.training import time_estimate

UPLOADER = "own.upload.files.0"


@pytest.fixture(autouse=True)
def quiet(models_dir, monkeypatch, tmp_path):
    """No run trains anything, nothing is measured, and there are no datasets of one's own yet."""
    monkeypatch.setattr(runs.start_stop_delete, "WORKER", "tests.core.fake_worker")
    monkeypatch.setattr(time_estimate, "measure", lambda config: None)
    monkeypatch.setattr(downloads, "outlook", lambda info: downloads.Outlook(12_000_000))
    form._download_outlook.clear()  # what another test was told
    monkeypatch.setenv("VAE_DATA", str(tmp_path / "data"))
    monkeypatch.delenv(staged_uploads.PATHS_VARIABLE, raising=False)
    yield
    for run in runs.list_runs():
        runs.stop(run.run_id)  # the stand-in for a worker goes on until then


def png(seed: int, size: tuple[int, int] = (90, 60)) -> bytes:
    """A picture that is no copy of any other."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1] // 10, size[0] // 10, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST).save(file := io.BytesIO(), "PNG")
    return file.getvalue()


def zipped(folders: dict[str, int], others: dict[str, bytes] | None = None) -> bytes:
    """A zip with so many pictures in each folder, and other files."""
    seed, file = 0, io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for folder, count in folders.items():
            for index in range(count):
                archive.writestr(f"{folder}/{index}.png".lstrip("/"), png(seed := seed + 1))
        for name, data in (others or {}).items():
            archive.writestr(name, data)
    return file.getvalue()


def keep(name: str, tmp_path: Path, folders: dict[str, int] | None = None) -> None:
    """A dataset that is there already."""
    path = tmp_path / f"{name}.zip"
    path.write_bytes(zipped(folders or {"": 20}))
    with open_source(path) as source:
        import_images(source, name, ImportOptions(size=32))


def texts(app):
    elements = [*app.markdown, *app.caption, *app.info, *app.error, *app.warning, *app.success]
    pieces = [one.proto.body for one in app.get("html") if "<style" not in one.proto.body]
    return "\n".join([*(element.value for element in elements), *pieces])


def pictures(app):
    return [element.proto.body for element in app.get("html") if 'class="own-pictures"' in element.proto.body]


def until(app, condition, seconds=60.0):
    """Draws the page again until it shows what is waited for, as the page itself does twice a second."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, texts(app)
        time.sleep(0.05)
        app.run()
        assert not app.exception
    return app


def dropped(data: bytes, name: str = "butterflies.zip"):
    """The page after a drop, with everything looked at."""
    app = start(own="new")
    app.file_uploader(key=UPLOADER).upload(name, data, "application/zip").run()
    assert not app.exception
    return until(app, lambda: not looking(app)).run()


def address(app) -> str:
    """What the address says of the panel."""
    values = app.query_params.get("own", "")
    return values if isinstance(values, str) else values[0]


def looking(app) -> bool:
    staged = staged_uploads.find(address(app))
    return staged is not None and check_in_background.check(staged).going


def test_the_form_leads_to_the_panel_and_back():
    app = start()
    app.button(key="train.own").click().run()
    assert dataset_list.EMPTY in texts(app) and "train.go" not in str(app.button)
    app.button(key="own.back").click().run()
    assert app.button(key="train.go") and "own" not in app.query_params


def test_a_drop_shows_pictures_classes_and_what_is_left_out_with_reasons():
    app = dropped(zipped({"monarch": 8, "brimstone": 5}, {"notes.txt": b"no picture", "monarch/broken.png": png(99)[:70]}))
    (shown,) = pictures(app)
    assert shown.count("<img") == 13
    said = texts(app)
    assert "64×64, colour" in said
    assert "brimstone" in said and "2 classes" in said
    assert "13 pictures will be kept" in said and "One in ten" in said
    assert "Left out: 2 files" in said and "notes.txt" in said and "broken.png" in said


@pytest.mark.parametrize(("option", "value"), [("size", 32), ("colour", False), ("crop", "border"), ("crop", "stretch")])
def test_a_changed_option_changes_the_pictures_at_once(option, value):
    app = dropped(zipped({"": 12}))
    (before,) = pictures(app)
    app.segmented_control(key=f"own.option.{option}").set_value(value).run()
    (after,) = pictures(app)
    assert before != after and not app.exception


def test_light_on_dark_changes_the_pictures():
    app = dropped(zipped({"": 12}))
    (before,) = pictures(app)
    app.toggle(key="own.option.invert").set_value(True).run()
    assert pictures(app) != [before]


def test_a_reload_finds_what_was_dropped_by_its_address_and_another_session_does_too():
    app = dropped(zipped({"": 12}))
    again = start(own=address(app))
    assert pictures(again) == pictures(app)


def test_an_address_of_something_that_is_gone_says_so():
    assert import_panel.GONE in texts(start(own="0-1")).replace("\\", "")


def test_kept_pictures_are_chosen_in_the_form_and_a_run_takes_their_shape():
    app = dropped(zipped({"monarch": 15, "brimstone": 15}))
    app.segmented_control(key="own.option.size").set_value(32).run()
    app.segmented_control(key="own.option.colour").set_value(False).run()
    app.button(key="own.keep").click().run()
    until(app, lambda: "own" not in app.query_params)
    assert app.selectbox(key="train.data.name").value == "butterflies"
    assert "30 pictures, 32×32 grey, 2 classes" in texts(app)
    app.button(key="train.go").click().run()
    (run,) = runs.list_runs()
    assert (run.config.data.name, run.config.model.image_shape) == ("butterflies", (1, 32, 32))
    assert not list(incoming_root().iterdir())


@pytest.mark.parametrize(
    ("name", "words"), [("", "needs a name"), ("a/b", "holds '/'"), ("mnist", "built-in"), ("Taken", "already a dataset")]
)
def test_a_name_that_cannot_be_used_is_refused_as_it_is_typed(name, words, tmp_path):
    keep("taken", tmp_path)
    app = dropped(zipped({"": 12}))
    box = next(box for box in app.text_input if box.key.startswith("own.name."))
    box.set_value(name).run()
    assert words in texts(app) and app.button(key="own.keep").disabled


def test_a_drop_without_any_picture_is_refused_in_a_sentence_and_leaves_nothing():
    app = start(own="new")
    app.file_uploader(key=UPLOADER).upload("*notes*.zip", zipped({}, {"notes.txt": b"words"}), "application/zip").run()
    assert app.error[0].value.startswith(r"\*notes\*\.zip\: "), "a name is no Markdown"
    assert not list(incoming_root().iterdir())


def test_one_picture_is_no_dataset_and_the_page_says_why_until_it_is_dismissed():
    app = start(own="new")
    app.file_uploader(key=UPLOADER).upload("one.png", png(1), "image/png").run()
    until(app, lambda: not looking(app)).run()
    app.button(key="own.keep").click().run()
    until(app, lambda: bool(app.error))
    assert "was not kept" in app.error[0].value and own_datasets.list_own() == []
    (job,) = import_jobs()
    app.button(key=f"own.dismiss.{job.id}").click().run()
    assert not app.exception and not app.error


def test_a_name_that_somebody_else_took_meanwhile_is_refused_on_keeping(tmp_path):
    app = dropped(zipped({"": 12}))
    keep("butterflies", tmp_path)
    app.button(key="own.keep").click().run()
    assert "already a dataset" in texts(app) and import_jobs() == []


@pytest.mark.parametrize("view", ["form", "panel"])
def test_an_import_that_goes_on_is_found_by_any_page_with_its_remaining_time_and_can_be_stopped(view, monkeypatch):
    job = ImportJob("job-1", "moths", "running", 30_000, 100_000, 140.0, "", 0.0)
    jobs, stopped = [job], []
    monkeypatch.setattr(import_progress, "import_jobs", lambda: jobs)
    monkeypatch.setattr(import_progress, "stop_import", stopped.append)
    app = start(own="new") if view == "panel" else start()
    (bar,) = app.get("progress")
    assert bar.proto.text == "Importing moths: 30,000 of 100,000 · about 2.5 min left" and bar.proto.value == 30
    app.button(key="own.stop.job-1").click().run()
    assert stopped == ["job-1"]
    jobs[:] = [replace(job, state="stopped", seconds_left=None)]
    app.run()
    assert not app.get("progress") and not app.error and not app.exception


def test_copies_and_given_parts_are_told_in_sentences():
    app = dropped(zipped({"train": 10, "test": 4}, {"train/twin.png": png(1)}))
    said = texts(app)
    assert "exact copy" in said and "Split as the folders say: 10 train, 4 test" in said.replace("\\", "")


def test_paths_on_the_server_are_offered_only_where_its_owner_allows_them(tmp_path, monkeypatch):
    assert "path" not in str(start(own="new").segmented_control(key="own.way").options).lower()
    monkeypatch.setenv(staged_uploads.PATHS_VARIABLE, str(tmp_path))
    folder = tmp_path / "moths"
    folder.mkdir()
    for seed in range(12):
        (folder / f"{seed}.png").write_bytes(png(seed))
    app = start(own="new")
    app.segmented_control(key="own.way").set_value("path").run()
    app.text_input(key="own.path").set_value("moths")
    next(button for button in app.button if button.label == "Look at it").click().run()
    assert len(pictures(app)) == 1 and not app.exception
    box = next(box for box in app.text_input if box.key.startswith("own.name."))
    assert box.value == "moths"


def test_a_dataset_whose_files_were_cut_short_is_not_said_to_be_downloaded(tmp_path):
    keep("moths", tmp_path)
    with (own_datasets.own_root() / "moths" / own_datasets.IMAGES).open("r+b") as file:
        file.truncate(500)
    app = start()
    app.selectbox(key="train.data.name").set_value("moths").run()
    assert "not whole any more" in app.error[0].value and not app.warning and not app.exception


def test_a_dataset_is_renamed_and_the_form_follows(tmp_path):
    keep("moths", tmp_path)
    app = start(own="new")
    app.text_input(key="own.rename.moths").set_value("hawk moths").run()
    app.button(key="own.rename_go.moths").click().run()
    assert [own.info.name for own in own_datasets.list_own()] == ["hawk moths"]
    app.button(key="own.use.hawk moths").click().run()
    assert app.selectbox(key="train.data.name").value == "hawk moths"


def test_the_settings_of_a_run_find_its_dataset_under_a_later_name(tmp_path):
    keep("first", tmp_path), keep("another", tmp_path)
    app = start()
    app.selectbox(key="train.data.name").set_value("first").run()
    own_datasets.rename_own("first", "later")
    assert app.run().selectbox(key="train.data.name").value == "later"


def test_deleting_names_what_depends_on_it_and_asks_first(tmp_path):
    keep("moths", tmp_path)
    app = start()
    app.selectbox(key="train.data.name").set_value("moths").run()
    app.text_input(key="train.name").set_value("learning moths").run()
    app.button(key="train.go").click().run()
    app.query_params["own"] = "new"
    app.run()
    assert app.button(key="own.delete.moths").disabled
    app.checkbox(key="own.sure.moths").check().run()
    assert "learning moths" in texts(app)
    app.button(key="own.delete.moths").click().run()
    assert "moths" not in datasets()
    app.button(key="own.back").click().run()
    assert app.selectbox(key="train.data.name").value == "mnist" and not app.exception
    for run in runs.list_runs():
        runs.stop(run.run_id)
