"""Own pictures, from whatever a person has to a dataset like a built-in one."""

import zipfile

import numpy as np
import pytest
import torch
from image_files import AS_IN_PRODUCTION, as_file
from picture_folders import awful, blots, every_kind, good, pictures, turned_jpeg, zipped

from vae_core.data import loading, stored_images
from vae_core.data.catalog import DATASETS, dataset_info, datasets
from vae_core.errors import DataError
from vae_core.import_images import ImportOptions, Source, import_images, inspect, open_source, preview
from vae_core.import_images.to_pixels import fitted, upright

GREY = ImportOptions(size=32, colour=False)


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("VAE_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def imported(paths, name="own", options=GREY) -> loading.Dataset:
    with open_source(paths) as source:
        import_images(source, name, options)
    return loading.load(name, 5000)


def parts_of(dataset: loading.Dataset) -> tuple[loading.Split, ...]:
    return dataset.train, dataset.validation, dataset.test


def seen(data: bytes, **options) -> np.ndarray:
    """A file as the network sees it."""
    chosen = ImportOptions(**{"size": 32} | options)
    return fitted(upright(data, chosen.size)[0], chosen)


def classes_of(source: Source) -> list[str]:
    return [source.class_names[label] for label in source.labels]


def write(folder, files):
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


# --- what can be given


def test_a_folder_with_subfolders_becomes_a_dataset_with_classes(tmp_path):
    dataset = imported(pictures(tmp_path / "butterflies"))
    assert dataset.info.classes == ("monarch", "swallowtail")
    assert [len(dataset.test), len(dataset.validation), len(dataset.train)] == [6, 10, 44]
    assert dataset.train.images.shape[1:] == (1, 32, 32)
    assert (
        sorted(torch.cat([part.labels for part in (dataset.train, dataset.validation, dataset.test)]).tolist())
        == [0] * 30 + [1] * 30
    )


def test_each_picture_keeps_its_own_label_and_lies_in_one_part_only(tmp_path):
    folder = tmp_path / "flat"
    for name, level in (("dark", 10), ("light", 200)):
        write(folder / name, {f"{i}.png": as_file(np.full((40, 40), level + i, np.uint8)) for i in range(25)})
    dataset = imported(folder)
    parts = parts_of(dataset)
    levels = torch.cat([part.images[:, 0, 0, 0].int() for part in parts])
    assert sorted(levels.tolist()) == [*range(10, 35), *range(200, 225)]
    assert ((levels > 100).long() == torch.cat([part.labels for part in parts])).all()


@pytest.mark.parametrize("kind", ["folder", "zip", "zip of a folder", "files"])
def test_folder_zip_and_files_give_the_same_pixels(tmp_path, kind):
    folder = write(tmp_path / "given", good(24))
    paths = {
        "folder": lambda: folder,
        "zip": lambda: zipped(tmp_path / "a.zip", good(24)),
        "zip of a folder": lambda: zipped(tmp_path / "b.zip", {f"My pictures/{name}": data for name, data in good(24).items()}),
        "files": lambda: sorted(folder.iterdir()),
    }[kind]()
    with open_source(paths) as source:
        assert source.count == 24 and not source.classes
        found = sorted(fitted(upright(source.read(i), 32)[0], GREY).tobytes() for i in range(24))
    assert found == sorted(fitted(upright(data, 32)[0], GREY).tobytes() for data in good(24).values())


@AS_IN_PRODUCTION
def test_every_mode_and_format_is_read_and_what_cannot_be_read_is_listed_with_its_reason(tmp_path):
    given = {
        **{f"good/{name}": data for name, data in every_kind().items()},
        **{f"bad/{name}": data for name, data in awful().items()},
    }
    with open_source(zipped(tmp_path / "awful.zip", given | good(20, "good/"))) as source:
        report = inspect(source)
    assert report.readable == report.kept == len(every_kind()) + 20
    reasons = {name.removeprefix("bad/"): reason for name, reason in report.unreadable}
    assert set(reasons) == set(awful()) and report.unreadable_count == len(awful())
    words = {"empty.png": "0 bytes", "huge.png": "pixels", "inner.zip": "archive", "readme.txt": ".txt", "film.mp4": ".mp4"}
    for name, word in {**words, "cut short.jpg": "damaged", "broken.png": "not an image"}.items():
        assert word in reasons[name], name
    assert report.sizes["48 x 40"] > report.sizes["900 x 9"] == 1


@pytest.mark.parametrize("options", [ImportOptions(size=32), GREY])
@pytest.mark.parametrize("kind", sorted(every_kind()))
def test_a_picture_of_every_kind_becomes_pixels_of_the_size_and_colours_asked_for(kind, options):
    pixels = fitted(upright(every_kind()[kind], 32)[0], options)
    assert pixels.shape == (32, 32, 3 if options.colour else 1) and pixels.dtype == np.uint8
    assert np.ptp(pixels) > 20 or kind == "speck.png"


def test_a_photograph_is_turned_as_exif_says():
    top, bottom = (fitted(upright(turned_jpeg(), 32)[0], ImportOptions(size=32, crop="stretch"))[row, 16] for row in (4, 28))
    assert top[0] > 200 > 60 > top[2] and bottom[2] > 200 > 60 > bottom[0]


def test_sixteen_bits_keep_their_range():
    ramp = np.tile(np.linspace(0, 65535, 64).astype(np.uint16), (64, 1))
    pixels = fitted(upright(as_file(ramp), 64)[0], ImportOptions(size=64, colour=False))[32, :, 0].astype(int)
    assert np.abs(pixels - np.linspace(0, 255, 64)).max() <= 1


@pytest.mark.parametrize(("background", "level"), [("white", 255), ("grey", 128), ("black", 0)])
def test_transparent_pixels_get_the_background_that_was_chosen(background, level):
    clear = np.zeros((40, 40, 4), np.uint8)
    pixels = seen(as_file(clear), background=background)
    assert (pixels == level).all()


def test_crop_border_and_stretch_show_what_they_promise():
    wide = np.zeros((40, 120, 3), np.uint8)
    wide[:, :40, 0] = wide[:, 40:80, 1] = wide[:, 80:, 2] = 255
    centre, border, stretch = (seen(as_file(wide), crop=crop).astype(int) for crop in ("centre", "border", "stretch"))
    assert (centre[..., 1] > 200).mean() > 0.9
    assert stretch[16, 2, 0] > 200 and stretch[2, 29, 2] > 200
    assert border[16, 2, 0] > 200 and border[16, 29, 2] > 200 and (border[2] == border[2, 0]).all()


def test_light_on_dark_exchanges_dark_and_light():
    plain, inverted = (seen(as_file(blots(1)), invert=invert) for invert in (False, True))
    assert (plain == 255 - inverted).all()


def test_a_jpeg_that_is_decoded_small_looks_like_one_that_is_decoded_whole():
    data = as_file(blots(7, 1024, 768), "JPEG", quality=92)
    quick = fitted(upright(data, 64)[0], ImportOptions(size=64)).astype(int)
    slow = fitted(upright(data, 500)[0], ImportOptions(size=64)).astype(int)
    assert np.abs(quick - slow).mean() < 0.6 and np.abs(quick - slow).max() <= 4


# --- classes and parts


def test_labels_csv_gives_the_classes(tmp_path):
    rows = "".join(f"{i}.png,{'odd' if i % 2 else 'even'}\n" for i in range(24))
    folder = write(tmp_path / "given", good(25) | {"labels.csv": b"\xef\xbb\xbffile,label\n" + rows.encode()})
    with open_source(folder) as source:
        words = dict(zip(source.names, classes_of(source), strict=True))
    assert words["3.png"] == "odd" and words["4.png"] == "even" and words["24.png"] == "unsorted"


@pytest.mark.parametrize(
    "table", ["id;breed\n{i};{c}\n", "path\tcategory\nsub/{i}.png\t{c}\n", "{i}.png,{c}\n", "label,filename\n{c},{i}.png\n"]
)
def test_labels_csv_of_other_shapes_is_understood(tmp_path, table):
    *head, row = table.splitlines(keepends=True)
    text = "".join(head) + "".join(row.format(i=i, c="ab"[i % 2]) for i in range(22))
    folder = write(tmp_path / "given", {**good(22, "sub/"), "labels.csv": text.encode(), "x.png": as_file(blots(99))})
    with open_source(folder) as source:
        words = dict(zip(source.names, classes_of(source), strict=True))
    assert words["sub/3.png"] == "b" and words["x.png"] == "unsorted"


@pytest.mark.parametrize("table", [b"only one column\n", b"file,label\na.png\n", b"nobody.png,a\n", b""])
def test_a_labels_csv_that_cannot_be_used_is_refused_with_a_sentence(tmp_path, table):
    with pytest.raises(DataError, match=r"labels\.csv"):
        open_source(write(tmp_path / "given", good(3) | {"labels.csv": table}))


def test_folders_train_val_and_test_are_the_parts(tmp_path):
    folder = tmp_path / "given"
    for number, (part, count) in enumerate({"train": 20, "val": 4, "test": 5}.items()):
        pictures(folder / part, count, first=1000 * number)
    dataset = imported(folder)
    assert [len(dataset.train), len(dataset.validation), len(dataset.test)] == [40, 8, 10]
    assert dataset.info.classes == ("monarch", "swallowtail")
    expected = {fitted(upright(path.read_bytes(), 32)[0], GREY).tobytes() for path in (folder / "test").rglob("*.png")}
    assert {image.numpy().tobytes() for image in dataset.test.images} == expected


def test_a_picture_of_train_that_is_in_test_as_well_is_not_tested_on(tmp_path):
    pictures(tmp_path / "given" / "train", 20), pictures(tmp_path / "given" / "test", 3)
    write(tmp_path / "given" / "test" / "monarch", {"new.png": as_file(blots(77)), "newer.png": as_file(blots(78))})
    dataset = imported(tmp_path / "given")
    assert [len(dataset.train) + len(dataset.validation), len(dataset.test)] == [40, 2]


def test_names_in_any_encoding_become_names_that_can_be_shown(tmp_path):
    path = tmp_path / "old.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number, folder in enumerate(("Müller", "蝶", "a\u0308", "line\nbreak", "x" * 240)):
            for i in range(5):
                archive.writestr(zipfile.ZipInfo(f"{folder}/{i}.png"), as_file(blots(100 * number + i)))
    raw = path.read_bytes().replace("Müller".encode(), b"M\xfcller\xfc")  # latin-1 under a flag that says UTF-8 would not open
    with open_source(path) as source:
        assert {"Müller", "蝶", "ä", "line\N{REPLACEMENT CHARACTER}break", "x" * 200} == set(source.classes)
        assert inspect(source).readable == 25
    path.write_bytes(raw)
    with pytest.raises(DataError, match="cannot be read"):
        open_source(path)


def test_a_zip_that_does_not_say_its_encoding_is_read_as_utf8_or_as_it_stands(tmp_path):
    path = zipped(
        tmp_path / "old.zip", {"AEAE/1.png": as_file(blots(1)), "OEOE/2.png": as_file(blots(2)), "b/3.png": as_file(blots(3))}
    )
    path.write_bytes(path.read_bytes().replace(b"AEAE", "ää".encode()).replace(b"OEOE", b"\x84\x84\x84\x84"))
    with open_source(path) as source:
        assert set(source.classes) == {"ää", "ääää", "b"}  # the second is cp437


def test_a_folder_whose_names_are_no_text_is_read(tmp_path):
    folder = write(tmp_path / "given", good(20))
    (folder / "c").mkdir()
    try:
        with open(bytes(folder / "c") + b"/caf\xe9.png", "wb") as file:  # noqa: PTH123 - a name that no text gives
            file.write(as_file(blots(50)))
    except OSError:
        pytest.skip("this disk takes names that are text only")
    with open_source(folder) as source:
        assert "c/caf\N{REPLACEMENT CHARACTER}.png" in source.names
        assert inspect(source).readable == 21


def test_more_classes_than_can_be_kept_are_none_and_that_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr("vae_core.import_images.classes_from_names.MOST_CLASSES", 3)
    with open_source(pictures(tmp_path / "given", 6, classes="abcd")) as source:
        assert not source.classes and "4 classes" in source.notes[0]


# --- before it is kept


def test_preview_shows_pictures_of_every_class_and_another_option_needs_no_decoding(tmp_path, monkeypatch):
    with open_source(pictures(tmp_path / "given", 20, classes="abc")) as source:
        first = preview(source, ImportOptions(size=64))
        assert len(first) == 24 and {shown.label for shown in first} == set("abc")
        monkeypatch.setattr(source, "read", None)
        second = preview(source, ImportOptions(size=64, crop="border", colour=False, invert=True))
    assert [shown.name for shown in first] == [shown.name for shown in second]
    assert first[0].pixels.shape == (64, 64, 3) and second[0].pixels.shape == (64, 64, 1)


def test_preview_shows_what_is_kept(tmp_path):
    with open_source(pictures(tmp_path / "given")) as source:
        shown = {one.pixels.transpose(2, 0, 1).tobytes() for one in preview(source, GREY)}
        import_images(source, "own", GREY)
    dataset = loading.load("own", 100)
    assert shown <= {
        image.numpy().tobytes() for part in (dataset.train, dataset.validation, dataset.test) for image in part.images
    }


def test_duplicates_are_found_whatever_file_they_lie_in_and_one_is_kept(tmp_path):
    folder = write(tmp_path / "given", good(24) | {"a.bmp": as_file(blots(3), "BMP"), "b.tif": as_file(blots(3), "TIFF")})
    with open_source(folder) as source:
        report = inspect(source)
        info = import_images(source, "own", GREY)
    assert report.duplicates_count == 2 and report.kept == 24 == info.training_images + info.test_images
    assert {"3.png", "a.bmp", "b.tif"} == {name for pair in report.duplicates for name in pair}


def test_inspecting_reports_progress_and_stops_when_asked(tmp_path):
    told = []
    with open_source(pictures(tmp_path / "given")) as source:
        report = inspect(source, lambda done, total: told.append((done, total)), lambda: len(told) >= 7)
    assert told[-1] == (7, 60) and report.stopped and report.readable == 7


# --- kept, and from then on like a built-in one


def test_the_same_pictures_give_the_same_dataset_and_loading_copies_nothing(tmp_path):
    folder = pictures(tmp_path / "given")
    first, second = imported(folder, "one"), imported(folder, "two")
    assert first.info.images_digest == second.info.images_digest and (first.train.images == second.train.images).all()
    assert first.train.images.untyped_storage().data_ptr() == first.test.images.untyped_storage().data_ptr()
    again = loading.load("one", 5000)
    assert again.train.images.data_ptr() == first.train.images.data_ptr() and again.digest == first.digest
    assert loading.load("one", 4).digest != first.digest and len(loading.load("one", 4, 20).train) == 20


def test_an_own_dataset_is_in_the_catalog_with_its_test_images(tmp_path):
    dataset = imported(pictures(tmp_path / "given"))
    info = dataset_info("own")
    assert datasets()["own"] == info == dataset.info and info.title == "own" and stored_images.available("own")
    assert stored_images.test_count("own") == info.test_images == len(dataset.test)
    image, label = stored_images.test_image("own", 3)
    assert (image == dataset.test.images[3].permute(1, 2, 0).numpy()).all() and label == dataset.test.labels[3]
    assert stored_images.at_hand("own", info.facts(None))


def test_a_dataset_that_lost_bytes_is_not_available_and_says_so(tmp_path, data):
    imported(pictures(tmp_path / "given"))
    path = data / "own" / "own" / "images.npy"
    path.write_bytes(path.read_bytes()[:-1])
    assert not stored_images.available("own")
    with pytest.raises(DataError, match="cut short"):
        loading.load("own", 100)


@pytest.mark.parametrize("record", ["", "{}", "[]", '{"height": 64}', "\0", "9" * 2_000_000])
def test_a_folder_that_is_no_dataset_of_ours_is_passed_over(data, record):
    (data / "own" / "strange").mkdir(parents=True)
    (data / "own" / "strange" / "dataset.json").write_text(record)
    assert list(datasets()) == list(DATASETS)
