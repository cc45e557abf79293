"""Where the Encode page's picture comes from: an upload, a test image, or an image the model file carries."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from ui.shared import error_sentences
from vae_core.data.stored_images import at_hand, test_count, test_image
from vae_core.errors import DataError
from vae_core.images import Step, UploadOptions, from_uint8, read_upload

if TYPE_CHECKING:
    from vae_core.latent.latent_model import LatentModel


@dataclass(frozen=True)
class Source:
    """One picture, by where it lies; it stays valid while the page is away."""

    kind: Literal["upload", "test", "example"]
    of: str  # file name; dataset; digest of the training data
    index: int = 0
    data: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Prepared:
    """The picture as a model sees it, x (C, H, W), how it became so, and what to call it."""

    x: NDArray[np.float32]
    steps: tuple[Step, ...]
    proposal: UploadOptions | None  # None: it is of the dataset already, there is nothing to choose
    title: str


def prepare(source: Source, model: LatentModel, options: UploadOptions) -> Prepared:
    """The source's picture for this model.

    Raises:
        ImageError: an upload that cannot be used.
        DataError: the test image's dataset is not there.
    """
    if source.kind == "upload":
        height, width, channels = model.image_shape
        ink = model.header.data.ink
        upload = read_upload(source.data, height=height, width=width, channels=channels, ink=ink, options=options)
        return Prepared(upload.x, upload.steps, upload.proposal, source.of)
    if source.kind == "test":
        pixels, label = test_image(source.of, source.index)
        title = error_sentences.test_image_title(source.index, model.header.data, label)
        return Prepared(from_uint8(pixels), (), None, title)
    images = model.reference_images
    if images is None or source.index >= len(images):
        raise DataError(f"This model file carries no image {source.index}.")
    return Prepared(from_uint8(images[source.index]), (), None, f"training image {source.index}")


def belongs(source: Source, model: LatentModel) -> bool:
    """Whether the picture makes sense with this model: an upload always, a dataset's image with models of that dataset."""
    header = model.header
    return {"upload": source.of, "test": header.config.data.name, "example": header.data_digest}[source.kind] == source.of


@dataclass(frozen=True)
class Shelf:
    """The pictures one can take by number instead of uploading."""

    kind: Literal["test", "example"]
    of: str
    count: int
    note: str = ""  # why it is not the test set


def shelf(model: LatentModel) -> Shelf:
    """The test images of the model's dataset; where its files are missing, the training images that the model file carries."""
    name = model.header.config.data.name
    missing = f"The files of {model.header.data.title} are not on this computer, so its test images cannot be shown."
    try:
        if at_hand(name, model.header.data):
            return Shelf("test", name, test_count(name))
    except DataError as error:
        missing = str(error)
    images = model.reference_images
    if images is None:
        return Shelf("example", model.header.data_digest, 0, f"{missing} Upload a picture instead.")
    return Shelf("example", model.header.data_digest, len(images), f"{missing} Here are {len(images)} of its training images.")
