"""The z at which a model opens when the address names none: the code of a test image that it draws crisply.

The picture at z = 0 is often blurred, so it tells a newcomer little.
"""

from __future__ import annotations

import random
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ui.shared import cached_models, error_sentences, user_session
from vae_core.data.stored_images import at_hand, test_count, test_image
from vae_core.errors import DataError
from vae_core.latent.crispest_picture import crispest

if TYPE_CHECKING:
    from vae_core.latent.latent_model import LatentModel
    from vae_core.model_files.model_list import ModelEntry

CANDIDATES = 24  # decoded once for each model file, in a few milliseconds
SEED = 0

Place = tuple[list[float], dict[str, Any] | None]


@lru_cache(maxsize=64)
def place(entry: ModelEntry) -> Place:
    """The point and, where it is a test image's code, its posterior; without codes the crispest of some draws from the prior."""
    model = cached_models.open_entry(entry)
    if model.test_means is None or model.test_stds is None or model.test_labels is None:
        draws = model.sample_prior(CANDIDATES, SEED)
        return draws[crispest(model.decode(draws))].tolist(), None
    indices = np.linspace(0, len(model.test_means) - 1, min(CANDIDATES, len(model.test_means))).astype(int)
    best = int(indices[crispest(model.decode(model.test_means[indices]))])
    return code_of_test_image(model, best)


def code_of_test_image(model: LatentModel, index: int | None = None) -> tuple[list[float], dict[str, Any]]:
    """mu of a test image (any unless told which) and its posterior: from the model's own file, else encoded from the data.

    Raises:
        DataError: the file carries no codes, and the dataset is not on this computer.
    """
    header = model.header
    means, stds, labels = model.test_means, model.test_stds, model.test_labels
    if means is not None and stds is not None and labels is not None:
        index = random.randrange(len(means)) if index is None else index
        mu, label, pairs = means[index], int(labels[index]), model.test_correlations
        seen = {"mu": mu, "std": stds[index]}
        if not header.config.model.independent_latents:
            seen["correlation"] = None if pairs is None else pairs[index]
    else:
        name = header.config.data.name
        if not at_hand(name, header.data):
            raise DataError(f"The images of {header.data.title} are not on this computer, and the model file carries no codes.")
        index = random.randrange(test_count(name)) if index is None else index
        image, label = test_image(name, index)
        encoding = model.encode(np.moveaxis(np.atleast_3d(image), -1, 0)[None].astype(np.float32) / 255)
        mu, seen = encoding.mu[0], encoding.row(0)
    return mu.tolist(), user_session.posterior_row(seen, error_sentences.test_image_title(index, header.data, label), index)
