"""An imported decoder behind the interface of every other model: onnxruntime computes where torch does elsewhere."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from vae_core.array_types import Float32s, Pixels
from vae_core.errors import CheckpointError, LatentError, NoEncoderError
from vae_core.foreign_decoders.onnx_session import OnnxNetwork, draw_z, from_unit, to_unit
from vae_core.foreign_decoders.trial import Report, ensure_passed
from vae_core.latent.latent_model import NO_ENCODER, Encoding, LatentModel
from vae_core.model_files import checkpoints
from vae_core.system.devices import describe

USUAL = 2e-5  # ms for each value of a picture that a model of ours takes on one core
NO_GRADIENTS = "{name} is an imported decoder: it has no gradients, and so no geodesic paths. Choose a linear or a spherical one."


class ForeignModel(LatentModel):
    """A model file that holds ONNX. Nothing of it is run here that has not passed its trial to the byte (`trial.py`)."""

    def __init__(self, checkpoint: checkpoints.Checkpoint, device: torch.device) -> None:
        """
        Raises:
            CheckpointError: the trial has refused it, or it is not what its header says.
        """
        assert checkpoint.header.foreign is not None
        self.header, self._facts, self._extras = checkpoint.header, checkpoint.header.foreign, {}
        decoder, encoder = (_bytes(checkpoint, name) for name in ("onnx.decoder", "onnx.encoder"))
        found = ensure_passed(decoder, encoder)
        self._check(found)
        self._network = OnnxNetwork(decoder, cuda=device.type == "cuda")
        self._encoder = OnnxNetwork(encoder, cuda=device.type == "cuda") if encoder else None
        self._encoder_layout = found.encoder_layout or self._facts.layout
        self._torch_device = device if self._network.on_cuda else torch.device("cpu")
        self.slowness = max(1.0, found.milliseconds / (USUAL * math.prod(self.image_shape)))

    def _check(self, found: Report) -> None:
        """What the header says must be what the trial saw: the socket's frames and the cost of a picture follow from it."""
        shape = (found.height, found.width, found.channels)
        if (found.latent_dim, shape, found.layout) != (self.latent_dim, self.image_shape, self._facts.layout):
            raise CheckpointError(f"{self.header.name} is not what its header says. Import the .onnx file again.")

    @property
    def can_encode(self) -> bool:
        return self._encoder is not None

    @property
    def device(self) -> str:
        return f"{describe(self._torch_device)}, onnxruntime"

    def _mean(self, z: Float32s, *, fast: bool) -> Tensor:
        (values,) = self._network.run(z)
        height, width, channels = self.image_shape
        pictures = to_unit(values, self._facts.layout, self._facts.range)
        if pictures.shape != (len(z), channels, height, width):
            raise CheckpointError(f"{self.header.name} drew pictures of another size than before. Import the .onnx file again.")
        return torch.from_numpy(pictures)

    def mean_of(self, z: Tensor) -> Tensor:
        raise LatentError(NO_GRADIENTS.format(name=self.header.name))

    def draw(self, z: ArrayLike, seed: int) -> Pixels:
        raise LatentError(f"{self.header.name} is an imported decoder: its likelihood is not known. Show its means.")

    def sample_prior(self, n: int, seed: int, *, temperature: float = 1.0) -> Float32s:
        """z as it was drawn in training, (n, D): normal, or uniform from -1 to 1; the temperature scales it."""
        return draw_z(self._facts.prior, (n, self.latent_dim), seed) * np.float32(temperature)

    def posterior_means(self, x: ArrayLike) -> Float32s:
        if self._encoder is None:
            raise NoEncoderError(NO_ENCODER.format(name=self.header.name))
        codes = self._encoder.run(from_unit(self._check_x(x), self._encoder_layout, self._facts.range))[0]
        if codes.shape[1:] != (self.latent_dim,) or not np.isfinite(codes).all():
            raise CheckpointError(f"The encoder of {self.header.name} answers with what is no code of this picture.")
        return np.ascontiguousarray(codes, dtype=np.float32)

    def encode(self, x: ArrayLike, *, seed: int = 0) -> Encoding:
        """The codes of images and their reconstructions; as of an autoencoder there is neither a KL nor an ELBO."""
        mu = self.posterior_means(x)
        x_hat = self.decode_float(mu)
        error = -np.square(self._check_x(x) - x_hat).reshape(len(mu), -1).sum(axis=1)
        zeros = np.zeros_like(mu)
        return Encoding(mu, zeros, zeros, error, np.zeros_like(error), error, x_hat, has_bound=False)

    def sample_posterior(self, x: ArrayLike, n: int, seed: int) -> Float32s:
        return np.repeat(self.posterior_means(np.asarray(x)[None]), n, axis=0)


def _bytes(checkpoint: checkpoints.Checkpoint, name: str) -> bytes:
    tensor = checkpoint.extras.get(name)
    return b"" if tensor is None else tensor.numpy().tobytes()
