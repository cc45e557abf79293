"""`export`: a model as a file for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vae_core.cli.console import err, model_path, out
from vae_core.cli.evaluate_and_list import Model


def export(
    model: Model,
    onnx: Annotated[bool, typer.Option("--onnx", help="As ONNX, which other programs and browsers run; the only kind.")] = False,
    out_path: Annotated[
        Path | None, typer.Option("--out", help="The .onnx file to write; by default NAME.onnx here.", show_default=False)
    ] = None,
    encoder: Annotated[bool, typer.Option("--encoder", help="The encoder instead of the decoder.")] = False,
    half: Annotated[
        bool, typer.Option("--half", help="Weights as float16 where no picture changes by more than one level of 255.")
    ] = False,
) -> None:
    """Save the decoder of a model, or its encoder, as a file for other programs."""
    from vae_core import onnx_export
    from vae_core.errors import LatentWalkError
    from vae_core.system.atomic_write import replaced

    if not onnx:
        raise LatentWalkError("Say as what: --onnx is the only kind of file there is.")
    path = model_path(model)
    target = out_path or Path(f"{path.stem if model.endswith('.safetensors') else model}{'-encoder' if encoder else ''}.onnx")
    with err.status(f"Writing {target} ..."):
        data = (onnx_export.encoder_bytes if encoder else onnx_export.decoder_bytes)(path, half=half)
    with replaced(target) as beside:
        beside.write_bytes(data)
    out.print(f"Saved {target} ({len(data) / 1e6:.1f} MB)", markup=False, highlight=False)
