"""python -m vae_core.foreign_decoders.trial_process FOLDER: looks at the files in FOLDER and runs them, within limits.

Reads decoder.onnx and, if it is there, encoder.onnx. Writes what was found to report.json, pictures of draws to draws.npz, and
the accepted files to checked-decoder.onnx and checked-encoder.onnx. A refusal is a sentence in report.json.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from vae_core.array_types import Float32s
from vae_core.errors import CheckpointError
from vae_core.foreign_decoders.check_graph import inputs, is_float, name, parsed, shape_of
from vae_core.foreign_decoders.facts import MAX_FILE_BYTES, PRIORS, Range
from vae_core.foreign_decoders.onnx_session import BATCH, OnnxNetwork, draw_z, from_unit, picture_layout, to_unit
from vae_core.foreign_decoders.same_names import with_names
from vae_core.system.open_untrusted_file import read_regular

MEMORY = 2 << 30  # bytes that parsing and running may take
SECONDS = 40  # of processor time, of all threads
WRITTEN = 2 * MAX_FILE_BYTES  # bytes of one file
NICENESS = 10  # of 19: whoever drags a slider on the same machine comes first
DRAWS = 16  # pictures that are kept for the preview, of each prior
SIDES = range(8, 257)
LATENTS = range(1, 257)
SLOWEST = 200.0  # ms for a picture
BYTES_ABOVE = 30.0  # values that reach this and are never negative are levels from 0 to 255
NEAR = 0.02  # how far pictures of one z may differ between two batches, of a range of 1


def main(folder: Path) -> None:
    """One trial."""
    _limit()
    report: dict[str, Any]
    try:
        report, decoder = try_decoder(read_regular(folder / "decoder.onnx", MAX_FILE_BYTES), folder)
        if (folder / "encoder.onnx").exists():
            try:
                try_encoder(read_regular(folder / "encoder.onnx", MAX_FILE_BYTES), decoder, report, folder)
            except CheckpointError as error:
                raise CheckpointError(f"The encoder: {error}") from None
    except CheckpointError as error:
        report = {"error": str(error)}
    except OSError as error:
        report = {"error": f"The file cannot be read ({error.strerror or error})."}
    except MemoryError:
        report = {"error": "It needs more memory than a decoder may take here."}
    (folder / "report.json").write_text(json.dumps(report))


def _limit() -> None:
    """What the kernel enforces from here on; everything of ours is loaded by now, and nothing of the file's was read."""
    import onnxruntime  # noqa: F401 - its libraries are not to count

    os.nice(NICENESS)
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if Path("/proc/self/statm").exists() else 0
    most = MEMORY + pages * resource.getpagesize()
    for what, limit in (
        (resource.RLIMIT_AS, most), (resource.RLIMIT_CPU, SECONDS), (resource.RLIMIT_FSIZE, WRITTEN), (resource.RLIMIT_CORE, 0),
    ):  # fmt: skip
        try:
            resource.setrlimit(what, (limit, limit))
        except (ValueError, OSError):  # a system that does not know this one, or has a stricter one
            continue


def try_decoder(data: bytes, folder: Path) -> tuple[dict[str, Any], OnnxNetwork]:
    """What the decoder draws, as facts; leaves the accepted file and its draws in the folder.

    Raises:
        CheckpointError: it is none, or cannot be explored here.
    """
    model = parsed(data)
    latent_dim = _check_input(model.graph)
    if len(model.graph.output) != 1:
        names = ", ".join(name(one.name) for one in model.graph.output[:5])
        raise CheckpointError(f"It has {len(model.graph.output)} outputs ({names}); a decoder has one, the image.")
    checked = with_names(data, model, "z", ["image"])
    network = OnnxNetwork(checked)
    draws = {prior: _pictures(network, draw_z(prior, (DRAWS, latent_dim), 0)) for prior in PRIORS}
    normal = draws["normal"]
    layout = picture_layout(list(normal.shape))
    height, width, channels = normal.shape[2:] + normal.shape[1:2] if layout == "nchw" else normal.shape[1:]
    if layout is None or height not in SIDES or width not in SIDES:
        raise CheckpointError(
            f"Its output has the shape {_words(normal.shape)}; an image is (N, C, H, W) or (N, H, W, C) with 1 or 3 channels and "
            f"{SIDES.start} to {SIDES.stop - 1} pixels a side."
        )
    _check_it_is_a_function(network, latent_dim, normal)
    value_range = _range(normal, _last_operator(model))
    milliseconds = _milliseconds(network, latent_dim)
    (folder / "checked-decoder.onnx").write_bytes(checked)
    np.savez(folder / "draws.npz", normal=draws["normal"], uniform=draws["uniform"])
    return {
        "latent_dim": latent_dim, "height": height, "width": width, "channels": channels, "layout": layout, "range": value_range,
        "low": float(normal.min()), "high": float(normal.max()), "milliseconds": milliseconds, "nodes": len(model.graph.node),
    }, network  # fmt: skip


def _check_input(graph: onnx.GraphProto) -> int:
    """The size of z."""
    given = inputs(graph)
    if len(given) != 1:
        names = ", ".join(name(one.name) for one in given[:5])
        raise CheckpointError(f"It has {len(given)} inputs ({names}); a decoder has one, z. Bind the others to constants.")
    shape = shape_of(given[0])
    good = shape is not None and (len(shape) == 2 or (len(shape) == 4 and shape[2:] == [1, 1]))
    if shape is None or not good or not is_float(given[0]):
        said = "of no known shape" if shape is None else f"of the shape {_words(shape)}"
        kind = "" if is_float(given[0]) else ", not of float32"
        raise CheckpointError(f"Its input is {said}{kind}; z is (N, D) or (N, D, 1, 1), of float32.")
    if shape[1] not in LATENTS:
        raise CheckpointError(f"Its z has {shape[1] or 'an open number of'} dimensions; 1 to {LATENTS.stop - 1} can be explored.")
    if shape[0] is not None and not 1 <= shape[0] <= BATCH:
        raise CheckpointError(f"It takes {shape[0]} z at a time; at most {BATCH}. Export it with a free first dimension.")
    return int(shape[1] or 0)


def _pictures(network: OnnxNetwork, z: Float32s) -> NDArray[Any]:
    if len(network.outputs) != 1 or network.outputs[0].type != "tensor(float)":
        raise CheckpointError(f"Its output is a {network.outputs[0].type}; an image is a tensor of float32.")
    (found,) = network.run(z)
    if found.ndim != 4 or len(found) != len(z):
        raise CheckpointError(
            f"Its output for {len(z)} z has the shape {_words(found.shape)}; an image is (N, C, H, W) or (N, H, W, C), one for "
            "each z."
        )
    if not np.isfinite(found).all():
        raise CheckpointError("Its pictures hold values that are not numbers (NaN or infinite). Look at its weights.")
    return found


def _check_it_is_a_function(network: OnnxNetwork, latent_dim: int, known: NDArray[Any]) -> None:
    """The same z gives the same picture, alone and in a full batch; another z gives another."""
    z = draw_z("normal", (DRAWS, latent_dim), 0)
    full = np.concatenate([z, draw_z("normal", (BATCH - DRAWS, latent_dim), 1)])
    alone, among = _pictures(network, z[:1])[0], _pictures(network, full)
    scale = max(1.0, float(np.ptp(known)))
    if alone.shape != among[0].shape:
        raise CheckpointError("Its pictures change their size with the number of z.")
    if max(np.abs(alone - among[0]).max(), np.abs(among[: len(known)] - known).max()) > NEAR * scale:
        raise CheckpointError(
            "The same z gives different pictures, depending on what else is in the batch or on chance. Export it in evaluation "
            "mode (model.eval() in PyTorch, training=False in Keras)."
        )
    if float(np.abs(among - among[:1]).max()) == 0:
        raise CheckpointError("It draws the same picture for every z, so there is nothing to explore.")


def _last_operator(model: onnx.ModelProto) -> str:
    """What makes the values of the output, looked for behind operators that only move them."""
    made_by = {output: node for node in model.graph.node for output in node.output}
    wanted = model.graph.output[0].name
    while (node := made_by.get(wanted)) is not None:
        if node.op_type not in ("Cast", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze") or not node.input:
            return node.op_type
        wanted = node.input[0]
    return ""


def _range(pictures: NDArray[Any], last: str) -> Range:
    low, high = float(pictures.min()), float(pictures.max())
    if low >= -0.5 and high > BYTES_ABOVE:
        raise CheckpointError(
            f"Its values run from {low:.3g} to {high:.3g}, like levels from 0 to 255. Divide them by 255 before the export."
        )
    if last == "Sigmoid" or (low >= -0.01 and high <= 1.01):
        return "unit"
    if last in ("Tanh", "Erf", "Softsign") or (-1.05 <= low <= -0.35 and high <= 1.05):
        return "symmetric"
    return "unit" if low >= -0.35 and high <= 1.35 else "logits"


def _milliseconds(network: OnnxNetwork, latent_dim: int) -> float:
    """For one picture, the median of a few."""
    taken = []
    for seed in range(7):
        z = draw_z("normal", (1, latent_dim), seed)
        began = time.process_time()  # of a processor: a busy machine does not make a decoder slow
        network.run(z)
        taken.append(1000 * (time.process_time() - began))
    found = float(np.median(taken))
    if found > SLOWEST:
        raise CheckpointError(f"It takes {found:.0f} ms for one picture here; at most {SLOWEST:.0f} ms can be explored.")
    return found


def try_encoder(data: bytes, decoder: OnnxNetwork, report: dict[str, Any], folder: Path) -> None:
    """Whether the encoder takes the decoder's pictures to codes of its size.

    Raises:
        CheckpointError: it does not.
    """
    model = parsed(data)
    given = inputs(model.graph)
    if len(given) != 1 or not is_float(given[0]) or not 1 <= len(model.graph.output) <= 3:
        raise CheckpointError("an encoder has one input, the image of float32, and its first output is the code (N, D).")
    checked = with_names(data, model, "image", ["mean"])
    network = OnnxNetwork(checked)
    layout = picture_layout(list(shape_of(given[0]) or [])) or report["layout"]
    z = draw_z("normal", (4, report["latent_dim"]), 2)
    (drawn,) = decoder.run(z)
    code = network.run(from_unit(to_unit(drawn, report["layout"], report["range"]), layout, report["range"]))[0]
    if code.shape != z.shape:
        raise CheckpointError(
            f"its code of {len(z)} images has the shape {_words(code.shape)}; the decoder takes {_words(z.shape)}."
        )
    if not np.isfinite(code).all():
        raise CheckpointError("its codes hold values that are not numbers (NaN or infinite).")
    report["encoder_layout"] = layout
    (folder / "checked-encoder.onnx").write_bytes(checked)


def _words(shape: Any) -> str:
    return "(" + ", ".join("open" if size is None else str(size) for size in shape) + ")"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
