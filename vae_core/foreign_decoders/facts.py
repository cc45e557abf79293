"""What is known of a decoder that came in as an ONNX file. Imports nothing heavy."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

MAX_FILE_BYTES = 200_000_000
Layout = Literal["nchw", "nhwc"]
Range = Literal["unit", "symmetric", "logits"]
Prior = Literal["normal", "uniform"]
RANGES: dict[Range, str] = {"unit": "from 0 to 1", "symmetric": "from −1 to 1", "logits": "logits"}
PRIORS: dict[Prior, str] = {"normal": "normal, N(0, I)", "uniform": "uniform, from −1 to 1"}
LAYOUTS: dict[Layout, str] = {"nchw": "(N, C, H, W)", "nhwc": "(N, H, W, C)"}
LINE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
Source = Annotated[str, Field(max_length=500, pattern=LINE)]
Licence = Annotated[str, Field(max_length=200, pattern=LINE)]


class ForeignFacts(BaseModel):
    """How to read what the decoder says, and what its owner says about it."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    layout: Layout  # of its pictures
    range: Range  # of their values
    prior: Prior = "normal"  # what z was drawn from in training
    source: Source = ""  # where it comes from, as the person who imported it says
    licence: Licence = ""
    filename: Annotated[str, Field(max_length=200, pattern=LINE)] = ""  # of the file that was imported
    decoder_bytes: int = Field(ge=1, le=MAX_FILE_BYTES)
    encoder_bytes: int = Field(0, ge=0, le=MAX_FILE_BYTES)  # 0: there is none
    milliseconds: float = Field(0.0, ge=0, le=1e6)  # for one picture, where it was imported

    @property
    def encodes(self) -> bool:
        """Whether an encoder came with it."""
        return self.encoder_bytes > 0
