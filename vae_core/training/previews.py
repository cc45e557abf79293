"""What a run looks like right now: fixed test images, their reconstructions from mu, fixed draws from the prior.

One small .npz, replaced atomically, so that a page can read it at any moment.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vae_core.data.loading import to_float
from vae_core.model.tensor_to_pixels import to_pixels
from vae_core.model.vae import VAE
from vae_core.system.atomic_write import replaced

INPUTS, SAMPLES = 10, 20


class Preview:
    """Holds the fixed inputs and latents of one run."""

    def __init__(self, path: Path, test_images: Tensor, latent_dim: int, device: torch.device, seed: int) -> None:
        self._path = path
        self._images = test_images[:INPUTS].to(device)
        self._z = torch.randn(SAMPLES, latent_dim, generator=torch.Generator().manual_seed(seed)).to(device)

    @torch.inference_mode()
    def write(self, model: VAE, step: int) -> None:
        """Draw the pictures with the model as it is (its train/eval mode is restored) and replace the file."""
        was_training = model.training
        model.eval()
        means = model.decode(torch.cat([model.encode(to_float(self._images)).mu, self._z])).mean
        model.train(was_training)
        pictures = to_pixels(means)
        n = len(self._images)
        _replace(self._path, inputs=_channels_last(self._images), reconstructions=pictures[:n], samples=pictures[n:],
                 step=np.int64(step))  # fmt: skip


def _channels_last(images: Tensor) -> np.ndarray:
    return images.permute(0, 2, 3, 1).cpu().numpy()


def _replace(path: Path, **arrays: object) -> None:
    with replaced(path) as beside, beside.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
