"""A model's decoder or encoder as an ONNX graph, written by `torch.onnx.export` and proved against the model before it is kept.

The exporter that traces with `torch.export` was chosen over `onnx.helper`: it writes the sixteen nodes of a decoder that one
would write by hand, and an architecture or a likelihood that is added later needs nothing here. It takes five seconds at first.
"""

from __future__ import annotations

import io
import logging
import warnings
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from vae_core.array_types import Float32s
from vae_core.errors import NoEncoderError
from vae_core.model.architectures import folded
from vae_core.model.posteriors import FullCovariance
from vae_core.model.vae import VAE, DecoderOnly
from vae_core.model_files import checkpoints
from vae_core.model_files.checkpoints import Checkpoint
from vae_core.onnx_export.half_weights import DIGITS, with_half_weights
from vae_core.onnx_export.onnx_files import OnnxExportError, Part

if TYPE_CHECKING:
    import onnx

OPSET = 18
ONE_LEVEL = 1 / 255  # the largest difference between a picture of the file and the model's
ROOM = 0.75  # of that, for rounded weights: other latents than those that were tried may differ a little more
PROBES = 64  # latents of each kind that a file is proved on


class _Decoder(nn.Module):
    def __init__(self, model: VAE | DecoderOnly) -> None:
        super().__init__()
        self.decoder, self.head = folded(model.decoder), model.head

    def forward(self, z: Tensor) -> Tensor:
        return self.head(self.decoder(z).float()).mean.clamp(0, 1)


class _Encoder(nn.Module):
    def __init__(self, model: VAE) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        q = self.model.encode(image)
        return (q.mu, q.marginal_std, q.factor) if isinstance(q, FullCovariance) else (q.mu, q.marginal_std)


def exported(checkpoint: Checkpoint, part: Part, *, half: bool = False) -> onnx.ModelProto:
    """The decoder or the encoder, proved; with `half` its weights are stored as float16 where the pictures stay the same.

    Raises:
        NoEncoderError: the model is a decoder alone.
        OnnxExportError: what the file computes is not what the model computes.
    """
    network, example, names = _network(checkpoint, part)
    graph = _traced(network, example, names)
    graph.producer_name = "latent-walk"
    _describe(graph, checkpoint, part)
    probes = _probes(checkpoint, part)
    wanted = _pictures(checkpoint, part, _computed(network, probes))
    apart = _apart(checkpoint, part, graph, probes, wanted)
    if not apart <= ONE_LEVEL:
        raise OnnxExportError(
            f"The {part} of {checkpoint.header.name} as ONNX draws pictures up to {apart * 255:.1f} of 255 levels from its"
            " own. Train the model a little longer, or with a smaller learning rate: its numbers are very large."
        )
    for digits in (DIGITS - 1, DIGITS) if half else ():
        smaller = with_half_weights(graph, digits)
        if smaller is not None and _apart(checkpoint, part, smaller, probes, wanted) <= ROOM * ONE_LEVEL:
            return smaller
    return graph


def exported_file(path: Path, part: Part, *, half: bool = False) -> bytes:
    """The same of a model file, as the bytes of an .onnx file. An imported decoder is handed out as it came.

    Raises:
        CheckpointError: the file is missing or broken.
        NoEncoderError, OnnxExportError: as `exported`.
    """
    checkpoint = checkpoints.load(path)
    if checkpoint.header.foreign is not None:  # it came in as ONNX: what is handed out is what is kept, to the byte
        if f"onnx.{part}" not in checkpoint.extras:
            raise NoEncoderError(f"The model {checkpoint.header.name!r} is a decoder alone: it has no encoder to export.")
        return checkpoint.extras[f"onnx.{part}"].numpy().tobytes()
    return exported(checkpoint, part, half=half).SerializeToString()


def _network(checkpoint: Checkpoint, part: Part) -> tuple[nn.Module, Tensor, list[str]]:
    model, config = checkpoint.model, checkpoint.header.config.model
    if part == "decoder":
        return _Decoder(model).eval(), torch.zeros(2, config.latent_dim), ["z", "image"]
    if not isinstance(model, VAE):
        raise NoEncoderError(f"The model {checkpoint.header.name!r} is a decoder alone: it has no encoder to export.")
    more = ["covariance_factor"] if model.config.posterior == "full" else []
    return _Encoder(model).eval(), torch.zeros(2, *config.image_shape), ["image", "mean", "std", *more]


def _traced(network: nn.Module, example: Tensor, names: list[str]) -> onnx.ModelProto:
    """One input whose first axis is any number, named first; the outputs after it."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()), torch.no_grad():
        warnings.simplefilter("ignore")  # the exporter's own, about itself
        program = torch.onnx.export(
            network,
            (example,),
            dynamo=True,
            verbose=False,
            opset_version=OPSET,
            input_names=names[:1],
            output_names=names[1:],
            dynamic_shapes=({0: torch.export.Dim("N", min=1)},),
        )
    assert program is not None
    return program.model_proto


def _describe(graph: onnx.ModelProto, checkpoint: Checkpoint, part: Part) -> None:
    """What somebody wants to know who finds the file alone, as its `metadata_props`."""
    import onnx

    header = checkpoint.header
    config = header.config
    facts = {
        "name": header.name,
        "part": part,
        "kind": header.kind,
        "dataset": header.data.title,
        "classes": ", ".join(header.data.classes or ()),
        "latent_dim": str(header.latent_dim),
        "architecture": config.model.architecture,
        "likelihood": "" if header.kind == "autoencoder" else config.model.likelihood,
        "posterior": config.model.posterior if header.has_bound else "",
        "objective": config.objective.summary,
        "quality": header.quality,
        "images_measured": "" if header.metrics is None else f"{header.metrics.images:,} {header.metrics.split} images",
        "created": header.created,
        "training_command": header.command,
        "image_layout": "nchw",
        "image_range": "unit",
        "licence": "None is stated in the model's file. Ask whoever trained it, and see the terms of the dataset.",
    }
    onnx.helper.set_model_props(graph, {key: value for key, value in facts.items() if value})


def _probes(checkpoint: Checkpoint, part: Part) -> Float32s:
    """What the network is tried on: draws from the prior, wider ones and single sliders pulled far; for an encoder their pictures
    and the few training images that the model's file carries."""
    dim = checkpoint.header.latent_dim
    generator = np.random.default_rng(0)
    draws = generator.standard_normal((3 * PROBES, dim), dtype=np.float32)
    draws[PROBES : 2 * PROBES] *= 2
    draws[2 * PROBES :] = 0
    pulled = np.arange(PROBES)
    draws[2 * PROBES + pulled, pulled % dim] = np.where(pulled // dim % 2, 4.0, -4.0)
    if part == "decoder":
        return draws
    pictures = _computed(_Decoder(checkpoint.model).eval(), draws)[0]
    real = checkpoint.extras.get("reference.images")
    return pictures if real is None else np.concatenate([pictures, real[: 2 * PROBES].numpy().astype(np.float32) / 255])


@torch.inference_mode()
def _computed(network: nn.Module, given: Float32s) -> list[Float32s]:
    """The outputs for a batch, as the server computes them: each picture by itself."""
    rows = [network(torch.from_numpy(row[None])) for row in given]
    columns = zip(*((row,) if isinstance(row, Tensor) else row for row in rows), strict=True)
    return [torch.cat(column).numpy() for column in columns]


def _apart(checkpoint: Checkpoint, part: Part, graph: onnx.ModelProto, probes: Float32s, wanted: Float32s) -> float:
    """The largest difference between the pictures of the file and the model's, on their scale from 0 to 1; NaN stays NaN."""
    import onnx
    import onnxruntime

    onnx.checker.check_model(graph, full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])
    found = session.run(None, {session.get_inputs()[0].name: probes})
    return float(np.abs(_pictures(checkpoint, part, found) - wanted).max())


def _pictures(checkpoint: Checkpoint, part: Part, outputs: list[Float32s]) -> Float32s:
    """What a person sees of a network's outputs: an encoder's are decoded, its mean and its mean plus one std."""
    if part == "decoder":
        return outputs[0]
    mean, std = outputs[:2]
    return _computed(_Decoder(checkpoint.model).eval(), np.concatenate([mean, mean + std]))[0]
