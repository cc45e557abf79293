"""Pictures before they are imported: their names, classes and parts, and what the source itself left out. Nothing is decoded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")
STORED: tuple[Part, ...] = ("validation", "train", "test")
SEED = 8_233_571  # of the shuffle that splits are cut from


class Source:
    """Pictures that can be read one by one, from any thread. Use it in a `with`, or close it.

    Attributes:
        names: what each picture is called, for reports.
        classes: class -> number of pictures, in the order of the labels; empty where the source has no classes.
        labels: (N,) place in `classes` of each picture, 0 where there are none.
        parts: (N,) place in PARTS of each picture, when folders of these names were given; else None.
        left_out: (name, reason) of what is no picture or cannot be taken, found while opening.
        factors, factor_names: (N, F) known factors of each picture, where an array has them.
        drop_duplicates: whether one of several equal pictures is kept; a grid of known factors keeps them all.
        notes: sentences about the whole.
    """

    names: Sequence[str]
    labels: NDArray[np.int32]
    parts: NDArray[np.int8] | None = None
    factors: NDArray[np.float64] | None = None
    factor_names: tuple[str, ...] = ()
    drop_duplicates = True

    def __init__(self) -> None:
        self.classes: dict[str, int] = {}
        self.left_out: list[tuple[str, str]] = []
        self.notes: list[str] = []
        self.previews: dict[Any, Image.Image] = {}  # decoded pictures that `preview` has shown

    @property
    def count(self) -> int:
        """Number of pictures, readable or not."""
        return len(self.names)

    @property
    def class_names(self) -> tuple[str, ...]:
        """What label i is called."""
        return tuple(self.classes)

    @property
    def order(self) -> NDArray[np.int64]:
        """Every picture once, in the order in which an import keeps them: validation, training, test, each shuffled."""
        shuffled = np.random.default_rng(SEED).permutation(self.count)
        if self.parts is None:
            return shuffled
        return np.concatenate([shuffled[self.parts[shuffled] == PARTS.index(part)] for part in STORED])

    def read(self, index: int) -> bytes | NDArray[Any]:
        """A picture's file, or an array (H, W) or (H, W, C).

        Raises:
            ImageError: it cannot be read; the sentence says why.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Closes its files."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
