"""`import`: a decoder from elsewhere, an ONNX file, becomes a model; one that was imported is described anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vae_core.cli.console import model_path, out
from vae_core.errors import CheckpointError
from vae_core.foreign_decoders.facts import LAYOUTS, MAX_FILE_BYTES, PRIORS, RANGES

if TYPE_CHECKING:
    from vae_core.foreign_decoders.trial import Trial

SUFFIX = ".onnx"


def import_decoder(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE|MODEL", help="An .onnx file; or an imported model, to correct its facts.", show_default=False
        ),
    ],
    encoder: Annotated[
        Path | None, typer.Option("--encoder", help="An .onnx file that takes an image to its code (N, D).")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="What the model is called; by default as the file.")] = None,
    layout: Annotated[str | None, typer.Option("--layout", help="nchw or nhwc; by default as detected.")] = None,
    value_range: Annotated[
        str | None, typer.Option("--range", help="unit (0 to 1), symmetric (-1 to 1) or logits; by default as detected.")
    ] = None,
    prior: Annotated[
        str | None, typer.Option("--prior", help="normal, N(0, I), or uniform, from -1 to 1; by default normal.")
    ] = None,
    source: Annotated[str | None, typer.Option("--source", help="Where it comes from: an address, a paper.")] = None,
    licence: Annotated[str | None, typer.Option("--licence", help="What its owner allows.")] = None,
    out_path: Annotated[
        Path | None, typer.Option("--out", help="The .safetensors file to write; by default one that the app lists.")
    ] = None,
) -> None:
    """Import a decoder, an ONNX file z (N, D) -> image, from PyTorch, TensorFlow or JAX. It is tried in a process of its own."""
    for option, value, allowed in (("--layout", layout, LAYOUTS), ("--range", value_range, RANGES), ("--prior", prior, PRIORS)):
        if value is not None and value not in allowed:
            raise CheckpointError(f"{option} is one of {', '.join(allowed)}; got {value[:40]!r}.")
    given = {"range": value_range, "prior": prior, "source": source, "licence": licence}
    said = {key: value for key, value in given.items() if value is not None}
    if not file.endswith(SUFFIX) and not Path(file).is_file():
        _correct(file, said)
        return
    from vae_core.foreign_decoders.trial import try_out

    path = Path(file)
    trial = try_out(_read(path), b"" if encoder is None else _read(encoder))
    if layout is not None and layout != trial.report.layout:
        raise CheckpointError(f"The shape of its pictures is {LAYOUTS[trial.report.layout]}; --layout {layout} cannot be.")
    _keep(trial, name or path.stem, out_path, {**said, "filename": path.name})


def _read(path: Path) -> bytes:
    from vae_core.system.open_untrusted_file import read_regular

    try:
        return read_regular(path, MAX_FILE_BYTES)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error.strerror or error}).") from None


def _keep(trial: Trial, name: str, out_path: Path | None, said: dict[str, str]) -> None:
    from vae_core.cli.train import target_path
    from vae_core.model_files.add_foreign_decoder import add_decoder, described, write_decoder
    from vae_core.model_files.header import load_header

    if out_path is None:
        target = add_decoder(trial, name, **said).path
    else:
        header = described(trial, name, **said)
        target = target_path(out_path, name)
        write_decoder(target, trial, header)
    header, found = load_header(target), trial.report
    assert header.foreign is not None
    how = "as you said" if "range" in said else f"detected from draws between {found.low:.3g} and {found.high:.3g}"
    colour = "grey" if found.channels == 1 else "colour"
    out.print(
        f"Imported {header.name}: {found.latent_dim} numbers to {found.width} x {found.height} in {colour} "
        f"{LAYOUTS[found.layout]}, values {RANGES[header.foreign.range]} ({how}), prior {PRIORS[header.foreign.prior]}, "
        f"{'with' if header.foreign.encodes else 'without'} an encoder, {max(0.1, found.milliseconds):.1f} ms a picture.",
        markup=False, highlight=False,
    )  # fmt: skip
    out.print(f"Saved {target} ({target.stat().st_size / 1e6:.1f} MB)", markup=False, highlight=False)


def _correct(model: str, said: dict[str, str]) -> None:
    from vae_core.model_files.add_foreign_decoder import change_decoder

    path = model_path(model)
    if not said:
        raise CheckpointError(f"Say what is to be corrected of {model}: --range, --prior, --source or --licence.")
    change_decoder(path, **said)
    out.print(f"{model} is described anew.", markup=False, highlight=False)
