"""Which datasets there are and what is known of each: the one place that says so. Imports nothing heavy."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

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

    def facts(self, training_images: int | None) -> DataFacts:
        """What a model that was trained on so many of these images keeps of them."""
        known = {name: getattr(self, name) for name in DataFacts.model_fields}
        return DataFacts(**known | {"training_images": training_images})


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
