"""What a model file says about itself, readable without torch: the JSON header of a .safetensors file.

Layout (safetensors): 8 bytes little-endian header length, the header as JSON, then the tensors. Ours is one string under
`__metadata__` / `latent_walk`. Nothing in a file is ever executed, and nothing is allocated before its size was checked.

The header is read here and not by `safetensors.safe_open`, which maps the file into memory: a file that somebody shortens in
place while it is mapped (`cp` over a model does) ends the whole server with SIGBUS. What is read from the one open file can at
worst be too short. The tensors go through the library, which checks every offset, as bytes of a size that was checked before;
its functions on bytes do not hand out the metadata, so the JSON is read here. Mapping would save 5 MB and 2 ms for each model.
"""

from __future__ import annotations

import json
import math
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from vae_core.config.schema import explain
from vae_core.config.upgrade_old_config import StoredConfig
from vae_core.data.catalog import DataFacts
from vae_core.errors import CheckpointError
from vae_core.foreign_decoders.facts import ForeignFacts
from vae_core.model_files.upgrade_old_header import upgraded
from vae_core.system.open_untrusted_file import open_regular

Kind = Literal["vae", "autoencoder", "decoder"]
METADATA_KEY = "latent_walk"
MAX_HEADER_BYTES = 1_000_000
_CHOOSE = "Choose a .safetensors file saved by this program, or download it again."
QUANTILES = (0.005, 0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975, 0.995)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class LatentStatistics(_Part):
    """The marginals of the aggregate posterior (1/N) sum_i q(z|x_i); every list has D numbers."""

    kl: list[float] = Field(max_length=256)  # mean KL of each marginal q(z_d|x_i) to the prior, nats; see `marginal_kl`
    mean: list[float]
    std: list[float]
    mean_variance: list[float]  # Var_i mu_i, for active units (Burda et al. 2016, section 5.2)
    quantiles: list[list[float]]  # (len(QUANTILES), D), of draws from the aggregate posterior, at QUANTILES

    @model_validator(mode="after")
    def _one_number_per_dimension(self) -> Self:
        rows = [self.mean, self.std, self.mean_variance, *self.quantiles]
        if len(self.quantiles) != len(QUANTILES) or any(len(row) != len(self.kl) for row in rows):
            raise ValueError(f"statistics must hold {len(QUANTILES)} quantiles and one number per latent dimension")
        return self


class Metrics(_Part):
    """Measured on a whole split with one draw of z per image; nats per image.

    An autoencoder has no ELBO and no KL: its reconstruction is the squared error, summed over the pixels in [0, 1] of an image.
    """

    split: Literal["validation", "test"]
    images: int
    elbo: float | None = None  # beta = 1
    elbo_se: float | None = None  # standard error of that mean
    reconstruction: float  # -log p(x|z)
    kl: float | None = None
    active_units: int  # Var_x(E_q[z_d|x]) > 0.01, Burda et al. 2016


class FactorScore(_Part):
    """How well a known factor is read from mu: R^2, or the share of right answers for a class (factor_regression.py)."""

    score: float  # by kernel ridge regression
    linear: float  # by least squares


class Header(_Part):
    """One model: what it is, what it was trained on and how, how well it does. A decoder alone was not measured."""

    format: Literal[2] = 2
    kind: Kind = "vae"
    name: str = Field(max_length=200)
    config: StoredConfig  # the name of its dataset may be one that is not known here: `data` has what is needed
    data: DataFacts
    data_digest: str = Field("", max_length=128)
    metrics: Metrics | None = None
    statistics: LatentStatistics | None = None
    factors: dict[str, FactorScore] = Field({}, max_length=64)  # empty where a dataset's factors are not known
    command: str = Field("", max_length=4000)
    created: str = Field("", max_length=40)  # ISO 8601, UTC
    seconds: float = 0.0  # spent training
    epoch: float = 0.0  # at which these weights were taken
    step: int = 0
    foreign: ForeignFacts | None = None  # of a decoder that came in as an ONNX file, which the file holds instead of weights

    @model_validator(mode="after")
    def _parts_fit_each_other(self) -> Self:
        model, statistics = self.config.model, self.statistics
        if self.data.image_shape != model.image_shape:
            raise ValueError(f"data has images of {self.data.image_shape}, the model draws {model.image_shape}")
        if statistics is not None and len(statistics.kl) != model.latent_dim:
            raise ValueError(f"statistics are for {len(statistics.kl)} latent dimensions, the model has {model.latent_dim}")
        if self.kind != "decoder" and (self.metrics is None or statistics is None):
            raise ValueError("a model with an encoder has metrics and statistics")
        if self.foreign is not None and (self.kind != "decoder" or self.metrics is not None or statistics is not None):
            raise ValueError("an imported decoder was not measured")
        if self.has_bound and self.metrics is not None and (self.metrics.elbo is None or self.metrics.kl is None):
            raise ValueError("a VAE has an ELBO and a KL")
        return self

    @property
    def latent_dim(self) -> int:
        return self.config.model.latent_dim

    @property
    def has_encoder(self) -> bool:
        """Whether images can be encoded; else z is all there is to begin with."""
        return self.kind != "decoder" or (self.foreign is not None and self.foreign.encodes)

    @property
    def has_bound(self) -> bool:
        """Whether there are a posterior, a prior and so an ELBO; an autoencoder has an encoder without any of them."""
        return self.kind == "vae"

    @property
    def has_prior(self) -> bool:
        """Whether N(0, I) is the prior that the decoder was trained with, and not a Gaussian fitted to an autoencoder's codes."""
        return self.has_bound or self.kind == "decoder"

    @property
    def architecture(self) -> str:
        """How the network is built, in one word; of an imported one nothing is said but its format."""
        return self.config.model.architecture if self.foreign is None else "onnx"

    @property
    def uniform_prior(self) -> bool:
        """Whether z was drawn evenly from -1 to 1 in training, and not from N(0, I)."""
        return self.foreign is not None and self.foreign.prior == "uniform"

    @property
    def picture_format(self) -> dict[str, str]:
        """How to read what the decoder gives as ONNX: the "layout" of its pictures and the "range" of their values."""
        foreign = self.foreign
        return {"layout": "nchw", "range": "unit"} if foreign is None else {"layout": foreign.layout, "range": foreign.range}

    @property
    def origin(self) -> str:
        """What an imported decoder's owner says of it, as one line; "" of a model that was trained here."""
        if self.foreign is None:
            return ""
        return " · ".join(filter(None, (self.foreign.source, self.foreign.licence)))

    def stored(self) -> str:
        """As it is written into a file; what only imported decoders have is left out of all others."""
        return self.model_dump_json(exclude={"foreign"} if self.foreign is None else None)

    @property
    def has_noise(self) -> bool:
        """Whether pixels drawn from p(x|z) are shades around a mean; a Bernoulli's are black or white."""
        return self.config.model.likelihood not in ("bernoulli", "squared-error")

    @property
    def quality(self) -> str:
        """The figure that the model is judged by, with its unit; "" where nothing was measured."""
        if self.metrics is None:
            return ""
        if self.metrics.elbo is None:
            return f"squared error {self.metrics.reconstruction:.2f} per image"
        return f"ELBO {self.metrics.elbo:.1f} nats".replace("-", "−")


def load_header(path: Path | str) -> Header:
    """The header of a model file, in about a millisecond and without torch.

    Raises:
        CheckpointError: the file is missing, truncated, no model of ours, or contradicts itself.
    """
    with open_model_file(path) as file:
        return parse_header(read_raw_header(file, Path(path).name), Path(path).name)


def weight_count(path: Path | str) -> int:
    """How many numbers the network of a model file has.

    Raises:
        CheckpointError: as `load_header`.
    """
    with open_model_file(path) as file:
        raw = read_raw_header(file, Path(path).name)
    shapes = [tensor["shape"] for name, tensor in raw.items() if name.startswith("model.")]
    return sum(math.prod(shape) for shape in shapes)


@contextmanager
def open_model_file(path: Path | str) -> Iterator[BinaryIO]:
    """The file, opened once: what is read within all comes from one version of it, though another may take its place.

    Raises:
        CheckpointError: it is missing or cannot be read.
    """
    try:
        with open_regular(path) as file:
            yield file
    except OSError as error:
        reason = error.strerror.lower() if error.strerror else str(error)
        raise CheckpointError(f"{Path(path).name} cannot be read ({reason}). Choose another model.") from None


def read_raw_header(file: BinaryIO, filename: str) -> dict[str, Any]:
    """The whole safetensors header as a dict, after checking its size against the file's.

    Raises:
        CheckpointError: it is no safetensors file, or its header is broken.
    """
    size = os.fstat(file.fileno()).st_size
    prefix = file.read(8)
    length = struct.unpack("<Q", prefix)[0] if len(prefix) == 8 else 0
    if not length or length + 8 > size:  # anything else than a safetensors file begins with eight bytes that mean something else
        what = "it is empty" if not size else "it does not begin as one, or it was cut short"
        raise CheckpointError(f"{filename} is not a safetensors file: {what}. {_CHOOSE}")
    if length > MAX_HEADER_BYTES:
        raise CheckpointError(
            f"{filename} is not a model of this program: the description at its beginning has {length:,} bytes; at most "
            f"{MAX_HEADER_BYTES:,} are read. {_CHOOSE}"
        )
    header = _json_object(file.read(length))
    if header is None:
        raise CheckpointError(f"{filename} is not a safetensors file: its header is not JSON. {_CHOOSE}")
    return header


def _json_object(text: str | bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def parse_header(raw: dict[str, Any], filename: str) -> Header:
    """Our part of a safetensors header.

    Raises:
        CheckpointError: it is absent or does not fit.
    """
    metadata = raw.get("__metadata__")
    text = metadata.get(METADATA_KEY) if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        raise CheckpointError(
            f"{filename} holds tensors but no description of a model. Only files saved by this program can be opened: train a "
            "model here, or save one with vae_core.model_files.checkpoints.save."
        )
    try:
        return Header.model_validate(upgraded(_json_object(text) or {}, filename))
    except ValidationError as error:
        raise CheckpointError(f"{filename} does not describe a model this version can open: {explain(error)}") from None
