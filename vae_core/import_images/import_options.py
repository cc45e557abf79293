"""What a person decides about the pictures of a dataset: how each becomes one of the network's size and colours."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class ImportOptions(BaseModel):
    """How pictures of any size and mode become those of a dataset."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: Literal[32, 64, 96, 128] = Field(64, description="Pixels on each side. Twice the size takes about four times as long.")
    colour: bool = Field(True, description="Keep the colours; otherwise the pictures become grey, which is quicker to learn.")
    crop: Literal["centre", "border", "stretch"] = Field(
        "centre",
        description=(
            "How a picture becomes square: centre keeps its middle part, border keeps all of it and fills up with the colour of "
            "its edge, stretch changes its proportions."
        ),
    )
    background: Literal["white", "black", "grey"] = Field("white", description="What is put behind transparent pixels.")
    invert: bool = Field(False, description="Exchange light and dark, for dark drawings on light paper: models draw on black.")

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of a picture."""
        return 3 if self.colour else 1, self.size, self.size
