"""What the commands share: the two consoles, errors as sentences, and finding a model by name or path."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console

from vae_core.errors import CheckpointError, LatentWalkError

if TYPE_CHECKING:
    from vae_core.latent.latent_model import LatentModel

EXIT_BAD_INPUT = 2
out = Console(soft_wrap=True)  # results; never wrapped, so that a pipe gets whole lines
err = Console(stderr=True, soft_wrap=True)  # progress and errors


def speaks(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command, with the errors a person can meet told in one sentence and exit status 2."""

    @functools.wraps(command)
    def spoken(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except LatentWalkError as error:
            _fail(str(error))
        except OSError as error:
            _fail(f"{error.filename or 'A file'}: {error.strerror or error}.")

    return spoken


def _fail(sentence: str) -> None:
    err.print(sentence, style="red", markup=False, highlight=False)
    raise typer.Exit(EXIT_BAD_INPUT)


def model_path(model: str) -> Path:
    """The file of a model given by its name in `list`, or by its path.

    Raises:
        CheckpointError: there is neither; the sentence lists the names.
    """
    from vae_core.model_files.model_list import list_models

    if model.endswith(".safetensors") or "/" in model:
        path = Path(model)
        if not path.is_file():
            raise CheckpointError(f"There is no file {model}. Give the path of a .safetensors file, or a name that `list` shows.")
        return path
    entries = {entry.name: entry.path for entry in list_models()}
    if model not in entries:
        known = ", ".join(sorted(entries)) or "none yet: train one first"
        raise CheckpointError(f"There is no model {model!r}; choose from: {known}. Or give the path of a .safetensors file.")
    return Path(entries[model])


def open_model(model: str) -> LatentModel:
    """A loaded model, by name or path; importing torch happens here."""
    from vae_core.latent import latent_model

    return latent_model.open_model(model_path(model))
