"""Weights stored as float16 and cast to float32 when a file is opened: half the bytes, and the same arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import onnx

FEWEST = 256  # numbers of a tensor that is worth a node; biases keep their digits


def with_half_weights(graph: onnx.ModelProto) -> onnx.ModelProto | None:
    """A copy whose large tensors are float16, each with a Cast under its old name; None where a number is too large for it."""
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(graph)
    kept, casts = [], []
    for tensor in copy.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < FEWEST:
            kept.append(tensor)
            continue
        if np.abs(values).max() > np.finfo(np.float16).max:
            return None
        small = f"{tensor.name}.float16"
        kept.append(onnx.numpy_helper.from_array(values.astype(np.float16), small))
        casts.append(onnx.helper.make_node("Cast", [small], [tensor.name], to=onnx.TensorProto.FLOAT))
    nodes = list(copy.graph.node)
    del copy.graph.initializer[:], copy.graph.node[:]
    copy.graph.initializer.extend(kept)
    copy.graph.node.extend([*casts, *nodes])
    return copy
