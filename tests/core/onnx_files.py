"""ONNX decoders for tests: good ones of several origins, and a folder of broken ones."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, INT = TensorProto.FLOAT, TensorProto.INT64


def packed(nodes, z, image, weights=None, *, outputs=None, opset=18, domains=(), functions=()):
    """A file of these nodes: `z` and `image` are shapes, weights {name: array}."""
    outputs = outputs or [helper.make_tensor_value_info("image", FLOAT, image)]
    kept = [array if isinstance(array, TensorProto) else numpy_helper.from_array(np.asarray(array), name)
            for name, array in (weights or {}).items()]  # fmt: skip
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("z", FLOAT, z)], outputs, kept)
    imported = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    return helper.make_model(graph, opset_imports=imported, functions=list(functions), ir_version=9).SerializeToString()


def node(kind, given, answer, **attributes):
    return helper.make_node(kind, given.split(), answer.split(), **attributes)


def weights_of(latent_dim, values, seed=0):
    return np.random.default_rng(seed).standard_normal((latent_dim, values)).astype(np.float32)


def nhwc(latent_dim=3, height=12, width=10, channels=3):
    """Written by hand as TensorFlow would: (N, H, W, C), a sigmoid at the end."""
    nodes = [node("MatMul", "z w", "a"), node("Reshape", "a shape", "b"), node("Sigmoid", "b", "image")]
    weights = {"w": weights_of(latent_dim, height * width * channels), "shape": np.array([-1, height, width, channels])}
    return packed(nodes, ["N", latent_dim], ["N", height, width, channels], weights)


def logits(latent_dim=4, side=16):
    """(N, 1, H, W), without anything at the end."""
    nodes = [node("MatMul", "z w", "a"), node("Reshape", "a shape", "image")]
    weights = {"w": 3 * weights_of(latent_dim, side * side), "shape": np.array([-1, 1, side, side])}
    return packed(nodes, ["N", latent_dim], ["N", 1, side, side], weights)


def dcgan(latent_dim=100, width=8):
    """Radford et al. 2016, as PyTorch's tutorial has it: (N, 100, 1, 1), 64 x 64 in colour, batch norm, tanh."""
    nodes, weights, value, channels = [], {}, "z", latent_dim
    for index, (out, stride) in enumerate([(8 * width, 1), (4 * width, 2), (2 * width, 2), (width, 2), (3, 2)]):
        smooth = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / (36 if stride == 1 else 16)  # blobs that can be looked at
        drawn = np.random.default_rng(index).normal(0, 1.4 / np.sqrt(channels), (channels, out, 1, 1)) * smooth
        weights[f"w{index}"] = drawn.astype(np.float32)
        pads = [0] * 4 if stride == 1 else [1] * 4
        nodes.append(node("ConvTranspose", f"{value} w{index}", f"c{index}", strides=[stride] * 2, pads=pads))
        if index == 4:
            break
        for name, content in {"s": np.ones, "b": np.zeros, "m": np.zeros, "v": np.ones}.items():
            weights[f"{name}{index}"] = content(out, dtype=np.float32)
        nodes.append(node("BatchNormalization", f"c{index} s{index} b{index} m{index} v{index}", f"n{index}"))
        nodes.append(node("Relu", f"n{index}", f"r{index}"))
        value, channels = f"r{index}", out
    nodes.append(node("Tanh", "c4", "image"))
    return packed(nodes, ["N", latent_dim, 1, 1], ["N", 3, 64, 64], weights)


def encoder(latent_dim=4, side=16):
    """The mean of a code, for `logits`."""
    nodes = [node("Flatten", "z", "a"), node("MatMul", "a w", "image")]
    return packed(nodes, ["N", 1, side, side], ["N", latent_dim], {"w": weights_of(side * side, latent_dim) / side})


def _grown(nodes, weights, image=("N", 1, 8, 8), **more):
    """A good small decoder whose values go through some more nodes, from `a` to `image`."""
    first = [node("MatMul", "z w", "flat"), node("Reshape", "flat s", "a")]
    known = {"w": weights_of(2, 64), "s": np.array([-1, 1, 8, 8])}
    return packed([*first, *nodes], ["N", 2], list(image), known | weights, **more)


def _outside(location):
    tensor = TensorProto(name="far", data_type=FLOAT, dims=[64], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value=location)
    return _grown([node("Add", "a far", "image")], {"far": tensor})


def _loop(kind="Loop"):
    true, many = np.array(True), np.array(2**62)
    body = helper.make_graph(
        [node("Identity", "go", "go_on"), node("Identity", "x", "y")], "body",
        [helper.make_tensor_value_info("i", INT, []), helper.make_tensor_value_info("go", TensorProto.BOOL, []),
         helper.make_tensor_value_info("x", FLOAT, None)],
        [helper.make_tensor_value_info("go_on", TensorProto.BOOL, []), helper.make_tensor_value_info("y", FLOAT, None)],
    )  # fmt: skip
    if kind == "Loop":
        return _grown([node("Loop", "many true a", "image", body=body)], {"many": many, "true": true})
    side = helper.make_graph([node("Identity", "a", "y")], "side", [], [helper.make_tensor_value_info("y", FLOAT, None)])
    return _grown([node("If", "true", "image", then_branch=side, else_branch=side)], {"true": true})


def _function():
    made = helper.make_function("mine", "Twice", ["x"], ["y"], [node("Add", "x x", "y")], [helper.make_opsetid("", 18)])
    return _grown([helper.make_node("Twice", ["a"], ["image"], domain="mine")], {}, domains=["mine"], functions=[made])


def _doubled(times=40):
    """Concat of a value with itself, again and again: a small file that asks for terabytes."""
    nodes, value = [], "a"
    for index in range(times):
        nodes.append(node("Concat", f"{value} {value}", f"d{index}", axis=2))
        value = f"d{index}"
    return _grown([*nodes, node("ReduceMean", f"{value} axis", "image")], {"axis": np.array([2])})


def broken():
    """name -> (file, what is said of it)."""
    good, image = logits(), helper.make_tensor_value_info("image", FLOAT, ["N", 1, 8, 8])
    huge = TensorProto(name="h", data_type=FLOAT, dims=[1 << 20, 1 << 20], raw_data=b"")
    two = [image, helper.make_tensor_value_info("other", FLOAT, ["N", 1, 8, 8])]
    training = [node("BatchNormalization", "a one zero zero one", "image m v", training_mode=1)]
    of_one = {"one": np.ones(1, "f4"), "zero": np.zeros(1, "f4")}
    return {
        "empty": (b"", "not an ONNX file"),
        "truncated": (good[: len(good) // 2], "not an ONNX file|cannot run it"),
        "random": (np.random.default_rng(0).bytes(5000), "not an ONNX file"),
        "a-model-of-ours": (b"\x40\0\0\0\0\0\0\0{}" + bytes(100), "not an ONNX file"),
        "outside": (_outside("../../../../etc/passwd"), "lies in another file, which is never opened"),
        "outside-absolute": (_outside("/etc/passwd"), "lies in another file"),
        "custom-operator": (_grown([helper.make_node("Evil", ["a"], ["image"], domain="com.evil")], {}, domains=["com.evil"]),
                            "custom operator 'com.evil'.'Evil'"),
        "a-function": (_function(), "functions of its own"),
        "endless-loop": (_loop(), r"a loop or a branch \('Loop'\)"),
        "a-branch": (_loop("If"), "a loop or a branch"),
        "random-numbers": (_grown([node("RandomNormalLike", "a", "r"), node("Add", "a r", "image")], {}), "random numbers"),
        "huge-weight": (_grown([node("Add", "a h", "image")], {"h": huge}), "too large"),
        "huge-constant": (_grown([node("ConstantOfShape", "n", "c"), node("ReduceMean", "c", "m"), node("Add", "a m", "image")],
                                 {"n": np.array([160_000, 160_000])}), "cannot run it|failed|too much memory|ended before"),
        "doubled": (_doubled(), "cannot run it|failed|too much memory|ended before"),
        "size-from-z": (_grown([node("ReduceMax", "z", "m", keepdims=0), node("Cast", "m", "i", to=INT),
                                node("Unsqueeze", "i zero", "n"), node("Expand", "a n", "image")], {"zero": np.array([0])}),
                        "A shape in it is computed from z"),
        "out-of-order": (_grown([node("Add", "b a", "image"), node("Relu", "a", "b")], {}), "not in order"),
        "nan": (_grown([node("Sub", "a a", "n"), node("Div", "n n", "image")], {}), "not numbers"),
        "two-outputs": (_grown([node("Relu", "a", "image"), node("Neg", "a", "other")], {}, outputs=two), "2 outputs"),
        "two-inputs": (_two_inputs(), r"2 inputs \('z', 'label'\)"),
        "z-of-rank-3": (packed([node("Sigmoid", "z", "image")], ["N", 8, 8], ["N", 8, 8]), r"the shape \(open, 8, 8\); z is"),
        "z-without-size": (packed([node("Sigmoid", "z", "image")], ["N", "D"], ["N", "D"]), "an open number of dimensions"),
        "z-too-long": (packed([node("Sigmoid", "z", "image")], ["N", 100_000], ["N", 100_000]), "100000 dimensions"),
        "image-of-rank-2": (packed([node("Sigmoid", "z", "image")], ["N", 9], ["N", 9]), r"has the shape \(16, 9\)"),
        "no-channels": (_grown([node("Slice", "a from to axis", "image")],
                               {"from": np.array([0]), "to": np.array([0]), "axis": np.array([1])}), "the shape"),
        "five-channels": (_grown([node("Concat", "a a a a a", "image", axis=1)], {}), r"\(16, 5, 8, 8\)"),
        "tiny-pictures": (packed([node("Reshape", "z s", "image")], ["N", 4], ["N", 1, 2, 2], {"s": np.array([-1, 1, 2, 2])}),
                          "8 to 256 pixels a side"),
        "lies-about-its-shape": (_grown([node("Reshape", "a other", "image")], {"other": np.array([-1, 8])}), "shape"),
        "a-batch-in-training-mode": (_grown(training, of_one), "depending on what else is in the batch|outputs|cannot run it"),
        "one-picture-for-all": (_grown([node("Mul", "a none", "image")], {"none": np.zeros(1, "f4")}), "the same picture"),
        "levels-to-255": (_grown([node("Sigmoid", "a", "b"), node("Mul", "b top", "image")], {"top": np.array([255], "f4")}),
                          "Divide them by 255"),
        "an-opset-of-the-future": (_grown([node("Relu", "a", "image")], {}, opset=999), "operator set 999"),
    }  # fmt: skip


def _two_inputs():
    model = onnx.load_model_from_string(logits())
    model.graph.input.append(helper.make_tensor_value_info("label", FLOAT, ["N", 10]))
    return model.SerializeToString()
