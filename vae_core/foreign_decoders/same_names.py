"""An accepted graph under the names that all of ours use: a decoder is `z` (N, D) -> `image`, an encoder `image` -> `mean`."""

from __future__ import annotations

from typing import Any

import onnx
from onnx import GraphProto, ModelProto, TensorProto, helper

from vae_core.foreign_decoders.check_graph import inputs, shape_of


def with_names(data: bytes, model: ModelProto, given: str, answers: list[str]) -> bytes:
    """The file with its one input and its first outputs called so, and a z of (N, D, 1, 1) taken as (N, D).

    A file that is so already comes back to the byte.
    """
    graph = model.graph
    value = inputs(graph)[0]
    shape = shape_of(value) or []
    flat = given != "z" or len(shape) == 2
    if flat and value.name == given and [output.name for output in graph.output][: len(answers)] == answers:
        return data
    _rename(graph, value.name, given if flat else f"{given}_as_image")
    if not flat:
        _take_flat(graph, value, given, shape)
    for output, answer in zip(list(graph.output), answers, strict=False):
        _rename(graph, output.name, answer)
    return model.SerializeToString()


def _take_flat(graph: GraphProto, value: onnx.ValueInfoProto, given: str, shape: list[Any]) -> None:
    as_image = value.name
    _rename(graph, given, f"{given}_of_its_own")
    _rename(graph, f"{given}_shape", f"{given}_shape_of_its_own")
    target = helper.make_tensor(f"{given}_shape", TensorProto.INT64, [4], [-1, shape[1], 1, 1])
    graph.initializer.append(target)
    graph.node.insert(0, helper.make_node("Reshape", [given, target.name], [as_image]))
    size = value.type.tensor_type.shape.dim[0]
    count = size.dim_value if size.HasField("dim_value") else size.dim_param or "N"
    value.CopyFrom(helper.make_tensor_value_info(given, TensorProto.FLOAT, [count, shape[1]]))


def _rename(graph: GraphProto, old: str, new: str) -> None:
    """Gives a value another name; one that has this name already steps aside."""
    if old == new:
        return
    if new in _names(graph):
        _rename(graph, new, f"{new}_of_its_own")
    for values in (graph.input, graph.output, graph.value_info, graph.initializer):
        for value in values:
            if value.name == old:
                value.name = new
    for node in graph.node:
        for names in (node.input, node.output):
            for index, used in enumerate(names):
                if used == old:
                    names[index] = new


def _names(graph: GraphProto) -> set[str]:
    used = {name for node in graph.node for name in (*node.input, *node.output)}
    return used | {value.name for values in (graph.input, graph.output, graph.initializer) for value in values}
