"""A source as a dataset in `VAE_DATA/own/NAME`: written beside, complete, and put into place in one step."""

from __future__ import annotations

from collections.abc import Callable

from vae_core.data.catalog import DatasetInfo
from vae_core.import_images.import_options import ImportOptions
from vae_core.import_images.inspect_and_preview import Progress
from vae_core.import_images.source import Source


def import_images(
    source: Source,
    name: str,
    options: ImportOptions,
    *,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> DatasetInfo:
    """Decodes every picture and keeps them as the dataset `name`. It appears whole or not at all.

    Raises:
        DataError: too few different pictures, a name that is taken or cannot be used, a full disk, or stopped.
    """
    raise NotImplementedError
