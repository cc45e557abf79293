"""Sentences shown to people, and the way from a core exception to one of them."""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st

from vae_core.data.catalog import DataFacts
from vae_core.errors import CheckpointError, DataError, ImageError, LatentError, LatentWalkError, RunError

NO_MODELS = "There is no model yet."
NO_MODELS_NEXT = "Train one on the Train page (`shapes` needs no download), or put a `.safetensors` file into `checkpoints/`."
MODEL_GONE = "The model {name!r} is no longer there; it may have been renamed or deleted. Choose another one above."
UNKNOWN_MODEL = "The address asks for a model {name!r}, which is not here. Opened {instead!r} instead."
OTHER_CONTENT = (
    "The link was made with another model that is also called {name}; what you see is drawn by the one that is here. "
    "Ask for the model file to see the same picture."
)
UNKNOWN_SECOND = "The link compares with a model {name!r}, which is not here; you see the first model alone."
BAD_ADDRESS = "The point in the address cannot be used. {reason} You start from a picture of the model's own instead."


class Message(NamedTuple):
    """What happened, and what a person can do about it."""

    what: str
    next: str


_NEXT: tuple[tuple[type[LatentWalkError], str], ...] = (
    (CheckpointError, "Choose another model, or upload the file again."),
    (DataError, "The `shapes` dataset needs no download and always works."),
    (ImageError, "PNG, JPEG, WebP, GIF, BMP and TIFF files work."),
    (LatentError, "Press Reset to start from zero."),
    (RunError, "The Train page lists every run and its state."),
)


def explain(error: Exception) -> Message:
    """A person-facing sentence for any exception; what the core did not foresee is named, never hidden."""
    if isinstance(error, LatentWalkError):
        return Message(str(error), next((words for kind, words in _NEXT if isinstance(error, kind)), ""))
    if isinstance(error, FileNotFoundError):
        return Message(f"The file {error.filename!r} is no longer there.", "Choose another model, or reload the page.")
    if isinstance(error, OSError):
        return Message(f"The computer refused: {error.strerror or error}.", "Check the free space and the permissions.")
    return Message(f"Something unforeseen happened: {type(error).__name__}: {error}.", "The server's log has the details.")


def a(name: str) -> str:
    """The name of a class with its article: a 2, an 8, an ankle boot."""
    return f"{'an' if name[:1].lower() in tuple('aeio8') else 'a'} {name}"


def test_image_title(index: int, facts: DataFacts, label: int) -> str:
    """What a test image is called: "test image 7 (an 8)", or without its class where the images have none."""
    return f"test image {index} ({a(facts.label(label))})" if facts.classes else f"test image {index}"


test_image_title.__test__ = False  # type: ignore[attr-defined]  # no test, whatever its name looks like


def show_error(error: Exception) -> None:
    """The exception as one calm box on the page."""
    message = explain(error)
    st.error(f"{message.what} {message.next}".strip(), icon=":material/error:")


def show_no_models() -> None:
    """The empty state of every page that needs a model."""
    st.info(f"**{NO_MODELS}** {NO_MODELS_NEXT}", icon=":material/explore:")
