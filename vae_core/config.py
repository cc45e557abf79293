"""What a model is, what it is trained on and how: frozen, checked at birth, one sentence per field.

Knows nothing of torch. A key that is not listed here is an error, so a misspelt option never passes silently.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from vae_core.errors import ConfigError

DatasetName = Literal["mnist", "fashion-mnist", "shapes"]
NATIVE_SHAPES: dict[str, tuple[int, int, int]] = {  # height, width, channels
    "mnist": (28, 28, 1),
    "fashion-mnist": (28, 28, 1),
    "shapes": (64, 64, 3),
}


class _Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DataConfig(_Config):
    """Which images."""

    name: DatasetName = Field("mnist", description="Which set of images to learn.")
    validation: int = Field(5000, ge=100, le=20000, description="Images held out of the training set to choose the best epoch.")
    limit: int | None = Field(None, ge=500, description="Use only the first so many training images; empty means all of them.")


class ModelConfig(_Config):
    """The network: any height and width from 8 to 256, grey or colour."""

    architecture: Literal["mlp", "conv"] = Field("conv", description="Fully connected layers, or convolutions.")
    height: int = Field(28, ge=8, le=256, description="Image height in pixels.")
    width: int = Field(28, ge=8, le=256, description="Image width in pixels.")
    channels: Literal[1, 3] = Field(1, description="1 for grey images, 3 for colour.")
    latent_dim: int = Field(10, ge=1, le=256, description="Size of z; 2 gives a map of the whole space.")
    hidden: tuple[Annotated[int, Field(ge=1, le=4096)], ...] = Field(
        (512, 256), min_length=1, max_length=8, description="Widths of the mlp's hidden layers, from the image inwards."
    )
    filters: int = Field(32, ge=4, le=256, description="Filters of the conv net's first layer; deeper layers have twice as many.")
    features: int = Field(256, ge=4, le=4096, description="Width of the conv net's dense layer next to z.")
    likelihood: Literal["bernoulli", "gaussian"] = Field("bernoulli", description="How a pixel varies around its decoded mean.")
    sigma: float | None = Field(
        None, gt=0.001, le=10, description="The Gaussian's fixed standard deviation; empty means one learned value."
    )

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        return self.channels, self.height, self.width


class TrainConfig(_Config):
    """One training run; together with the seed it determines the result on one kind of device."""

    data: DataConfig = Field(default_factory=lambda: DataConfig())
    model: ModelConfig = Field(default_factory=lambda: ModelConfig())
    beta: float = Field(1.0, ge=0, le=1000, description="Final weight of the KL term; 1 is the ELBO.")
    warmup: Literal["none", "linear", "cyclical"] = Field("linear", description="How beta rises from 0 to its final value.")
    warmup_epochs: float = Field(1.0, ge=0, le=1000, description="Epochs the linear rise takes.")
    cycles: int = Field(4, ge=1, le=100, description="Rises and plateaus of the cyclical warm-up over the whole run.")
    free_bits: float = Field(0.0, ge=0, le=10, description="KL in nats per dimension that is not penalised.")
    epochs: int = Field(8, ge=1, le=2000, description="Passes over the training images.")
    batch_size: int = Field(128, ge=8, le=4096, description="Images per step.")
    learning_rate: float = Field(2e-3, gt=0, le=1, description="Peak learning rate of Adam.")
    lr_schedule: Literal["one-cycle", "constant"] = Field(
        "one-cycle", description="One-cycle rises, then falls to nearly zero; constant stays."
    )
    grad_clip: float = Field(100.0, gt=0, description="A gradient of the mean loss with a larger norm is scaled down to it.")
    weight_decay: float = Field(0.0, ge=0, le=1, description="Decoupled weight decay (AdamW); 0 is plain Adam.")
    binarize: bool = Field(False, description="Draw each pixel as 0 or 1 afresh at every step, instead of grey values.")
    half_weights: bool = Field(False, description="Store the weights as float16: half the file, measured after rounding.")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="Arithmetic inside the network; auto takes bfloat16 where the hardware has it."
    )
    device: str = Field(
        "auto", pattern=r"^(auto|cpu|cuda(:\d+)?|mps|xpu)$", description="auto takes an accelerator when there is one."
    )
    seed: int = Field(0, ge=0, lt=2**31, description="Seed of the weights, the batches and the draws of z.")

    @model_validator(mode="after")
    def _model_fits_data(self) -> Self:
        height, width, channels = NATIVE_SHAPES[self.data.name]
        model = self.model
        if (model.height, model.width, model.channels) != (height, width, channels):
            raise ValueError(
                f"the images of {self.data.name!r} are {height}x{width}x{channels}, the model is for "
                f"{model.height}x{model.width}x{model.channels}; give the model the shape of its data"
            )
        return self


def train_config(**fields: object) -> TrainConfig:
    """A TrainConfig whose model takes its image shape from the dataset unless one is given.

    Raises:
        ConfigError: one sentence per field that is wrong.
    """
    raw_data, raw_model = fields.pop("data", {}), fields.pop("model", {})
    data = raw_data if isinstance(raw_data, dict) else raw_data.model_dump()  # type: ignore[attr-defined]
    model = raw_model if isinstance(raw_model, dict) else raw_model.model_dump()  # type: ignore[attr-defined]
    shape = NATIVE_SHAPES.get(str(data.get("name", "mnist")))
    if shape is not None:
        model = dict(zip(("height", "width", "channels"), shape, strict=True)) | model
    try:
        return TrainConfig.model_validate({"data": data, "model": model, **fields})
    except ValidationError as error:
        raise ConfigError(explain(error)) from None


def explain(error: ValidationError) -> str:
    """A pydantic error as sentences a person can act on."""
    return " ".join(_sentence(detail["loc"], detail["msg"], detail["input"]) for detail in error.errors())


def _sentence(where: tuple[int | str, ...], message: str, got: object) -> str:
    field = ".".join(str(part) for part in where) or "The configuration"
    value = f" (got {got!r})" if isinstance(got, (str, int, float, bool, type(None))) else ""
    return f"{field}: {message.removeprefix('Value error, ')}{value}."
