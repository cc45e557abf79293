"""`sample`, `traverse` and `encode`: what a model draws, as PNG files, and where it puts given images."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from rich.table import Table

from vae_core.array_types import Pixels
from vae_core.cli.console import model_path, open_model, out
from vae_core.cli.evaluate_and_list import AsJson, Model, Seed
from vae_core.errors import DataError, ImageError, LatentError
from vae_core.images.pixels import GAP, tiled, to_png, to_uint8

if TYPE_CHECKING:
    from vae_core.latent.latent_model import Encoding, LatentModel

Out = Annotated[
    Path | None, typer.Option("--out", help="The PNG file to write; by default named after the model, in this folder.")
]
Scale = Annotated[
    int | None,
    typer.Option(help="Draw each pixel of the model as so many, so that pictures are large enough to look at; by default so "
                      "that the sheet has about 1,000 pixels.", min=1, max=64),
]  # fmt: skip
MAX_PICTURES = 10_000
SHEET = 1000  # pixels, longest side of a sheet as it is drawn by default
MAX_SHEET = 100_000_000  # pixels


def sample(
    model: Model,
    count: Annotated[int, typer.Option(help="How many pictures.", min=1, max=MAX_PICTURES)] = 64,
    temperature: Annotated[
        float, typer.Option(help="Standard deviation of the prior; below 1 is closer to the average.", min=0)
    ] = 1.0,
    seed: Seed = 0,
    noise: Annotated[
        bool, typer.Option("--noise/--mean", help="Draw each picture from p(x|z), its noise included, or show its mean.")
    ] = False,
    scale: Scale = None,
    out_path: Out = None,
) -> None:
    """Draw z from the prior and save the decoded means, or draws from p(x|z), as one picture."""
    latent = open_model(model)
    z = latent.sample_prior(count, seed, temperature=temperature)
    pictures = latent.draw(z, seed) if noise else latent.decode(z)
    _save(pictures, math.ceil(math.sqrt(count)), scale, out_path, f"{_stem(model)}-samples.png")


def traverse(
    model: Model,
    dimensions: Annotated[
        str | None, typer.Option("--dims", help="Which latents, such as 0,3,7; all by default, highest KL first.")
    ] = None,
    steps: Annotated[int, typer.Option(help="Pictures per latent.", min=2, max=100)] = 11,
    span: Annotated[
        float, typer.Option("--range", help="From minus to plus so many standard deviations of the prior.", min=0.01, max=100)
    ] = 3.0,
    image: Annotated[
        int | None, typer.Option(help="Start from the code of this test image; from z = 0 by default.", min=0)
    ] = None,
    scale: Scale = None,
    out_path: Out = None,
) -> None:
    """Move one latent at a time and save the decoded means: a row per latent, its value rising from left to right."""
    latent = open_model(model)
    z = np.zeros(latent.latent_dim) if image is None else _test_code(latent, image)
    chosen = _dimensions(dimensions, latent)
    values = np.linspace(-span, span, steps)
    rows = np.concatenate([latent.decode(latent.traverse(z, dim, values)) for dim in chosen])
    out.print(f"rows, from the top: {', '.join(f'z{dim}' for dim in chosen)}; columns: {-span:g} to {span:g}", highlight=False)
    _save(rows, steps, scale, out_path, f"{_stem(model)}-traverse.png")


def encode(
    files: Annotated[
        list[Path], typer.Argument(metavar="IMAGE...", help="Image files of any kind an upload may have.", show_default=False)
    ],
    model: Annotated[str, typer.Option(help="A name that `list` shows, or the path of a .safetensors file.")] = "mnist-10d",
    as_json: AsJson = False,
    scale: Scale = None,
    out_path: Annotated[
        Path | None, typer.Option("--out", help="Also save a PNG: a row per image, input beside reconstruction.")
    ] = None,
) -> None:
    """Encode images: mu and std of q(z|x), log p(x|z), KL and ELBO in nats; of an autoencoder the code and the squared error."""
    latent = open_model(model)
    x = np.stack([_read(path, latent) for path in files])
    encoding = latent.encode(x)
    if as_json:
        out.print_json(json.dumps([_as_dict(path, encoding, row) for row, path in enumerate(files)]))
    elif encoding.has_bound:
        out.print(_encodings_table(files, encoding))
    else:
        out.print(_codes_table(files, encoding))
    if out_path is not None:
        pairs = np.stack([x, encoding.x_hat], axis=1).reshape(-1, *x.shape[1:])  # inputs and reconstructions in turn
        _save(to_uint8(pairs), 2, scale, out_path, "")


def enlarged(sheet: Pixels, scale: int | None) -> Pixels:
    """Each pixel as a square of `scale` pixels; None: so that the longest side has about SHEET, and never smaller than it is.

    Raises:
        ImageError: the sheet would have more than MAX_SHEET pixels.
    """
    height, width = sheet.shape[:2]
    factor = scale or max(1, round(SHEET / max(height, width)))
    if height * width * factor**2 > MAX_SHEET:
        raise ImageError(
            f"The picture would have {width * factor:,} x {height * factor:,} pixels; at most {MAX_SHEET // 10**6} million are "
            "written. Ask for fewer pictures or a smaller --scale."
        )
    return sheet.repeat(factor, axis=0).repeat(factor, axis=1)


def _save(pictures: Pixels, columns: int, scale: int | None, path: Path | None, default: str) -> None:
    """The pictures (N, H, W, C) in rows on mid grey."""
    sheet = enlarged(tiled(pictures, columns, ground=128, margin=GAP), scale)
    target = path or Path(default)
    target.write_bytes(to_png(sheet))
    out.print(f"Saved {target} ({sheet.shape[1]}x{sheet.shape[0]})", markup=False, highlight=False)


def _stem(model: str) -> str:
    return model_path(model).stem if model.endswith(".safetensors") else model


def _dimensions(text: str | None, latent: LatentModel) -> list[int]:
    if text is None:
        statistics = latent.header.statistics
        return sorted(range(latent.latent_dim), key=lambda dim: 0.0 if statistics is None else -statistics.kl[dim])
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdigit() and int(word) < latent.latent_dim for word in words):
        raise LatentError(f"--dims takes numbers from 0 to {latent.latent_dim - 1} with commas between them; got {text!r}.")
    return [int(word) for word in words]


def _test_code(latent: LatentModel, index: int) -> NDArray[Any]:
    """mu of one test image of the model's dataset, (D,)."""
    from vae_core.data import stored_images

    name, facts = latent.header.config.data.name, latent.header.data
    if not stored_images.at_hand(name, facts):
        raise DataError(f"The test images of {facts.title} are not on this computer; leave --image out to start from z = 0.")
    count = stored_images.test_count(name)
    if index >= count:
        raise ImageError(f"{name} has {count} test images, numbered from 0; got {index}.")
    pixels, _ = stored_images.test_image(name, index)
    x = pixels.astype(np.float32).transpose(2, 0, 1)[None] / 255
    return np.asarray(latent.encode(x).mu[0])


def _read(path: Path, latent: LatentModel) -> NDArray[np.float32]:
    """One file as the network sees it, (C, H, W)."""
    from vae_core.images import read_upload

    height, width, channels = latent.image_shape
    ink = latent.header.data.ink
    try:
        return read_upload(path.read_bytes(), height=height, width=width, channels=channels, ink=ink).x
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from None


def _as_dict(path: Path, encoding: Encoding, row: int) -> dict[str, Any]:
    if not encoding.has_bound:
        code = np.round(encoding.mu[row].astype(float), 6).tolist()
        return {"image": str(path), "mu": code, "squared_error": float(-encoding.log_px_z[row])}
    columns = {"mu": encoding.mu, "std": encoding.marginal_std, "kl_per_dim": encoding.marginal_kl}
    if encoding.correlation is not None:
        columns["correlation"] = encoding.correlation
    latents = {name: np.round(values[row].astype(float), 6).tolist() for name, values in columns.items()}
    return {"image": str(path), **latents, **{name: float(getattr(encoding, name)[row]) for name in ("log_px_z", "kl", "elbo")}}


def _encodings_table(files: list[Path], encoding: Encoding) -> Table:
    table = Table(caption="nats; mu ± std of each latent of q(z|x)", caption_justify="left")
    for title in ("image", "log p(x|z)", "KL", "ELBO", "z"):
        table.add_column(title, justify="left" if title in ("image", "z") else "right")
    for row, path in enumerate(files):
        z = "  ".join(f"{mu:.2f}±{std:.2f}" for mu, std in zip(encoding.mu[row], encoding.marginal_std[row], strict=True))
        figures = [f"{float(getattr(encoding, name)[row]):.2f}" for name in ("log_px_z", "kl", "elbo")]
        table.add_row(str(path), *figures, z)
    return table


def _codes_table(files: list[Path], encoding: Encoding) -> Table:
    table = Table(caption="squared error, summed over the pixels of an image", caption_justify="left")
    for title in ("image", "squared error", "z"):
        table.add_column(title, justify="right" if title == "squared error" else "left")
    for row, path in enumerate(files):
        table.add_row(str(path), f"{-float(encoding.log_px_z[row]):.2f}", "  ".join(f"{mu:.2f}" for mu in encoding.mu[row]))
    return table
