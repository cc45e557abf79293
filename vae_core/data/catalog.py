"""Which datasets there are and what is known of each: the one place that says so. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vae_core.errors import DataError


@dataclass(frozen=True)
class Ink:
    """How a dataset of light ink on black places it: MNIST fits digits into 20 of 28 pixels and centres them by mass."""

    share: float  # longest side of the ink's box, as a share of the image's side
    centre: Literal["mass", "box"]


@dataclass(frozen=True, kw_only=True)
class DatasetInfo:
    """One dataset: its name in a config and on the command line, and what a page says about it."""

    name: str
    title: str
    height: int  # pixels
    width: int
    channels: int  # 1 grey, 3 colour
    classes: tuple[str, ...]  # what label i is called
    ink: Ink | None  # how light ink on black is placed; None: its images are not like that
    folder: str | None  # under the data root; None for what is made on the spot
    training_images: int  # validation images among them
    test_images: int

    @property
    def digit_like(self) -> bool:
        """Light ink on black: a dark drawing on paper should be inverted to look like it."""
        return self.ink is not None

    def label(self, index: int) -> str:
        """What a label is called; its number where a model file holds a label the dataset does not know."""
        return self.classes[index] if 0 <= index < len(self.classes) else str(index)

    @property
    def grey(self) -> bool:
        """Whether its images have one channel."""
        return self.channels == 1


_DIGITS = tuple("0123456789")
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
    )
}


def dataset_info(name: str) -> DatasetInfo:
    """The dataset called `name`.

    Raises:
        DataError: there is none.
    """
    if name not in DATASETS:
        raise DataError(f"There is no dataset called {name!r}; choose from {', '.join(DATASETS)}.")
    return DATASETS[name]
