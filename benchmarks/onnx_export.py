"""Each shipped model as ONNX: how long it takes, how large the files are, and how far their pictures are from the server's.

    python -m benchmarks.onnx_export [--points 1000]

Every file is made as the app makes it, by a child process, once for the decoder and once for the encoder, as float32 and with
float16 weights. The baseline is the model's own decoder in torch. Pictures are compared at draws from N(0, 1.5^2 I), in levels
of 255; milliseconds are medians of single pictures by onnxruntime and by torch with one thread. The last table is what a visitor
of a published page loads: decoder, encoder and onnxruntime-web, as they are sent.
"""

from __future__ import annotations

import argparse
import gzip
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch

from benchmarks import report
from tools.renew_onnxruntime_web import FOLDER
from vae_core import onnx_export
from vae_core.latent.latent_model import LatentModel, open_model
from vae_core.onnx_export import Part
from vae_core.publish.write_page import MODULE, WASM

CHECKPOINTS = Path(__file__).parents[1] / "checkpoints"
COLUMNS = ("model, file", "made in, s", "MB", "MB packed", "largest difference, levels", "ms a picture", "ms by torch")
Row = tuple[object, ...]
Outputs = list[np.ndarray]


def measure(path: Path, part: Part, half: bool, points: int) -> tuple[Row, int]:
    """A row of the table, and how many bytes are sent."""
    begin = time.perf_counter()
    packed = onnx_export.made(onnx_export.onnx_file(path, part, half=half)).read_bytes()
    seconds, data = time.perf_counter() - begin, gzip.decompress(packed)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def run(given: np.ndarray) -> Outputs:
        return session.run(None, {name: given})

    model = open_model(path, device="cpu")
    z = model.sample_prior(points, 0, temperature=1.5)
    given = z if part == "decoder" else model.decode_float(z)
    theirs: Callable[[np.ndarray], Any] = model.decode if part == "decoder" else model.posterior_means
    times = (_median(run, given), _median(theirs, given))
    row = (f"{path.stem} {part} {'float16' if half else 'float32'}", f"{seconds:.1f}", f"{len(data) / 1e6:.2f}")
    apart = levels(model, part, run, given)
    return (*row, f"{len(packed) / 1e6:.2f}", apart, *(f"{one:.2f}" for one in times)), len(packed)


def levels(model: LatentModel, part: Part, run: Callable[[np.ndarray], Outputs], given: np.ndarray) -> int:
    """The largest difference of two pixels: of pictures, or of the pictures of two codes."""
    worst = 0
    for one in given:
        found, wanted = run(one[None])[0], one[None]
        if part == "decoder":
            drawn, server = np.rint(found * 255).transpose(0, 2, 3, 1), model.decode(wanted)
        else:
            drawn, server = model.decode(found), model.decode(model.posterior_means(wanted))
        worst = max(worst, int(np.abs(drawn.astype(int) - server.astype(int)).max()))
    return worst


def _median(run: Callable[[np.ndarray], object], given: np.ndarray) -> float:
    times = []
    for one in given[:200]:
        begin = time.perf_counter()
        run(one[None])
        times.append(1000 * (time.perf_counter() - begin))
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=1000)
    points = parser.parse_args().points
    torch.set_num_threads(1)
    runtime = sum((FOLDER / f"{name}.gz").stat().st_size for name in (MODULE, WASM))
    rows, sent = [], []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["VAE_RUNS"] = folder
        for path in sorted(CHECKPOINTS.glob("*.safetensors")):
            sizes = {}
            for part in ("decoder", "encoder"):
                for half in (False, True):
                    row, sizes[part, half] = measure(path, part, half, points)
                    rows.append(row)
            decoder, encoder = sizes["decoder", True], sizes["encoder", True]
            sent.append((path.stem, *(f"{size / 1e6:.2f}" for size in (decoder, encoder, runtime, decoder + encoder + runtime))))
    columns = ("sent, MB", "decoder", "encoder", "onnxruntime-web", "together")
    command = f"python -m benchmarks.onnx_export --points {points}"
    report.write("onnx_export", command, [report.table(COLUMNS, rows), report.table(columns, sent)])


if __name__ == "__main__":
    main()
