"""The nearest real images to a picture, in pixels and in the latent space: is a sample new, or remembered?

Searched among the training images where the dataset is at hand, else among the few that the model file carries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from vae_core.array_types import Float32s, Pixels
from vae_core.data import loading
from vae_core.data.stored_images import at_hand
from vae_core.errors import CheckpointError
from vae_core.latent.latent_model import LatentModel, check_z
from vae_core.system.cached_property import once

MAX_BYTES = 200_000_000  # of training images kept in memory
CHUNK = 4000  # images compared at once


@dataclass(frozen=True)
class Neighbour:
    """One real image: uint8 (H, W, C), its label, and its distance: Euclidean over pixels in [0, 1], or over the latent."""

    image: Pixels
    label: int
    distance: float


class RealImages:
    """Training images of one model. Images are read, and encoded, on first use."""

    def __init__(self, model: LatentModel) -> None:
        """
        Raises:
            CheckpointError: neither the dataset nor reference images are at hand.
        """
        self._model = model
        config = model.header.config.data
        self.from_dataset = at_hand(config.name, model.header.data)
        if not self.from_dataset and model.reference_images is None:
            title = model.header.data.title
            raise CheckpointError(f"The images of {title} are not on this computer and the model file carries none.")

    @property
    def source(self) -> str:
        """Where is searched, in words."""
        kind = "training images" if self.from_dataset else "training images carried by the model file"
        return f"{len(self._images):,} {kind}"

    @once
    def _loaded(self) -> tuple[Pixels, NDArray[np.int64]]:
        """Images (N, H, W, C) and labels (N,)."""
        references, labels = self._model.reference_images, self._model.reference_labels
        if not self.from_dataset:
            assert references is not None and labels is not None
            return np.ascontiguousarray(references), labels
        train = loading.load(*self._model.header.config.data.parts).train
        keep = max(1, MAX_BYTES // train.images[0].numel())
        return train.images[:keep].permute(0, 2, 3, 1).contiguous().numpy(), train.labels[:keep].numpy()

    @property
    def _images(self) -> Pixels:
        return self._loaded[0]

    @once
    def _codes(self) -> Float32s:
        """Posterior means of all of them, (N, D)."""
        batches = (self._images[start : start + CHUNK] for start in range(0, len(self._images), CHUNK))
        inputs = (batch.transpose(0, 3, 1, 2).astype(np.float32) / 255 for batch in batches)
        return np.concatenate([self._model.posterior_means(x) for x in inputs])

    def in_pixels(self, picture: Pixels, count: int) -> list[Neighbour]:
        """The images that look most like a picture uint8 (H, W, C), nearest first."""
        flat = torch.from_numpy(self._images.reshape(len(self._images), -1))
        wanted = torch.from_numpy(np.array(picture)).reshape(1, -1).float()
        parts = [torch.cdist(wanted, part.float())[0] for part in flat.split(CHUNK)]
        return self._found(torch.cat(parts) / 255, count)

    def in_latents(self, z: ArrayLike, count: int) -> list[Neighbour]:
        """The images whose codes lie nearest to z (D,), nearest first.

        Raises:
            LatentError: z does not fit the model.
        """
        wanted = torch.from_numpy(check_z(np.asarray(z)[None], self._model.latent_dim))
        return self._found(torch.cdist(wanted, torch.from_numpy(self._codes))[0], count)

    def _found(self, distances: torch.Tensor, count: int) -> list[Neighbour]:
        values, indices = distances.topk(min(count, len(distances)), largest=False)
        pairs: Sequence[tuple[int, float]] = list(zip(indices.tolist(), values.tolist(), strict=True))
        images, labels = self._loaded
        return [Neighbour(images[index], int(labels[index]), distance) for index, distance in pairs]
