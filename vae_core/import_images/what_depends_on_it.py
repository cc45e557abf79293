"""Which models and runs were made from an own dataset: what to name before it is deleted."""

from __future__ import annotations

from vae_core import runs
from vae_core.data.catalog import own_records
from vae_core.errors import CheckpointError
from vae_core.model_files.header import load_header
from vae_core.model_files.model_list import list_models


def models_of(name: str) -> list[str]:
    """Names of the models that were trained on its images; they stay usable without them."""
    names, found = _names(name), []
    for entry in list_models():
        try:
            header = load_header(entry.path)
        except CheckpointError:
            continue
        if header.config.data.name in names:
            found.append(entry.name)
    return found


def runs_of(name: str) -> list[runs.RunStatus]:
    """Runs that train on its images now or wait for their turn; they fail without them."""
    names = _names(name)
    return [run for run in runs.list_runs() if run.live and run.config is not None and run.config.data.name in names]


def _names(name: str) -> set[str]:
    record = own_records().get(name)
    return {name, *(record.formerly if record else ())}
