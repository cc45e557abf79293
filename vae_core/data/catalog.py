"""Which datasets there are and what is known of each: the one place that says so. Imports nothing heavy.

Built-in ones stand in a table. A person's own lie in `VAE_DATA/own/NAME`, each described by its dataset.json (`own_datasets`).
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vae_core.errors import DataError

PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
Title = Annotated[str, Field(min_length=1, max_length=200, pattern=PRINTABLE)]


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Ink(_Facts):
    """How a dataset of light ink on black places it: MNIST fits digits into 20 of 28 pixels and centres them by mass."""

    share: float = Field(gt=0.05, le=1)  # longest side of the ink's box, as a share of the image's side
    centre: Literal["mass", "box"]


class DataFacts(_Facts):
    """What must be known of a model's images to use the model. Its file carries them, so that no dataset is looked up by name."""

    title: Title
    height: int = Field(ge=8, le=256)  # pixels
    width: int = Field(ge=8, le=256)
    channels: Literal[1, 3]  # 1 grey, 3 colour
    classes: tuple[Title, ...] = Field((), max_length=1000)  # what label i is called
    ink: Ink | None = None  # how light ink on black is placed; None: the images are not like that
    training_images: int | None = Field(None, ge=1)  # None: not known
    images_digest: str = Field("", max_length=64)  # of a person's own images: another dataset may have their name later

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        return self.channels, self.height, self.width

    def label(self, index: int) -> str:
        """What a label is called; its number where it has no name."""
        return self.classes[index] if 0 <= index < len(self.classes) else str(index)


class DatasetInfo(DataFacts):
    """One dataset that can be trained on: its name in a config and on the command line, and where it lies."""

    name: str
    folder: str | None  # under the data root; None for what is made on the spot
    training_images: int  # validation images among them
    test_images: int
    own: bool = False  # imported by a person
    array: bool = False  # kept as one array of pixels (own_datasets.py), as all own ones are; else as MNIST's four files
    validation_images: int | None = None  # how many of an own dataset were given as such; None: a run takes what it asks for

    def held_out(self, wanted: int) -> int:
        """How many validation images a run has that asks for so many: of own images those of their folder, or at most a fifth."""
        if self.validation_images is not None:
            return self.validation_images
        return min(wanted, self.training_images // 5) if self.own else wanted

    def facts(self, training_images: int | None) -> DataFacts:
        """What a model that was trained on so many of these images keeps of them."""
        known = {name: getattr(self, name) for name in DataFacts.model_fields}
        return DataFacts(**known | {"training_images": training_images})


_DIGITS = tuple("0123456789")
_LETTERS = (*_DIGITS, *"ABCDEFGHIJKLMNOPQRSTUVWXYZ", *"abdefghnqrt")  # EMNIST balanced: other small letters look like capitals
_KANA = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
_THINGS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_CLOTHES = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")

DATASETS: dict[str, DatasetInfo] = {
    info.name: info
    for info in (
        DatasetInfo(
            name="mnist",
            title="MNIST digits",
            height=28,
            width=28,
            channels=1,
            classes=_DIGITS,
            ink=Ink(share=20 / 28, centre="mass"),
            folder="MNIST",
            training_images=60_000,
            test_images=10_000,
        ),
        DatasetInfo(
            name="fashion-mnist",
            title="Fashion-MNIST",
            height=28,
            width=28,
            channels=1,
            classes=_CLOTHES,
            ink=Ink(share=1.0, centre="box"),
            folder="FashionMNIST",
            training_images=60_000,
            test_images=10_000,
        ),
        DatasetInfo(
            name="shapes",
            title="Coloured shapes",
            height=64,
            width=64,
            channels=3,
            classes=("ellipse", "square", "triangle"),
            ink=None,
            folder=None,
            training_images=30_000,
            test_images=5_000,
        ),
        DatasetInfo(
            name="kmnist",
            title="Kuzushiji-MNIST",
            height=28,
            width=28,
            channels=1,
            classes=_KANA,
            ink=Ink(share=1.0, centre="box"),
            folder="KMNIST",
            training_images=60_000,
            test_images=10_000,
        ),
        DatasetInfo(
            name="emnist",
            title="EMNIST, balanced",
            height=28,
            width=28,
            channels=1,
            classes=_LETTERS,
            ink=Ink(share=24 / 28, centre="box"),
            folder="EMNIST",
            array=True,
            training_images=112_800,
            test_images=18_800,
        ),
        DatasetInfo(
            name="cifar10",
            title="CIFAR-10",
            height=32,
            width=32,
            channels=3,
            classes=_THINGS,
            folder="CIFAR10",
            array=True,
            training_images=50_000,
            test_images=10_000,
        ),
        DatasetInfo(
            name="svhn",
            title="SVHN house numbers",
            height=32,
            width=32,
            channels=3,
            classes=_DIGITS,
            folder="SVHN",
            array=True,
            training_images=73_257,
            test_images=26_032,
        ),
        DatasetInfo(
            name="celeba",
            title="CelebA faces",
            height=64,
            width=64,
            channels=3,
            folder="celeba",
            array=True,
            training_images=182_637,
            test_images=19_962,
        ),
        DatasetInfo(
            name="dsprites",
            title="dSprites",
            height=64,
            width=64,
            channels=1,
            classes=("square", "ellipse", "heart"),
            folder="dSprites",
            array=True,
            training_images=727_280,
            test_images=10_000,
        ),
    )
}


class OwnRecord(BaseModel):
    """dataset.json of an own dataset. Its name is the folder's."""

    model_config = ConfigDict(frozen=True)

    height: int = Field(ge=8, le=256)
    width: int = Field(ge=8, le=256)
    channels: Literal[1, 3]
    classes: tuple[Title, ...] = Field((), max_length=1000)
    training_images: int = Field(ge=1)
    validation_images: int | None = Field(None, ge=1)
    test_images: int = Field(ge=1)
    images_digest: str = Field(min_length=64, max_length=64)  # sha256 over pixels and labels, hex
    factors: tuple[Title, ...] = Field((), max_length=64)  # names of the columns of factors.npy
    formerly: tuple[str, ...] = ()  # names before this one, by which configurations of models still know it
    options: dict[str, Any] = {}  # of the import
    created: str = ""  # ISO 8601, UTC
    left_out: int = 0  # pictures that could not be read, and duplicates

    def info(self, name: str) -> DatasetInfo:
        """As an entry of the catalog."""
        known = {field: getattr(self, field) for field in type(self).model_fields if field in DatasetInfo.model_fields}
        return DatasetInfo(**known, name=name, title=name, folder=f"own/{name}", own=True, array=True)


RECORD = "dataset.json"
_MOST = 1_000_000  # bytes of a dataset.json


def data_root() -> Path:
    """Where datasets lie: the environment variable VAE_DATA, else `data` in the working directory."""
    return Path(os.environ.get("VAE_DATA") or "data")


def own_records(root: Path | None = None) -> dict[str, OwnRecord]:
    """Own datasets by name; a folder that is not one of ours is passed over."""
    try:
        folders = sorted(entry.name for entry in os.scandir((root or data_root()) / "own") if not entry.name.startswith("."))
    except OSError:
        return {}
    found = ((name, _record((root or data_root()) / "own" / name / RECORD)) for name in folders)
    return {name: record for name, record in found if record is not None}


def _record(path: Path) -> OwnRecord | None:
    try:
        found = path.stat()
        return _parsed(path, found.st_mtime_ns, found.st_ino) if path.is_file() and found.st_size <= _MOST else None
    except (OSError, ValidationError):
        return None


@lru_cache(maxsize=1024)
def _parsed(path: Path, _mtime: int, _inode: int) -> OwnRecord:
    return OwnRecord.model_validate_json(path.read_bytes())


def datasets(root: Path | None = None) -> dict[str, DatasetInfo]:
    """Every dataset there is: the built-in ones, then a person's own by name."""
    return DATASETS | {name: record.info(name) for name, record in own_records(root).items() if name not in DATASETS}


def find_dataset(name: str, root: Path | None = None) -> DatasetInfo | None:
    """The dataset called `name` now or, if none is, before it was renamed; None when there is none."""
    if name in DATASETS:
        return DATASETS[name]
    records = own_records(root)
    now = name if name in records else next((now for now, record in records.items() if name in record.formerly), None)
    return None if now is None else records[now].info(now)


def dataset_info(name: str, root: Path | None = None) -> DatasetInfo:
    """The dataset called `name`.

    Raises:
        DataError: there is none.
    """
    info = find_dataset(name, root)
    if info is None:
        raise DataError(f"There is no dataset called {name!r}; choose from {', '.join(datasets(root))}.")
    return info
