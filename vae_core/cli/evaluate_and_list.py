"""`evaluate` and `list`: what a model is worth, and which models there are."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from vae_core.cli.console import err, model_path, out

if TYPE_CHECKING:
    from torch import Tensor

    from vae_core.model.vae import VAE
    from vae_core.model_files.header import Header

Model = Annotated[str, typer.Argument(help="A name that `list` shows, or the path of a .safetensors file.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
DISPENSABLE = ("trained", "origin", "objective", "architecture", "active", "data")  # columns of `list`, the first to go first
WIDE = 400  # characters, where there is no window to fit into
Seed = Annotated[int, typer.Option(help="Seed of the draws of z.", min=0)]


def evaluate(
    model: Model,
    samples: Annotated[int, typer.Option(help="K draws of z per image for log p(x); 0 leaves log p(x) out.", min=0)] = 100,
    images: Annotated[int, typer.Option(help="How many test images log p(x) is estimated on.", min=1)] = 1000,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Measure a model on its test images: ELBO, reconstruction, KL, active units, log p(x), known factors. Nats per image."""
    from vae_core.config.schema import check_shape
    from vae_core.data import loading
    from vae_core.data.catalog import find_dataset
    from vae_core.errors import DataError, NoEncoderError
    from vae_core.evaluation import diagnostics, factor_regression
    from vae_core.model.vae import VAE
    from vae_core.model_files import checkpoints
    from vae_core.system import devices

    checkpoint = checkpoints.load(model_path(model))
    header, network = checkpoint.header, checkpoint.model.to(devices.choose_device())
    if not isinstance(network, VAE):
        raise NoEncoderError(f"{header.name} is a decoder alone: there is nothing to measure on test images without an encoder.")
    info = find_dataset(header.config.data.name)
    if info is None:
        raise DataError(f"{header.name} was trained on {header.data.title}, whose images this program cannot load.")
    check_shape(header.config.model, info)
    test = loading.load(*header.config.data.parts).test.images
    evaluation = diagnostics.evaluate(network, test, seed=seed)
    bound = header.has_bound
    figures: dict[str, Any] = diagnostics.summarise(evaluation, "test", bound=bound).model_dump(exclude_none=True)
    truth = factor_regression.known_factors(header.config.data.name, len(test))
    if truth is not None:
        scores = factor_regression.factor_scores(evaluation.mu, truth)
        figures["factors"] = {name: score.model_dump() for name, score in scores.items()}
    if samples and bound:
        figures |= _importance(network, test[:images], samples, seed)
    if as_json:
        out.print_json(json.dumps({"model": header.name, **figures}))
    else:
        out.print(_figures_table(header, figures))
        if truth is not None:
            out.print(_factors_table(figures["factors"]))


def list_models(as_json: AsJson = False) -> None:
    """List the models there are: shipped, trained in runs, uploaded."""
    from vae_core.errors import CheckpointError
    from vae_core.model_files import model_list
    from vae_core.model_files.header import load_header

    rows = []
    for entry in model_list.list_models():
        try:
            rows.append(_row(entry.name, entry.origin, load_header(entry.path)))
        except CheckpointError as error:
            err.print(f"{entry.name}: {error}", style="yellow", markup=False, highlight=False)
    if as_json:
        out.print_json(json.dumps(rows))
    else:
        # A pipe has no width, and gets every column.
        console = out if out.is_terminal or "COLUMNS" in os.environ else Console(width=WIDE)
        console.print(_models_table(rows, console.width), soft_wrap=False)


def _importance(network: VAE, images: Tensor, samples: int, seed: int) -> dict[str, Any]:
    from vae_core.evaluation.diagnostics import importance_sampled_log_px

    columns = (TextColumn("log p(x), {task.fields[k]} samples"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task("", total=len(images), k=samples)
        estimate = importance_sampled_log_px(
            network, images, samples=samples, seed=seed, progress=lambda done, _: progress.update(task, completed=done)
        )
    log_px = estimate.log_px
    return {
        "log_px": float(log_px.mean()),
        "log_px_se": float(log_px.std() / math.sqrt(len(log_px))) if len(log_px) > 1 else None,
        "log_px_images": len(log_px),
        "log_px_samples": samples,
        "log_px_effective_samples": float(estimate.ess.mean()),
    }


def _figures_table(header: Header, figures: dict[str, Any]) -> Table:
    config = header.config
    table = Table(
        title=f"{header.name}: {config.data.name}, {figures['images']:,} {figures['split']} images", title_justify="left"
    )
    table.add_column("nats per image" if header.has_bound else "per image")
    table.add_column("mean", justify="right")
    table.add_column("std. error", justify="right")
    if header.has_bound:
        table.add_row("ELBO (beta = 1)", f"{figures['elbo']:.2f}", f"{figures['elbo_se']:.2f}")
        table.add_row("reconstruction, -log p(x|z)", f"{figures['reconstruction']:.2f}", "")
        table.add_row("KL(q(z|x) || p(z))", f"{figures['kl']:.2f}", "")
    else:
        table.add_row("squared error, summed over pixels", f"{figures['reconstruction']:.2f}", "")
    table.add_row(f"active units, of {config.model.latent_dim}", str(figures["active_units"]), "")
    if "log_px" in figures:
        label = f"log p(x), K = {figures['log_px_samples']}, {figures['log_px_images']:,} images"
        error = "" if figures["log_px_se"] is None else f"{figures['log_px_se']:.2f}"
        table.add_row(label, f"{figures['log_px']:.2f}", error)
        table.add_row("effective samples of K", f"{figures['log_px_effective_samples']:.1f}", "")
    return table


def _factors_table(scores: dict[str, dict[str, float]]) -> Table:
    table = Table(caption="on the half of the test images that was not fitted", caption_justify="left")
    for title in ("factor, read from mu", "measure", "kernel regression", "linear"):
        table.add_column(title, justify="left" if title.startswith(("factor", "measure")) else "right")
    for name, score in scores.items():
        measure = {"shape": "accuracy", "rotation": "R^2, up to symmetry"}.get(name, "R^2")
        table.add_row(name, measure, f"{score['score']:.3f}", f"{score['linear']:.3f}")
    return table


def _row(name: str, origin: str, header: Header) -> dict[str, Any]:
    config = header.config
    return {
        "name": name,
        "origin": origin,
        "kind": header.kind,
        "data": config.data.name,
        "architecture": header.architecture,
        "latent_dim": config.model.latent_dim,
        "objective": config.objective.summary if header.foreign is None else "",
        "beta": None if header.foreign is not None else config.objective.model_dump().get("beta"),  # null where there is none
        **_quality(header),
        "active_units": None if header.metrics is None else header.metrics.active_units,
        "created": header.created,
        "command": header.command,
    }


def _models_table(rows: list[dict[str, Any]], width: int) -> Table:
    """As many columns as fit into `width` characters; names are never cut."""
    left_out: list[str] = []
    while True:
        table = _table_of(rows, left_out)
        if len(left_out) == len(DISPENSABLE) or out.measure(table, options=out.options.update(width=WIDE)).maximum <= width:
            return table
        left_out.append(DISPENSABLE[len(left_out)])


def _table_of(rows: list[dict[str, Any]], left_out: list[str]) -> Table:
    caption = "ELBO in nats per image, beta = 1, higher is better"
    more = f"; left out here: {', '.join(left_out)} (--json has them)" if left_out else ""
    table = Table(caption=caption + more, caption_justify="left")
    cells = [_cells(row) for row in rows]
    if not any(row["error"] for row in cells):
        left_out = [*left_out, "error"]  # only autoencoders have one
    for title in ("name", "kind", "origin", "data", "architecture", "z", "objective", "ELBO", "error", "active", "trained"):
        if title not in left_out:
            table.add_column(title, justify="right" if title in ("z", "ELBO", "error", "active") else "left", overflow="fold")
    for row in cells:
        table.add_row(*(escape(text) for title, text in row.items() if title not in left_out))
    return table


def _cells(row: dict[str, Any]) -> dict[str, str]:
    return {
        "name": row["name"],
        "kind": row["kind"],
        "origin": row["origin"],
        "data": row["data"],
        "architecture": row["architecture"],
        "z": str(row["latent_dim"]),
        "objective": row["objective"],
        "ELBO": _elbo(row),
        "error": f"{row['squared_error']:.2f}" if "squared_error" in row else "",
        "active": "" if row["active_units"] is None else str(row["active_units"]),
        "trained": row["created"][:10],
    }


def _quality(header: Header) -> dict[str, float]:
    """The figure a model is judged by, under its name; nothing where none was measured."""
    metrics = header.metrics
    if metrics is None:
        return {}
    return {"squared_error": metrics.reconstruction} if metrics.elbo is None else {f"{metrics.split}_elbo": metrics.elbo}


def _elbo(row: dict[str, Any]) -> str:
    """Empty where there is none."""
    if "test_elbo" in row:
        return f"{row['test_elbo']:.1f}"
    return f"{row['validation_elbo']:.1f} (validation)" if "validation_elbo" in row else ""


def strip(
    model: Model,
    out_path: Annotated[
        Path | None, typer.Option("--out", help="The .safetensors file to write; by default one that the app lists.")
    ] = None,
) -> None:
    """Save the decoder of a model alone: a smaller file that draws pictures from z, and cannot encode any."""
    from vae_core.cli.train import target_path
    from vae_core.errors import NoEncoderError
    from vae_core.model_files import checkpoints

    checkpoint = checkpoints.load(model_path(model))
    if checkpoint.header.kind == "decoder":
        raise NoEncoderError(f"{checkpoint.header.name} is a decoder alone already.")
    target = target_path(out_path, f"{checkpoint.header.name}-decoder")
    alone = checkpoints.decoder_alone(checkpoint)
    header = alone.header.model_copy(update={"name": target.stem})
    checkpoints.save(target, alone.model, header, alone.extras, half=header.config.half_weights)
    out.print(f"Saved {target} ({target.stat().st_size / 1e6:.1f} MB)", markup=False, highlight=False)
