"""Weights stored as float16 and cast to float32 when a file is opened: half the bytes, and the same arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import onnx

FEWEST = 256  # numbers of a tensor that is worth a node; biases keep their digits
DIGITS = 10  # binary, of float16


def with_half_weights(graph: onnx.ModelProto, digits: int = DIGITS) -> onnx.ModelProto | None:
    """A copy whose large tensors are float16, each with a Cast under its old name; None where a number is too large for it.

    With fewer digits the last ones are 0: as many bytes, of which gzip makes fewer.
    """
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(graph)
    kept, casts = [], []
    for tensor in copy.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < FEWEST:
            kept.append(tensor)
            continue
        if np.abs(values).max() >= np.finfo(np.float16).max:
            return None
        small = f"{tensor.name}.float16"
        kept.append(onnx.numpy_helper.from_array(_rounded(values.astype(np.float16), DIGITS - digits), small))
        casts.append(onnx.helper.make_node("Cast", [small], [tensor.name], to=onnx.TensorProto.FLOAT))
    nodes = list(copy.graph.node)
    del copy.graph.initializer[:], copy.graph.node[:]
    copy.graph.initializer.extend(kept)
    copy.graph.node.extend([*casts, *nodes])
    return copy


def _rounded(values: NDArray[np.float16], digits: int) -> NDArray[np.float16]:
    """Without so many of their last binary digits; what lies in the middle goes to the even one."""
    if digits == 0:
        return values
    bits: NDArray[np.int64] = values.view(np.uint16).astype(np.int64)
    bits = ((bits + (1 << (digits - 1)) - 1 + ((bits >> digits) & 1)) >> digits) << digits
    return bits.astype(np.uint16).view(np.float16)
