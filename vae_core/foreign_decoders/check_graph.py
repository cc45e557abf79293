"""What an ONNX graph may hold, decided without running it. Only the process of a trial imports this.

The rule is that the cost of a picture must not depend on z: then what was seen in the trial holds for every z. So there are no
loops, branches or functions, only operators of the table below, and no value that is computed from z may determine a shape.
"""

from __future__ import annotations

from collections.abc import Iterator

import onnx
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto

from vae_core.errors import CheckpointError

MOST_NODES = 5000
MOST_WEIGHTS = 5000  # tensors
MOST_INPUTS = 300  # of one node
MOST_ELEMENTS = 1 << 28  # of one tensor in the file
DEEPEST = 8  # dimensions
LEAST_OPSET = 7
SHOWN = 60  # characters of a name in the file that are repeated

_ELEMENTWISE = (
    "Abs Acos Acosh Add And Asin Asinh Atan Atanh BitShift Cast CastLike Ceil Celu Clip Cos Cosh Div Dropout Elu Equal Erf "
    "Exp EyeLike Floor Gelu Greater GreaterOrEqual HardSigmoid HardSwish Identity IsInf IsNaN LeakyRelu Less LessOrEqual "
    "Log Max Mean Min Mish Mod Mul Neg Not Or PRelu Pow Reciprocal Relu Round Selu Sigmoid Sign Sin Sinh Softplus Softsign Sqrt "
    "Sub Sum Swish Tan Tanh ThresholdedRelu Where Xor"
)
_LAYERS = (
    "ArgMax ArgMin AveragePool BatchNormalization Conv ConvTranspose DepthToSpace DequantizeLinear Einsum Flatten Gather "
    "GatherElements GatherND Gemm GlobalAveragePool GlobalLpPool GlobalMaxPool GridSample GroupNormalization Hardmax "
    "InstanceNormalization LRN LayerNormalization LogSoftmax LpNormalization LpPool MatMul MaxPool MeanVarianceNormalization "
    "QuantizeLinear RMSNormalization ScatterElements ScatterND Softmax SpaceToDepth Transpose"
)
_CONSTANT = "Concat Constant Shape Size"
# Operators with inputs that determine a shape: the number of the first of them.
_SHAPED = {
    "ConstantOfShape": 0, "Range": 0,
    "CumSum": 1, "Expand": 1, "OneHot": 1, "Pad": 1, "Reshape": 1, "Resize": 1, "Slice": 1, "Split": 1, "Squeeze": 1, "Tile": 1,
    "TopK": 1, "Trilu": 1, "Unsqueeze": 1, "Upsample": 1,
    **dict.fromkeys(("ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin",
                     "ReduceProd", "ReduceSum", "ReduceSumSquare"), 1),
}  # fmt: skip
ALLOWED = frozenset(f"{_ELEMENTWISE} {_LAYERS} {_CONSTANT}".split()) | _SHAPED.keys()
_FORGETS = {"Shape", "Size"}  # a shape is never computed from values, so what is computed from it is not either
_BRANCHES = {"If", "Loop", "Scan", "SequenceMap"}
_RANDOM = {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli"}
_ONNX = ("", "ai.onnx")


def parsed(data: bytes) -> ModelProto:
    """The file as a model whose graph is worth a trial.

    Raises:
        CheckpointError: it is none, or holds what is not run here.
    """
    try:
        model = onnx.load_model_from_string(data)
    except Exception:  # the library's own error, or a fault of it: none is told apart by its class
        raise CheckpointError("It is not an ONNX file, or it was cut short. Export the decoder again.") from None
    if not model.graph.node or not model.opset_import:
        raise CheckpointError("It is not an ONNX file: it holds no network. Export the decoder again.")
    _check_versions(model)
    if model.functions or model.training_info:
        raise CheckpointError(
            "It holds functions of its own, which are not run here. Inline them (onnx.inliner.inline_local_functions)."
        )
    _check_tensors(model.graph)
    for node in model.graph.node:
        _check_node(node)
    _check_shapes_do_not_depend_on_z(model.graph)
    return model


def inputs(graph: GraphProto) -> list[onnx.ValueInfoProto]:
    """What has to be given; weights may be listed among the inputs too."""
    known = {weight.name for weight in graph.initializer}
    return [value for value in graph.input if value.name not in known]


def shape_of(value: onnx.ValueInfoProto) -> list[int | None] | None:
    """The lengths that a value declares, None for one that is open; None for a value without a shape."""
    if not value.type.tensor_type.HasField("shape"):
        return None
    return [size.dim_value if size.HasField("dim_value") else None for size in value.type.tensor_type.shape.dim]


def is_float(value: onnx.ValueInfoProto) -> bool:
    """Whether its numbers are float32."""
    return value.type.tensor_type.elem_type == TensorProto.FLOAT


def name(text: str) -> str:
    """A name from the file as it can be shown."""
    return repr(text[:SHOWN])


def _check_versions(model: ModelProto) -> None:
    newest = onnx.defs.onnx_opset_version()
    versions = [used.version for used in model.opset_import if used.domain in _ONNX]
    if len(versions) != 1 or not LEAST_OPSET <= versions[0] <= newest:
        got = versions[0] if versions else "none"
        raise CheckpointError(
            f"It uses operator set {got}; {LEAST_OPSET} to {newest} are run here. Export it with opset_version=18, for example."
        )
    if len(model.graph.node) > MOST_NODES or len(model.graph.initializer) > MOST_WEIGHTS:
        raise CheckpointError(
            f"It has {len(model.graph.node):,} nodes and {len(model.graph.initializer):,} tensors; at most {MOST_NODES:,} and "
            f"{MOST_WEIGHTS:,} are taken. Simplify it (constant folding) and try again."
        )


def _check_tensors(graph: GraphProto) -> None:
    if graph.sparse_initializer:
        raise CheckpointError("It holds sparse weights, which are not run here. Export it with dense ones.")
    for tensor in _tensors(graph):
        if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
            raise CheckpointError(
                f"Its tensor {name(tensor.name)} lies in another file, which is never opened. Save the decoder as one file: "
                "onnx.save(model, path, save_as_external_data=False)."
            )
        elements = 1
        for size in tensor.dims:
            elements *= max(0, size)
        if any(size < 0 for size in tensor.dims) or elements > MOST_ELEMENTS or len(tensor.dims) > DEEPEST:
            shape = " x ".join(map(str, tensor.dims[:DEEPEST]))
            raise CheckpointError(f"Its tensor {name(tensor.name)} says it has the shape {shape}, which is too large.")


def _tensors(graph: GraphProto) -> Iterator[TensorProto]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == AttributeProto.TENSOR or attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors


def _check_node(node: NodeProto) -> None:
    if node.domain not in _ONNX:
        raise CheckpointError(
            f"It uses the custom operator {name(node.domain)}.{name(node.op_type)}; only ONNX's own operators are run here."
        )
    if node.op_type in _BRANCHES or any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute):
        raise CheckpointError(
            f"It has a loop or a branch ({name(node.op_type)}), whose cost cannot be known before it is run. Export the decoder "
            "without control flow."
        )
    if node.op_type in _RANDOM:
        raise CheckpointError(
            f"It draws random numbers ({node.op_type}): its picture would not depend on z alone. Export it with fixed noise."
        )
    if node.op_type not in ALLOWED:
        raise CheckpointError(f"It uses the operator {name(node.op_type)}, which is not run here. Export it without.")
    if len(node.input) > MOST_INPUTS or len(node.output) > MOST_INPUTS:
        raise CheckpointError(f"Its node {name(node.name)} has more than {MOST_INPUTS} inputs or outputs.")


def _check_shapes_do_not_depend_on_z(graph: GraphProto) -> None:
    """Follows what is computed from z's values through the nodes, which must stand in an order in which they can be computed."""
    known = {"", *(weight.name for weight in graph.initializer), *(value.name for value in graph.input)}
    computed = {value.name for value in inputs(graph)}
    for node in graph.node:
        outputs = {output for output in node.output if output}
        if not known.issuperset(node.input) or known & outputs:
            raise CheckpointError(
                f"Its node {name(node.name)} is not in order: it uses a value before it is computed, or computes one again."
            )
        known |= outputs
        first = _SHAPED.get(node.op_type)
        if first is not None and any(given in computed for given in node.input[first:]):
            raise CheckpointError(
                f"A shape in it is computed from z (at the operator {node.op_type}), so that its cost is not known before it is "
                "run. Export it with a fixed image size."
            )
        if node.op_type not in _FORGETS and any(given in computed for given in node.input):
            computed |= outputs
