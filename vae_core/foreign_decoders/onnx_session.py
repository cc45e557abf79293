"""An ONNX network that has passed its trial, run by onnxruntime: z in, pictures in [0, 1] out. Knows no torch."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_core.array_types import Float32s
from vae_core.errors import CheckpointError
from vae_core.foreign_decoders.facts import Layout, Range

BATCH = 32  # pictures in one call, in the trial as well: what the trial has seen of memory and time holds afterwards
CUDA_BYTES = 4 << 30  # of a graphics card's memory
QUIET = 4  # of onnxruntime's levels of logging: what stops the server is in the exception already


class OnnxNetwork:
    """A session; its threads take at most half of the cores, and sleep when there is nothing to do."""

    def __init__(self, data: bytes, *, threads: int | None = None, cuda: bool = False) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or _half_of_the_cores()
        options.inter_op_num_threads = 1
        options.log_severity_level = QUIET
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        there = onnxruntime.get_available_providers()
        on_card = [("CUDAExecutionProvider", {"gpu_mem_limit": CUDA_BYTES})] if cuda and "CUDAExecutionProvider" in there else []
        try:
            self._session = onnxruntime.InferenceSession(data, options, providers=[*on_card, "CPUExecutionProvider"])
        except Exception as error:  # the library has a dozen classes of errors, and no common one
            raise CheckpointError(f"onnxruntime cannot run it: {_first_line(error)}") from None
        self.inputs: list[Any] = self._session.get_inputs()
        self.outputs: list[Any] = self._session.get_outputs()
        size = self.inputs[0].shape[0] if self.inputs and self.inputs[0].shape else None
        self.batch = min(size, BATCH) if isinstance(size, int) else None  # None: any; some files take a fixed number only

    @property
    def on_cuda(self) -> bool:
        """Whether a graphics card computes."""
        return self._session.get_providers()[0] == "CUDAExecutionProvider"

    def run(self, rows: Float32s) -> list[NDArray[Any]]:
        """All outputs for the rows of the one input, in passes of bounded size.

        Raises:
            CheckpointError: the network fails at these rows.
        """
        size = self.batch or BATCH
        parts = [self._pass(rows[start : start + size]) for start in range(0, len(rows), size)]
        return [np.concatenate(column) for column in zip(*parts, strict=True)]

    def _pass(self, rows: Float32s) -> list[NDArray[Any]]:
        missing = self.batch - len(rows) if self.batch else 0
        filled = np.concatenate([rows, np.repeat(rows[-1:], missing, axis=0)]) if missing else rows
        try:
            found = self._session.run(None, {self.inputs[0].name: filled})
        except Exception as error:  # as above
            raise CheckpointError(f"The network failed: {_first_line(error)}") from None
        return [values[: len(rows)] for values in found]


def to_unit(values: NDArray[Any], layout: Layout, value_range: Range) -> Float32s:
    """A decoder's output as pictures (B, C, H, W) in [0, 1]. What is no number is black."""
    pictures: NDArray[Any] = np.nan_to_num(values.astype(np.float32, copy=False), nan=0.0, posinf=1e6, neginf=-1e6)
    if layout == "nhwc":
        pictures = pictures.transpose(0, 3, 1, 2)
    if value_range == "symmetric":
        pictures = (pictures + 1) / 2
    elif value_range == "logits":
        pictures = 1 / (1 + np.exp(-np.clip(pictures, -60, 60)))
    return np.ascontiguousarray(np.clip(pictures, 0, 1), dtype=np.float32)


def from_unit(pictures: Float32s, layout: Layout, value_range: Range) -> Float32s:
    """Pictures (B, C, H, W) in [0, 1] as an encoder takes them that belongs to a decoder of this range."""
    values: NDArray[Any] = pictures * 2 - 1 if value_range == "symmetric" else pictures
    return np.ascontiguousarray(values.transpose(0, 2, 3, 1) if layout == "nhwc" else values, dtype=np.float32)


def draw_z(prior: str, shape: tuple[int, int], seed: int) -> Float32s:
    """z as it was drawn in training, (n, D)."""
    source = np.random.default_rng(seed)
    if prior == "uniform":
        return source.uniform(-1, 1, shape).astype(np.float32)
    return source.standard_normal(shape, dtype=np.float32)


def picture_layout(shape: list[Any]) -> Layout | None:
    """Which of the two layouts a shape (N, a, b, c) has; None for neither. A picture has 1 or 3 channels."""
    if len(shape) != 4:
        return None
    if shape[1] in (1, 3):
        return "nchw"
    return "nhwc" if shape[3] in (1, 3) else None


def _half_of_the_cores() -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // 2)


def _first_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    if "ailed to allocate" in text or "bad_alloc" in text or "bad allocation" in text:
        return "it needs more memory than a decoder may take here."
    return "".join(letter for letter in text if letter.isprintable())[:200]
