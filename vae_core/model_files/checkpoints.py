"""One .safetensors file = one model: weights, and beside them as tensors what maps and nearest images need.

`model.*`            the weights (float32, or float16 to halve the file)
`latents.mu`         (N, D) posterior means of up to 10,000 test images; `latents.std` the same shape
`latents.correlation` (N, D (D - 1) / 2) of each pair of latents, below the diagonal and row by row, of a full posterior
`latents.labels`     (N,) int64; `latents.elbo` (N,) float32, nats
`onnx.decoder`       (bytes,) uint8: an imported decoder, instead of weights; `onnx.encoder` the encoder that came with it
`reference.images`   (K, C, H, W) uint8: a few training images, for a machine without the dataset; `reference.labels` (K,)

Loading executes nothing and checks names, shapes and kinds of all tensors against the config before it makes a model.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_bytes
from safetensors.torch import save_file
from torch import Tensor, nn

from vae_core.config.schema import ModelConfig
from vae_core.errors import CheckpointError
from vae_core.model.autoencoder import Autoencoder
from vae_core.model.vae import VAE, DecoderOnly, drawn
from vae_core.model_files.header import METADATA_KEY, Header, Kind, load_header, open_model_file, parse_header, read_raw_header
from vae_core.system.atomic_write import replaced

__all__ = ["MAX_LATENTS", "Checkpoint", "Header", "load", "load_header", "save"]

MAX_LATENTS = 10_000
_BYTES = {"F16": 2, "BF16": 2, "F32": 4, "I64": 8, "U8": 1}  # of one number
_FLOATS = {"F16", "BF16", "F32"}
_KINDS = {"latents.mu": _FLOATS, "latents.std": _FLOATS, "latents.correlation": _FLOATS,
          "latents.elbo": _FLOATS, "latents.labels": {"I64"},
          "onnx.decoder": {"U8"}, "onnx.encoder": {"U8"},
          "reference.images": {"U8"}, "reference.labels": {"I64"}}  # fmt: skip

NETWORKS: dict[Kind, Callable[[ModelConfig], VAE | DecoderOnly]] = {
    "vae": VAE,
    "autoencoder": Autoencoder,
    "decoder": DecoderOnly,
}


class ForeignDecoder(DecoderOnly):
    """Stands for a decoder that lies in the file as ONNX, among the tensors beside the weights; it has no weights of ours."""

    def __init__(self, config: ModelConfig) -> None:
        nn.Module.__init__(self)
        self.config = config


def network_of(header: Header) -> Callable[[ModelConfig], VAE | DecoderOnly]:
    """What makes the network of a file."""
    return NETWORKS[header.kind] if header.foreign is None else ForeignDecoder


@dataclass(frozen=True)
class Checkpoint:
    """A loaded file: the model in eval mode on the CPU in float32, its header, and the tensors beside the weights."""

    model: VAE | DecoderOnly
    header: Header
    extras: Mapping[str, Tensor] = field(default_factory=dict)


def save(
    path: Path | str, model: VAE | DecoderOnly, header: Header, extras: Mapping[str, Tensor] | None = None, *, half: bool = False
) -> None:
    """Write a model file atomically: readers see the old file or the new one, never a part.

    Args:
        half: store weights as float16.

    Raises:
        OSError: the folder is missing or the disk is full; the file that was there before is untouched.
    """
    path = Path(path)
    tensors = {f"model.{name}": _stored(tensor, half) for name, tensor in model.state_dict().items()}
    tensors |= {name: tensor.detach().cpu().contiguous() for name, tensor in (extras or {}).items()}
    try:
        with replaced(path) as beside:
            beside.touch()
            mode = beside.stat().st_mode  # what the umask allows; the library would leave a file for its owner only
            save_file(tensors, beside, metadata={METADATA_KEY: header.stored()})
            beside.chmod(mode)
    except SafetensorError as error:  # how the library reports a full disk
        raise OSError(f"{path.name} could not be written: {error}") from error


def _stored(tensor: Tensor, half: bool) -> Tensor:
    tensor = tensor.detach().cpu().contiguous()
    return tensor.half() if half and tensor.is_floating_point() else tensor


def load(path: Path | str) -> Checkpoint:
    """A model file as a model that is ready to use.

    Raises:
        CheckpointError: the file is missing, broken, hostile, or does not fit its own config; the sentence says how.
    """
    filename = Path(path).name
    with open_model_file(path) as file:
        raw = read_raw_header(file, filename)
        header = parse_header(raw, filename)
        expected = _expected_weights(header.config.model, network_of(header))
        _check_tensors(raw, expected, header, filename)
        tensors = _read(file, raw, filename)
    weights = {name: tensors.pop(f"model.{name}").to(like.dtype) for name, like in expected.items()}
    _check_finite(weights | tensors, filename)
    return Checkpoint(_assemble(header, weights), header, tensors)


@lru_cache(maxsize=32)
def _expected_weights(config: ModelConfig, network: Callable[[ModelConfig], VAE | DecoderOnly]) -> dict[str, Tensor]:
    with torch.device("meta"):  # shapes without memory, whatever size the config claims
        return network(config).state_dict()


def _check_tensors(raw: Mapping[str, Any], expected: Mapping[str, Tensor], header: Header, filename: str) -> None:
    entries = {name: entry for name, entry in raw.items() if name != "__metadata__"}
    wanted = {f"model.{name}": list(tensor.shape) for name, tensor in expected.items()} | _onnx_files(header)
    without = ("onnx.",) if header.kind != "decoder" else ("onnx.", "latents.")
    beside = {name for name in _KINDS if not name.startswith(without)}
    missing, foreign = wanted.keys() - entries.keys(), entries.keys() - wanted.keys() - beside
    if missing or foreign:
        what = f"{min(missing)} is missing" if missing else f"{min(foreign)[:100]!r} does not belong"
        raise CheckpointError(f"{filename} does not fit its own config: the tensor {what}. Save or download it again.")
    for name, entry in entries.items():
        kinds = _KINDS.get(name) or _weight_kinds(expected, name)
        _check_entry(name, entry, kinds, wanted[name] if name in wanted else _extra_shape(name, entries, header), filename)


def _onnx_files(header: Header) -> dict[str, list[int]]:
    if header.foreign is None:
        return {}
    sizes = {"onnx.decoder": header.foreign.decoder_bytes, "onnx.encoder": header.foreign.encoder_bytes}
    return {name: [size] for name, size in sizes.items() if size}


def _weight_kinds(expected: Mapping[str, Tensor], name: str) -> set[str]:
    return _FLOATS if expected[name.removeprefix("model.")].is_floating_point() else {"I64"}


def _extra_shape(name: str, entries: Mapping[str, Any], header: Header) -> list[int]:
    group, kind = name.split(".")
    first = entries.get(f"{group}.labels", {})
    shape = first.get("shape") if isinstance(first, dict) else None
    count = shape[0] if isinstance(shape, list) and len(shape) == 1 and isinstance(shape[0], int) else -1
    if not 0 < count <= MAX_LATENTS:
        return []
    dim = header.latent_dim
    tail = {"mu": [dim], "std": [dim], "correlation": [dim * (dim - 1) // 2], "images": list(header.config.model.image_shape)}
    return [count, *tail.get(kind, [])]


def _check_entry(name: str, entry: Any, kinds: set[str], shape: list[int], filename: str) -> None:
    kind, got = (entry.get("dtype"), entry.get("shape")) if isinstance(entry, dict) else (None, None)
    if not isinstance(kind, str) or kind not in kinds or got != shape:
        what = f"has shape {str(got)[:100]} of kind {str(kind)[:20]}; expected {shape} of kind {' or '.join(sorted(kinds))}"
        raise CheckpointError(f"{filename} does not fit its own config: the tensor {name} {what}. Save or download it again.")


def _read(file: BinaryIO, raw: Mapping[str, Any], filename: str) -> dict[str, Tensor]:
    """All tensors, from the file whose header was checked; it may hold as many bytes as they need and no more."""
    begins = file.tell()
    needed = sum(math.prod(entry["shape"]) * _BYTES[entry["dtype"]] for name, entry in raw.items() if name != "__metadata__")
    holds = os.fstat(file.fileno()).st_size - begins
    if holds != needed:
        raise CheckpointError(
            f"{filename} is broken: its tensors need {needed:,} bytes and it holds {holds:,}. Save or download it again."
        )
    file.seek(0)
    try:
        return load_bytes(file.read(begins + needed))
    except (SafetensorError, RuntimeError, ValueError) as error:
        raise CheckpointError(f"{filename} is broken ({error}). Save or download it again.") from None


def decoder_alone(checkpoint: Checkpoint) -> Checkpoint:
    """The decoder alone: without encoder, encoded images, and what was measured with them."""
    model = DecoderOnly(checkpoint.header.config.model)
    weights = checkpoint.model.state_dict()
    model.load_state_dict({name: weights[name] for name in model.state_dict()})
    header = checkpoint.header.model_copy(update={"kind": "decoder", "metrics": None, "statistics": None, "factors": {}})
    extras = {name: tensor for name, tensor in checkpoint.extras.items() if not name.startswith("latents.")}
    return Checkpoint(model.eval(), header, extras)


def _check_finite(tensors: Mapping[str, Tensor], filename: str) -> None:
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise CheckpointError(f"{filename} cannot be used: {name} holds values that are not finite. Train the model again.")


def _assemble(header: Header, weights: dict[str, Tensor]) -> VAE | DecoderOnly:
    model = drawn(network_of(header), header.config.model, 0)  # what is not in the file (a fixed sigma) has the config's value
    model.load_state_dict(weights)
    return model.eval()
