"""`evaluate` and `list`: what a model is worth, and which models there are."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from vae_core.cli.common import err, model_path, out

if TYPE_CHECKING:
    from torch import Tensor

    from vae_core.header import Header
    from vae_core.vae import VAE

Model = Annotated[str, typer.Argument(help="A name that `list` shows, or the path of a .safetensors file.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Seed = Annotated[int, typer.Option(help="Seed of the draws of z.", min=0)]


def evaluate(
    model: Model,
    samples: Annotated[int, typer.Option(help="K draws of z per image for log p(x); 0 leaves log p(x) out.", min=0)] = 100,
    images: Annotated[int, typer.Option(help="How many test images log p(x) is estimated on.", min=1)] = 1000,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Measure a model on its test images: ELBO, reconstruction, KL, active units, log p(x), known factors. Nats per image."""
    from vae_core import checkpoints, data, devices, diagnostics, factors

    checkpoint = checkpoints.load(model_path(model))
    test = data.load(checkpoint.header.config.data).test.images
    network = checkpoint.model.to(devices.choose_device())
    evaluation = diagnostics.evaluate(network, test, seed=seed)
    figures: dict[str, Any] = diagnostics.summarise(evaluation, "test").model_dump()
    truth = factors.known_factors(checkpoint.header.config.data.name, len(test))
    if truth is not None:
        figures["factors"] = {name: score.model_dump() for name, score in factors.factor_scores(evaluation.mu, truth).items()}
    if samples:
        figures |= _importance(network, test[:images], samples, seed)
    if as_json:
        out.print_json(json.dumps({"model": checkpoint.header.name, **figures}))
    else:
        out.print(_figures_table(checkpoint.header, figures))
        if truth is not None:
            out.print(_factors_table(figures["factors"]))


def list_models(as_json: AsJson = False) -> None:
    """List the models there are: shipped, trained in runs, uploaded."""
    from vae_core import registry
    from vae_core.errors import CheckpointError
    from vae_core.header import load_header

    rows = []
    for entry in registry.list_models():
        try:
            rows.append(_row(entry.name, entry.origin, load_header(entry.path)))
        except CheckpointError as error:
            err.print(f"{entry.name}: {error}", style="yellow", markup=False, highlight=False)
    if as_json:
        out.print_json(json.dumps(rows))
    else:
        out.print(_models_table(rows))


def _importance(network: VAE, images: Tensor, samples: int, seed: int) -> dict[str, Any]:
    from vae_core.diagnostics import importance_sampled_log_px

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
    table.add_column("nats per image")
    table.add_column("mean", justify="right")
    table.add_column("std. error", justify="right")
    table.add_row("ELBO (beta = 1)", f"{figures['elbo']:.2f}", f"{figures['elbo_se']:.2f}")
    table.add_row("reconstruction, -log p(x|z)", f"{figures['reconstruction']:.2f}", "")
    table.add_row("KL(q(z|x) || p(z))", f"{figures['kl']:.2f}", "")
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
        "data": config.data.name,
        "architecture": config.model.architecture,
        "latent_dim": config.model.latent_dim,
        "beta": config.beta,
        f"{header.metrics.split}_elbo": header.metrics.elbo,
        "active_units": header.metrics.active_units,
        "created": header.created,
        "command": header.command,
    }


def _models_table(rows: list[dict[str, Any]]) -> Table:
    table = Table(caption="ELBO in nats per image, beta = 1, higher is better", caption_justify="left")
    for title in ("name", "origin", "data", "network", "z", "beta", "ELBO", "active", "trained"):
        table.add_column(title, justify="right" if title in ("z", "beta", "ELBO", "active") else "left")
    for row in rows:
        elbo = f"{row['test_elbo']:.1f}" if "test_elbo" in row else f"{row['validation_elbo']:.1f} (validation)"
        latent = [str(row["latent_dim"]), f"{row['beta']:g}", elbo, str(row["active_units"])]
        table.add_row(row["name"], row["origin"], row["data"], row["architecture"], *latent, row["created"][:10])
    return table
