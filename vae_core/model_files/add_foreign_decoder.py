"""An imported decoder as a model file: written after its trial, and described anew when what was detected was wrong."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from vae_core.config.schema import DataConfig, ModelConfig, TrainConfig, explain
from vae_core.data.catalog import DataFacts
from vae_core.errors import CheckpointError
from vae_core.foreign_decoders.facts import ForeignFacts
from vae_core.foreign_decoders.trial import Trial
from vae_core.model_files import model_list
from vae_core.model_files.header import Header, load_header
from vae_core.model_files.model_list import ModelEntry
from vae_core.runs.json_files import reason

CHANGEABLE = ("range", "prior", "source", "licence")


def described(trial: Trial, name: str, **said: str) -> Header:
    """The header of a model of this trial. `said`: what its owner says, of `CHANGEABLE` and the file's name.

    Raises:
        CheckpointError: something that was said cannot be kept; the sentence names it.
    """
    found = trial.report
    shape = {"height": found.height, "width": found.width, "channels": found.channels}
    network = shape | {"latent_dim": found.latent_dim, "architecture": "mlp"}  # nothing is made of it but shapes
    known = {"layout": found.layout, "range": found.range, "milliseconds": round(found.milliseconds, 3),
             "decoder_bytes": len(trial.decoder), "encoder_bytes": len(trial.encoder)}  # fmt: skip
    try:
        return Header(
            kind="decoder",
            name=name,
            config=TrainConfig(data=DataConfig(name=name), model=ModelConfig.model_validate(network)),
            data=DataFacts.model_validate(shape | {"title": name}),
            created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            foreign=ForeignFacts.model_validate(known | {key: value for key, value in said.items() if value}),
        )
    except ValidationError as error:
        raise CheckpointError(explain(error)) from None


def add_decoder(trial: Trial, name: str, **said: str) -> ModelEntry:
    """Keeps a decoder that has passed among the uploaded models, under this name or, if it is taken, this name with a number.

    Raises:
        CheckpointError: the name or something that was said cannot be kept, or the file cannot be written.
    """
    return model_list.add_written(name, lambda path: write_decoder(path, trial, described(trial, path.stem, **said)))


def write_decoder(path: Path, trial: Trial, header: Header) -> None:
    """The model file.

    Raises:
        OSError: it cannot be written.
    """
    import torch

    from vae_core.model_files.checkpoints import ForeignDecoder, save

    files = {"onnx.decoder": trial.decoder, "onnx.encoder": trial.encoder}
    tensors = {name: torch.from_numpy(np.frombuffer(data, np.uint8).copy()) for name, data in files.items() if data}
    save(path, ForeignDecoder(header.config.model), header, tensors)


def change_decoder(path: Path, **said: str) -> None:
    """Describes an imported decoder anew, with any of `CHANGEABLE`; its network stays as it is.

    Raises:
        CheckpointError: it is no imported decoder, something that was said cannot be kept, or the file cannot be written.
    """
    from vae_core.model_files.checkpoints import load, save

    header = load_header(path)
    if header.foreign is None:
        raise CheckpointError(f"{header.name} is not an imported decoder; there is nothing to correct.")
    try:
        foreign = ForeignFacts.model_validate(header.foreign.model_dump() | {key: said[key] for key in CHANGEABLE if key in said})
    except ValidationError as error:
        raise CheckpointError(explain(error)) from None
    checkpoint = load(path)
    try:
        save(path, checkpoint.model, header.model_copy(update={"foreign": foreign}), checkpoint.extras)
    except OSError as error:
        raise CheckpointError(f"{path.name} could not be written: {reason(error)}.") from None
