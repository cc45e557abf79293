"""What a model is, what it is trained on and how: frozen, checked at birth, one sentence per field.

Knows nothing of torch. A key that is not listed here is an error, so a misspelt option never passes silently.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from vae_core.data.catalog import PRINTABLE, DataFacts, datasets, find_dataset
from vae_core.errors import ConfigError
from vae_core.objectives.beta_elbo import BetaELBO
from vae_core.objectives.registry import OBJECTIVES, AnyObjective

Where = tuple[int | str, ...]  # the way to a field: ("model", "latent_dim")


class _Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DataConfig(_Config):
    """Which images."""

    name: str = Field("mnist", min_length=1, max_length=80, pattern=PRINTABLE, description="The set of images to learn from.")
    validation: int = Field(
        5000,
        ge=100,
        le=20000,
        description="Images kept aside from training. After each epoch the model is tried on them, and the best epoch is kept.",
    )
    limit: int | None = Field(
        None,
        ge=500,
        description="Train on the first so many images only: quicker, but the pictures get worse. Empty means all.",
    )

    @property
    def parts(self) -> tuple[str, int, int | None]:
        """What `vae_core.data.loading.load` needs to know: the name, validation images, images to train on."""
        return self.name, self.validation, self.limit


class ModelConfig(_Config):
    """The network: any height and width from 8 to 256, grey or colour."""

    architecture: Literal["mlp", "conv", "residual"] = Field(
        "conv",
        description=(
            "How the network is built. conv (convolutions) draws sharper pictures; mlp (fully connected layers) is "
            "simpler and quicker; residual (a conv with four more convolutions at each size) takes two to three times as long "
            "and has more to learn with, for long runs on large colour pictures."
        ),
    )
    height: int = Field(28, ge=8, le=256, description="Height of the images in pixels.")
    width: int = Field(28, ge=8, le=256, description="Width of the images in pixels.")
    channels: Literal[1, 3] = Field(1, description="1 for grey images, 3 for colour.")
    latent_dim: int = Field(
        10,
        ge=1,
        le=256,
        description=(
            "How many numbers describe one image, each a slider on the Explore page. More keep more detail; 2 can be "
            "drawn whole as a map."
        ),
    )
    hidden: tuple[Annotated[int, Field(ge=1, le=4096)], ...] = Field(
        (512, 256),
        min_length=1,
        max_length=8,
        description="Units in each layer of an mlp, from the image inwards. More units can learn more and take longer.",
    )
    filters: int = Field(
        32,
        ge=4,
        le=256,
        description=(
            "Patterns that the first layer of a conv looks for; the next layer has twice as many. More can learn more "
            "and take longer."
        ),
    )
    features: int = Field(
        256,
        ge=4,
        le=4096,
        description="Units of the layer between a conv's patterns and z. More can learn more and take longer.",
    )
    likelihood: Literal["bernoulli", "gaussian", "gaussian-per-pixel", "discretised-logistic"] = Field(
        "bernoulli",
        description=(
            "How the error of a pixel is measured: bernoulli suits pixels that are mostly black or white, gaussian any grey or "
            "colour, with one spread for all pixels; gaussian-per-pixel says for each pixel how sure it is; "
            "discretised-logistic does so for the 256 levels that pixels are stored in. Their nats do not compare."
        ),
    )
    sigma: float | None = Field(
        None,
        gt=0.001,
        le=10,
        description=(
            "How far a pixel may miss before it costs much (gaussian only, pixels run from 0 to 1). Empty lets the "
            "model learn it."
        ),
    )

    posterior: Literal["diagonal", "full"] = Field(
        "diagonal",
        description=(
            "What the encoder may say about the numbers of z: diagonal is unsure of each by itself, full also says how they "
            "depend on each other (a full covariance matrix)."
        ),
    )

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        return self.channels, self.height, self.width

    @property
    def independent_latents(self) -> bool:
        """Whether the latents of one image are independent under q(z|x): its KL is then the sum of a KL of each latent."""
        return self.posterior != "full"


class TrainConfig(_Config):
    """One training run; together with the seed it determines the result on one kind of device."""

    data: DataConfig = Field(default_factory=lambda: DataConfig())
    model: ModelConfig = Field(default_factory=lambda: ModelConfig())
    objective: AnyObjective = Field(
        default_factory=BetaELBO,
        discriminator="kind",
        description=f"What training makes large: {'; '.join(f'{kind} {one.about}' for kind, one in OBJECTIVES.items())}.",
    )
    epochs: int = Field(
        8,
        ge=1,
        le=2000,
        description="How many times the model sees every training image. More takes longer and, up to a point, draws better.",
    )
    batch_size: int = Field(
        128,
        ge=8,
        le=4096,
        description="Images the model looks at before each small correction. Larger is steadier and needs more memory.",
    )
    learning_rate: float = Field(
        2e-3,
        gt=0,
        le=1,
        description="How large each correction is. Too high and training fails, too low and it takes very long.",
    )
    lr_schedule: Literal["one-cycle", "constant"] = Field(
        "one-cycle",
        description=(
            "Whether the learning rate rises and then falls to nearly zero (one-cycle, usually better) or stays (constant)."
        ),
    )
    grad_clip: float = Field(
        100.0,
        gt=0,
        description=(
            "Limits how far one unusual batch can throw the model off: a gradient with a larger norm is scaled down to this."
        ),
    )
    weight_decay: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Pulls the weights of the network towards 0, which can help against learning images by heart. 0 is off.",
    )
    binarize: bool = Field(
        False,
        description="Turn grey pixels into black or white ones, drawn anew at every step, as published results for MNIST do.",
    )
    half_weights: bool = Field(
        False,
        description=(
            "Store the weights with half the digits: half the file, and the test figures are those of the rounded model."
        ),
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto",
        description=(
            "Digits kept while computing: bfloat16 is quicker where the hardware has it, float32 more exact. auto chooses."
        ),
    )
    device: str = Field(
        "auto",
        pattern=r"^(auto|cpu|cuda(:\d+)?|mps|xpu)$",
        description="What to compute on. auto takes a graphics card when there is one.",
    )
    seed: int = Field(
        0,
        ge=0,
        lt=2**31,
        description="Where all chance begins: the same seed and settings give the same model on one kind of device.",
    )

    @model_validator(mode="after")
    def _autoencoder_has_no_distributions(self) -> Self:
        fixed = [name for name in ("posterior", "likelihood", "sigma") if getattr(self.model, name) != _default(name)]
        if self.objective.trains != "vae" and fixed:
            raise ValueError(
                f"the objective {self.objective.kind} trains an autoencoder, which has no {' and no '.join(fixed)}; leave "
                f"{'them' if len(fixed) > 1 else 'it'} out or choose another objective"
            )
        return self

    @model_validator(mode="after")
    def _objective_fits_posterior(self) -> Self:
        setting = self.objective.needs_kl_per_dim
        if setting and not self.model.independent_latents:
            raise ValueError(
                f"{setting} are nats of each latent by itself, and a {self.model.posterior} posterior has no KL of each latent "
                f"({setting} is {getattr(self.objective, setting):g}); set {setting} to 0 or the posterior to diagonal"
            )
        return self


def _default(name: str) -> object:
    return ModelConfig.model_fields[name].default


def dotted(where: Where) -> str:
    """A field as it lies in the configuration: "model.latent_dim"."""
    return ".".join(str(part) for part in where)


def train_config(**fields: object) -> TrainConfig:
    """A TrainConfig whose model takes its image shape from the dataset unless one is given.

    Raises:
        ConfigError: one sentence per field that is wrong.
    """
    return checked_config(fields)


def checked_config(fields: dict[str, Any], called: Callable[[Where], str] = dotted) -> TrainConfig:
    """As `train_config`; `called` gives a field the name by which the person who set it knows it.

    Raises:
        ConfigError: one sentence per field that is wrong.
    """
    fields = dict(fields)
    raw_data, raw_model = fields.pop("data", {}), fields.pop("model", {})
    data = raw_data if isinstance(raw_data, dict) else raw_data.model_dump()
    model = raw_model if isinstance(raw_model, dict) else raw_model.model_dump()
    name = str(data.get("name", "mnist"))
    info = find_dataset(name)
    if info is None:
        names = ", ".join(datasets())
        raise ConfigError(f"{called(('data', 'name'))}: there is no dataset called {_shortened(name)}; choose from {names}.")
    model = {"height": info.height, "width": info.width, "channels": info.channels} | model
    try:
        config = TrainConfig.model_validate({"data": data, "model": model, **fields})
    except ValidationError as error:
        raise ConfigError(explain(error, called)) from None
    _check_sigma(config.model, called)
    check_shape(config.model, info)
    return config


def _check_sigma(model: ModelConfig, called: Callable[[Where], str]) -> None:
    # Not when a file is read: models were trained with a sigma that did nothing, and they can still be opened.
    if model.sigma is not None and model.likelihood != "gaussian":
        raise ConfigError(
            f"{called(('model', 'sigma'))}: only the likelihood gaussian has one spread for all pixels, and {model.likelihood} "
            f"has not (got {model.sigma:g}). Leave it out, or set {called(('model', 'likelihood'))} to gaussian."
        )


def check_shape(model: ModelConfig, data: DataFacts) -> None:
    """Images of this shape are what the model is for.

    Raises:
        ConfigError: they are not.
    """
    if model.image_shape != data.image_shape:
        raise ConfigError(
            f"The images of {data.title} are {data.height}x{data.width}x{data.channels}, the model is for "
            f"{model.height}x{model.width}x{model.channels}; give the model the shape of its data."
        )


def explain(error: ValidationError, called: Callable[[Where], str] = dotted) -> str:
    """A pydantic error as sentences a person can act on."""
    found = [(_where(detail["loc"]), detail["msg"], detail["input"]) for detail in error.errors()[:5]]
    return " ".join(_sentence(called(where), message, got) for where, message, got in found)


def _where(location: Where) -> Where:
    """Pydantic's location of an error without the kind of objective that it names on the way."""
    return (location[0], *location[2:]) if location[:1] == ("objective",) and location[1:2] else location


def _sentence(field: str, message: str, got: object) -> str:
    field = field or "The configuration"
    shown = _shortened(got) if isinstance(got, (str, int, float, bool, type(None))) else ""
    value = f" (got {shown})" if shown else ""
    return f"{field[:100]}: {message.removeprefix('Value error, ')[:300]}{value}."


def _shortened(got: object) -> str:
    try:
        text = repr(got)
    except ValueError:  # a number of thousands of digits
        return "a very long number"
    return text if len(text) <= 60 else f"{text[:57]}..."
