"""Dropped pictures wait on the disk, under names that lead nowhere else, and go when nobody needs them."""

import io

import pytest

from ui.train.own_pictures import staged_uploads
from vae_core.errors import DataError


class File(io.BytesIO):
    def __init__(self, name: str, data: bytes = b"pixels") -> None:
        super().__init__(data)
        self.name = name


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("VAE_DATA", str(tmp_path / "data"))
    monkeypatch.delenv(staged_uploads.PATHS_VARIABLE, raising=False)
    return tmp_path / "data" / "own" / ".incoming"


def test_one_zip_is_found_again_under_its_id_with_a_name_for_the_dataset():
    staged = staged_uploads.take([File("My butterflies.zip", b"PK")])
    assert staged.path.read_bytes() == b"PK" and not staged.is_path
    assert (staged.title, staged.suggestion) == ("My butterflies.zip", "My butterflies")
    assert staged_uploads.find(staged.id) == staged


def test_a_folder_keeps_its_subfolders_and_gives_the_name():
    staged = staged_uploads.take([File("pets/cat/1.png"), File("pets/dog/1.png")])
    assert staged.path.name == "pets" and staged.suggestion == "pets"
    assert sorted(path.relative_to(staged.path).as_posix() for path in staged.path.rglob("*.png")) == ["cat/1.png", "dog/1.png"]


def test_several_files_become_one_folder_and_equal_names_are_kept_apart():
    staged = staged_uploads.take([File("a.png", b"1"), File("a.png", b"2"), File("a.png", b"3"), File("b.png")])
    assert sorted(path.name for path in staged.path.iterdir()) == ["a (2).png", "a (3).png", "a.png", "b.png"]
    assert (staged.title, staged.suggestion) == ("4 files", "pictures")


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "etc/passwd"),
        ("/absolute/a.png", "absolute/a.png"),
        ("C:\\Pictures\\me\\a.png", "C:/Pictures/me/a.png"),
        ("a\x00\n.png", "a.png"),
        ("..", "unnamed"),
        ("caf\udce9.png", "caf.png"),
        ("蝶.png", "蝶.png"),
    ],
)
def test_a_name_never_leads_out_of_its_folder(name, safe):
    assert staged_uploads.safe_path(name).as_posix() == safe


def test_a_very_long_name_and_a_very_deep_folder_still_fit_on_a_disk():
    staged = staged_uploads.take([File("é" * 300 + ".png"), File("x/" * 500 + "a.png")])
    assert len(list(staged.path.rglob("*.png"))) == 2


def test_an_archive_beside_other_files_is_refused_and_leaves_nothing(root):
    with pytest.raises(DataError, match=r"a\.zip came together with 1 other file"):
        staged_uploads.take([File("a.zip"), File("b.png")])
    assert not root.exists() or not list(root.iterdir())


def test_a_disk_that_takes_nothing_is_named_and_nothing_is_left(root, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(staged_uploads.shutil, "copyfileobj", full)
    with pytest.raises(DataError, match="no space left on device"):
        staged_uploads.take([File("a.png")])
    assert list(root.iterdir()) == []


def test_an_id_from_an_address_finds_nothing_that_was_not_dropped(root):
    staged = staged_uploads.take([File("a.zip")])
    for wanted in ("", "..", "0-1", f"../{root.name}/{staged.id}", f"{staged.id}/files", staged.id + "x"):
        assert staged_uploads.find(wanted) is None
        staged_uploads.discard(wanted)
    assert staged_uploads.find(staged.id) is not None
    staged_uploads.discard(staged.id)
    assert staged_uploads.find(staged.id) is None


def test_a_path_on_the_server_is_refused_unless_its_owner_allows_it(tmp_path, monkeypatch):
    with pytest.raises(DataError, match="not allowed here"):
        staged_uploads.take_path(str(tmp_path))
    monkeypatch.setenv(staged_uploads.PATHS_VARIABLE, "1")
    staged = staged_uploads.take_path(f" {tmp_path} ")
    assert staged.path == tmp_path.resolve() and staged_uploads.find(staged.id) == staged
    staged_uploads.discard(staged.id)
    assert tmp_path.is_dir()


def test_paths_may_be_confined_to_a_folder_and_links_do_not_lead_out(tmp_path, monkeypatch):
    (allowed := tmp_path / "pictures").mkdir()
    (allowed / "cats").mkdir()
    (allowed / "way-out").symlink_to(tmp_path)
    monkeypatch.setenv(staged_uploads.PATHS_VARIABLE, str(allowed))
    assert staged_uploads.take_path("cats").path == allowed / "cats"
    for wanted in (str(tmp_path), "..", "way-out", str(tmp_path / "pictures-too")):
        with pytest.raises(DataError, match=r"have to lie in|nothing at"):
            staged_uploads.take_path(wanted)


def test_a_path_to_nothing_says_so(monkeypatch):
    monkeypatch.setenv(staged_uploads.PATHS_VARIABLE, "1")
    for wanted in ("/nowhere/at/all", "\x00", "~nobody-at-all/x"):
        with pytest.raises(DataError, match="nothing at"):
            staged_uploads.take_path(wanted)
