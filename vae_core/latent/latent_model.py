"""A loaded model as pages use it: NumPy in, NumPy out, safe to share between threads because nothing in it ever changes.

z is float32 (B, D); pictures are uint8 (B, H, W, C) of the likelihood's mean; x is float32 (B, C, H, W) in [0, 1].
Every draw takes a seed, so that a picture can be had again.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from vae_core.array_types import Float32s, Pixels
from vae_core.errors import ImageError, LatentError, NoEncoderError
from vae_core.model.architectures import folded
from vae_core.model.posteriors import Posterior, marginal_kl, pair_correlations
from vae_core.model.tensor_to_pixels import to_pixels
from vae_core.model.vae import VAE
from vae_core.model_files import checkpoints
from vae_core.model_files.header import Header
from vae_core.system.devices import choose_device, describe, has_bfloat16

MAX_DECODED = 512  # pictures decoded in one pass; more are cut into passes
EXACT_BATCH = 4  # up to so many are decoded one by one in float32: a picture then depends on its z alone
NO_ENCODER = "The model {name!r} is a decoder alone and cannot encode images. Choose a model with an encoder."
ENCODE_DRAWS = 32  # draws of z behind log p(x|z) of an uploaded image


@dataclass(frozen=True)
class Encoding:
    """Images seen by the encoder.

    mu, marginal_std and marginal_kl (B, D), the KL of each latent's marginal, which add up to `kl` where the latents are
    independent; log_px_z, kl, elbo (B,) in nats, log_px_z a mean over `ENCODE_DRAWS` draws of z; x_hat (B, C, H, W) decoded from
    mu; correlation (B, D (D - 1) / 2) of each pair of latents, below the diagonal and row by row, None where they are
    independent.
    """

    mu: Float32s
    marginal_std: Float32s
    marginal_kl: Float32s
    log_px_z: Float32s
    kl: Float32s
    elbo: Float32s
    x_hat: Float32s
    correlation: Float32s | None = None
    has_bound: bool = True  # False of an autoencoder: log_px_z is minus the squared error, there is neither KL nor ELBO

    def row(self, index: int) -> dict[str, Float32s]:
        """One image's posterior: "mu", "std" of its marginals and, where its latents depend on each other, "correlation"."""
        known = {"mu": self.mu, "std": self.marginal_std, "correlation": self.correlation}
        return {name: values[index] for name, values in known.items() if values is not None}


class LatentModel:
    """A checkpoint on its device. Build one with `open_model`."""

    slowness = 1.0  # how many times as long a picture takes as one of ours of its size, where that is known

    def __init__(self, checkpoint: checkpoints.Checkpoint, device: torch.device) -> None:
        self.header: Header = checkpoint.header
        self._torch_device = device
        self._model = checkpoint.model.to(device).requires_grad_(False)
        self._decoder = folded(self._model.decoder)
        # Weights already in bfloat16: autocast would convert them afresh at every call.
        fast = has_bfloat16(device)
        self._fast_decoder = copy.deepcopy(self._decoder).bfloat16() if fast else None
        self._fast_encoder = copy.deepcopy(self._model.encoder).bfloat16() if fast and isinstance(self._model, VAE) else None
        extras = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in checkpoint.extras.items()}
        self._extras = {name: tensor.numpy() for name, tensor in extras.items()}

    @property
    def latent_dim(self) -> int:
        return self.header.latent_dim

    @property
    def can_encode(self) -> bool:
        """Whether the model has an encoder; without one it draws pictures from z and nothing else."""
        return isinstance(self._model, VAE)

    @property
    def _vae(self) -> VAE:
        if not isinstance(self._model, VAE):
            raise NoEncoderError(NO_ENCODER.format(name=self.header.name))
        return self._model

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(H, W, C)."""
        model = self.header.config.model
        return model.height, model.width, model.channels

    @property
    def device(self) -> str:
        """The device that answers, in words."""
        return describe(self._torch_device)

    @property
    def test_means(self) -> Float32s | None:
        """Posterior means of held-out images, (N, D), or None when the file has none."""
        return self._extras.get("latents.mu")

    @property
    def test_stds(self) -> Float32s | None:
        """Standard deviations of the same posteriors' marginals, (N, D); 0 of an autoencoder, whose codes are points."""
        means = self.test_means
        if not self.header.has_prior and means is not None:
            return np.zeros_like(means)
        return self._extras.get("latents.std")

    @property
    def test_correlations(self) -> Float32s | None:
        """Correlations of each pair of latents in the same posteriors, below the diagonal and row by row, (N, D (D - 1) / 2).

        None where the latents are independent, and where there are too many pairs for a file.
        """
        return self._extras.get("latents.correlation")

    @property
    def test_labels(self) -> NDArray[np.int64] | None:
        """Their labels, (N,)."""
        return self._extras.get("latents.labels")

    @property
    def test_elbos(self) -> Float32s | None:
        """Their ELBOs, nats, (N,)."""
        return self._extras.get("latents.elbo")

    @property
    def reference_images(self) -> Pixels | None:
        """A few training images, uint8 (K, H, W, C)."""
        images = self._extras.get("reference.images")
        return None if images is None else images.transpose(0, 2, 3, 1)

    @property
    def reference_labels(self) -> NDArray[np.int64] | None:
        """Their labels, (K,)."""
        return self._extras.get("reference.labels")

    def decode(self, z: ArrayLike) -> Pixels:
        """Pictures of the likelihood's mean, uint8 (B, H, W, C), in the caller's order.

        Raises:
            LatentError: z is not (B, D) or holds a value that is not finite.
        """
        return self._pictures(check_z(z, self.latent_dim))

    def decode_small(self, z: ArrayLike, side: int) -> Pixels:
        """Many small pictures, uint8 (B, h, w, C), averaged down so that the longer side has at most `side` pixels.

        Raises:
            LatentError: as `decode`.
        """
        checked = check_z(z, self.latent_dim)
        return np.concatenate([self._small(part, side) for part in _cut(checked, MAX_DECODED)])

    @torch.inference_mode()
    def _small(self, z: Float32s, side: int) -> Pixels:
        mean = self._mean(z, fast=True)
        shrink = side / max(mean.shape[2:])
        if shrink < 1:
            height, width = (max(1, round(length * shrink)) for length in mean.shape[2:])
            mean = F.adaptive_avg_pool2d(mean, (height, width))
        return to_pixels(mean)

    def decode_float(self, z: ArrayLike) -> Float32s:
        """The likelihood's mean in float32, (B, C, H, W).

        Raises:
            LatentError: as `decode`.
        """
        checked = check_z(z, self.latent_dim)
        return np.concatenate([self._mean(part, fast=False).cpu().numpy() for part in _cut(checked, MAX_DECODED)])

    @torch.inference_mode()
    def draw(self, z: ArrayLike, seed: int) -> Pixels:
        """Pictures drawn from p(x|z), one for each z, uint8 (B, H, W, C): `decode` with the noise that the model expects.

        Raises:
            LatentError: as `decode`, and of an autoencoder, which has no p(x|z).
        """
        if self.header.kind == "autoencoder":
            raise LatentError(f"{self.header.name} is an autoencoder: it has no p(x|z) to draw from. Show its means.")
        noise = torch.Generator(self._torch_device).manual_seed(seed)
        parts = (torch.from_numpy(part).to(self._torch_device) for part in _cut(check_z(z, self.latent_dim), MAX_DECODED))
        return np.concatenate([to_pixels(self._model.head(self._decoder(part).float()).sample(noise)) for part in parts])

    @torch.inference_mode()
    def _pictures(self, z: Float32s) -> Pixels:
        exact = len(z) <= EXACT_BATCH
        parts = _cut(z, 1 if exact else MAX_DECODED)
        return np.concatenate([to_pixels(self._mean(part, fast=not exact)) for part in parts])

    @torch.inference_mode()
    def _mean(self, z: Float32s, *, fast: bool) -> Tensor:
        latents = torch.from_numpy(z).to(self._torch_device)
        output = self._fast_decoder(latents.bfloat16()) if fast and self._fast_decoder is not None else self._decoder(latents)
        return self._model.head(output.float()).mean

    @torch.inference_mode()
    def recognise(self, z: ArrayLike, *, fast: bool = False) -> tuple[Float32s, Float32s, Float32s]:
        """What the decoder draws at latents (B, D), the mean (B, C, H, W), and the encoder's mu and marginal std of it, (B, D).

        Args:
            fast: in the arithmetic that many pictures are drawn in, where the device has it.

        Raises:
            NoEncoderError: the model is a decoder alone.
            LatentError: as `decode`.
        """
        mean = self._mean(check_z(z, self.latent_dim), fast=fast)
        q = self._posterior(mean, fast=fast)
        return mean.cpu().numpy(), q.mu.cpu().numpy(), q.marginal_std.cpu().numpy()

    def _posterior(self, images: Tensor, *, fast: bool) -> Posterior:
        if not fast or self._fast_encoder is None:
            return self._vae.encode(images)
        return self._vae.posterior(self._fast_encoder(images.bfloat16()))

    def mean_of(self, z: Tensor) -> Tensor:
        """The likelihood's mean of latents on the CPU, (B, C, H, W), differentiable in z: for paths that follow the decoder."""
        return self._model.head(self._decoder(z.to(self._torch_device))).mean.cpu()

    @torch.inference_mode()
    def encode(self, x: ArrayLike, *, seed: int = 0) -> Encoding:
        """q(z|x) and the ELBO's terms for images x (B, C, H, W) in [0, 1].

        Raises:
            NoEncoderError: the model is a decoder alone.
            ImageError: x has another shape than the model's images.
        """
        images = torch.from_numpy(self._check_x(x)).to(self._torch_device)
        q = self._vae.encode(images)
        kl, log_px_z = q.kl(), self._expected_log_px_z(images, q, seed)
        x_hat = self._model.decode(q.mu).mean
        columns = {"mu": q.mu, "marginal_std": q.marginal_std, "marginal_kl": marginal_kl(q), "log_px_z": log_px_z, "kl": kl,
                   "elbo": log_px_z - kl, "x_hat": x_hat, "correlation": pair_correlations(q)}  # fmt: skip
        given = {name: column.cpu().numpy() for name, column in columns.items() if column is not None}
        return Encoding(**given, has_bound=self.header.has_bound)

    @torch.inference_mode()
    def posterior_means(self, x: ArrayLike) -> Float32s:
        """mu of images x (B, C, H, W), (B, D): `encode` without the ELBO.

        Raises:
            ImageError: as `encode`.
        """
        return self._vae.encode(torch.from_numpy(self._check_x(x)).to(self._torch_device)).mu.cpu().numpy()

    def _check_x(self, x: ArrayLike) -> Float32s:
        array = np.ascontiguousarray(x, dtype=np.float32)
        height, width, channels = self.image_shape
        if array.ndim != 4 or array.shape[1:] != (channels, height, width):
            raise ImageError(
                f"This model takes images of {height}x{width} pixels and {channels} channel(s), as (B, {channels}, {height}, "
                f"{width}); got {array.shape}. Prepare them with vae_core.images.read_upload."
            )
        return array

    def _expected_log_px_z(self, images: Tensor, q: Posterior, seed: int) -> Tensor:
        """Monte Carlo mean of log p(x|z) under q, nats, (B,)."""
        generator = torch.Generator().manual_seed(seed)
        draws = [torch.randn(q.mu.shape, generator=generator).to(q.mu.device) for _ in range(ENCODE_DRAWS)]
        return torch.stack([self._model.decode(q.sample(eps)).log_prob(images) for eps in draws]).mean(dim=0)

    def sample_prior(self, n: int, seed: int, *, temperature: float = 1.0) -> Float32s:
        """z ~ N(0, temperature^2 I), (n, D): the prior, or the Gaussian fitted to an autoencoder's codes, which are whitened."""
        return _normal((n, self.latent_dim), seed) * np.float32(temperature)

    @torch.inference_mode()
    def sample_posterior(self, x: ArrayLike, n: int, seed: int) -> Float32s:
        """z ~ q(z|x) for one image x (C, H, W), (n, D).

        Raises:
            ImageError: as `encode`.
        """
        images = torch.from_numpy(self._check_x(np.asarray(x)[None])).to(self._torch_device)
        eps = torch.from_numpy(_normal((n, self.latent_dim), seed)).to(self._torch_device)
        return self._vae.encode(images).sample(eps[:, None])[:, 0].cpu().numpy()

    def traverse(self, z: ArrayLike, dim: int, values: ArrayLike) -> Float32s:
        """Copies of z (D,) in which dimension `dim` takes each of the K values, (K, D).

        Raises:
            LatentError: z does not fit, or there is no such dimension.
        """
        if not 0 <= dim < self.latent_dim:
            raise LatentError(f"There is no dimension {dim}; this model has 0 to {self.latent_dim - 1}.")
        steps = np.asarray(values, dtype=np.float32)
        path = np.repeat(_one(z, self.latent_dim), len(steps), axis=0)
        path[:, dim] = steps
        return check_z(path, self.latent_dim)

    def elbo_percentile(self, elbo: float) -> float | None:
        """Percentage of the test images with a higher ELBO ("less likely than p % of them"); None without test images."""
        elbos = self.test_elbos
        return None if elbos is None else float(100 * np.mean(elbos > elbo))


def open_model(path: Path | str, *, device: str = "auto") -> LatentModel:
    """A model file, ready to use, on the accelerator where there is one; its decoder has been run once.

    Raises:
        CheckpointError: the file is missing, broken or does not fit its config, or an imported decoder in it is refused.
    """
    checkpoint = checkpoints.load(path)
    if checkpoint.header.foreign is None:
        model = LatentModel(checkpoint, choose_device(device))
    else:
        from vae_core.latent.foreign_model import ForeignModel  # knows this module

        model = ForeignModel(checkpoint, choose_device(device))
    model.decode(np.zeros((1, model.latent_dim), dtype=np.float32))  # the first pass picks kernels and allocates
    return model


def open_decoder(path: Path | str, *, device: str = "auto") -> LatentModel:
    """The same without the encoder, which takes half of the memory; the codes that the file carries are there.

    Raises:
        CheckpointError: as `open_model`.
    """
    whole = checkpoints.load(path)
    alone = checkpoints.decoder_alone(whole)
    return LatentModel(checkpoints.Checkpoint(alone.model, alone.header, whole.extras), choose_device(device))


def check_z(z: ArrayLike, latent_dim: int) -> Float32s:
    """z as float32 (B, D).

    Raises:
        LatentError: another shape, or a value that is not a finite number.
    """
    try:
        array = np.array(z, dtype=np.float32, order="C")  # a copy: what came off a socket is read-only
    except (TypeError, ValueError):
        raise LatentError(f"z must be {latent_dim} numbers; got something that is not a list of numbers.") from None
    if array.ndim != 2 or array.shape[1] != latent_dim:
        got = f"{array.shape[1]} numbers" if array.ndim == 2 else f"an array of shape {array.shape}"
        raise LatentError(f"z must have {latent_dim} numbers for this model; got {got}.")
    if not np.isfinite(array).all():
        raise LatentError("z must hold finite numbers; got NaN or infinity.")
    return array


def _one(point: ArrayLike, latent_dim: int) -> Float32s:
    """One point (D,) as (1, D), checked."""
    return check_z(np.asarray(point)[None], latent_dim)


def _cut(z: Float32s, size: int) -> list[Float32s]:
    return [z[start : start + size] for start in range(0, max(1, len(z)), size)]


def _normal(shape: tuple[int, int], seed: int) -> Float32s:
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
