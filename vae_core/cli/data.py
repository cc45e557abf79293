"""`data add`, `data list`, `data rename`, `data delete`: a person's own pictures as datasets."""

from __future__ import annotations

import json
import shlex
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import rich.progress
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from vae_core.cli.console import err, out, speaks
from vae_core.errors import DataError
from vae_core.import_images.import_options import ImportOptions

app = typer.Typer(no_args_is_help=True, help="Your own pictures as datasets: add, list, rename, delete.")
_HELP = {name: field.description for name, field in ImportOptions.model_fields.items()}


@app.command("add")
@speaks
def add(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="FOLDER|FILE...",
            help="A folder (its subfolders or a labels.csv become classes), a zip, an .npz or .npy, or several picture files.",
            show_default=False,
        ),
    ],
    name: Annotated[str, typer.Option("--name", help="What the dataset is called: `train --data NAME`.", show_default=False)],
    size: Annotated[int, typer.Option("--size", help=f"32, 64, 96 or 128. {_HELP['size']}")] = 64,
    colour: Annotated[bool, typer.Option("--colour/--grey", help=_HELP["colour"])] = True,
    crop: Annotated[str, typer.Option("--crop", help=f"centre, border or stretch. {_HELP['crop']}")] = "centre",
    background: Annotated[str, typer.Option("--background", help=f"white, black or grey. {_HELP['background']}")] = "white",
    invert: Annotated[bool, typer.Option("--invert/--no-invert", help=_HELP["invert"])] = False,
) -> None:
    """Import pictures as a dataset of their own. It appears whole or not at all; Ctrl-C stops and leaves nothing behind."""
    from pydantic import ValidationError

    from vae_core.config.schema import explain
    from vae_core.import_images import import_images, open_source

    try:
        options = ImportOptions(size=size, colour=colour, crop=crop, background=background, invert=invert)
    except ValidationError as error:
        raise DataError(explain(error, lambda where: f"--{where[0]}")) from None
    with open_source(paths) as source, _bar(source.count) as progress, _interruptible() as should_stop:
        info = import_images(source, name, options, progress=progress, should_stop=should_stop)
    kept = info.training_images + info.test_images
    left_out = source.count + len(source.left_out) - kept
    said = f"; {left_out:,} left out: not readable, no pictures, or exact duplicates" if left_out else ""
    out.print(f"Imported {kept:,} pictures as {info.name}{said}.", markup=False, highlight=False)
    out.print(f"python -m vae_core train --data {shlex.quote(info.name)}", markup=False, highlight=False)


@contextmanager
def _bar(total: int) -> Iterator[Callable[[int, int], None]]:
    columns = (TextColumn("Importing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with rich.progress.Progress(*columns, console=err, transient=True) as bars:
        task = bars.add_task("", total=total)
        yield lambda done, _: bars.update(task, completed=done)


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Within it Ctrl-C asks to stop."""
    asked: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: asked.append(number))
    try:
        yield lambda: bool(asked)
    finally:
        signal.signal(signal.SIGINT, before)


@app.command("list")
@speaks
def list_data(as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False) -> None:
    """List your own datasets: pictures, size, classes, place on the disk, models trained on them."""
    from vae_core.data.own_datasets import list_own
    from vae_core.import_images import models_of

    rows = [
        {
            "name": one.info.name,
            "training_images": one.info.training_images,
            "test_images": one.info.test_images,
            "shape": list(one.info.image_shape),
            "classes": list(one.info.classes),
            "bytes": one.bytes,
            "created": one.record.created,
            "models": models_of(one.info.name),
        }
        for one in list_own()
    ]
    if as_json:
        out.print_json(json.dumps(rows))
    elif not rows:
        out.print("No datasets of your own yet. Add one: python -m vae_core data add FOLDER --name NAME", highlight=False)
    else:
        console = out if out.is_terminal else Console(width=400)
        console.print(_table(rows), soft_wrap=False)


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table()
    for title in ("name", "training", "test", "size", "classes", "MB", "models"):
        table.add_column(title, justify="left" if title in ("name", "models") else "right", overflow="fold")
    for row in rows:
        channels, height, width = row["shape"]
        shown = f"{width} x {height} {'colour' if channels == 3 else 'grey'}"
        counts = (f"{row['training_images']:,}", f"{row['test_images']:,}", shown, str(len(row["classes"]) or ""))
        table.add_row(escape(row["name"]), *counts, f"{row['bytes'] / 1e6:,.1f}", escape(", ".join(row["models"])))
    return table


@app.command("rename")
@speaks
def rename(old: Annotated[str, typer.Argument(metavar="OLD")], new: Annotated[str, typer.Argument(metavar="NEW")]) -> None:
    """Give a dataset another name. Models and runs that know the old one still find it."""
    from vae_core.data.own_datasets import rename_own

    rename_own(old, new)
    out.print(f"{old} is now called {new}.", markup=False, highlight=False)


@app.command("delete")
@speaks
def delete(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a dataset. Models that were trained on it stay, without their test images; a run that trains on it forbids it."""
    from vae_core.data.own_datasets import delete_own, size_on_disk
    from vae_core.import_images import models_of, runs_of

    live = [run.name for run in runs_of(name)]
    if live:
        raise DataError(f"{name} is needed by the run {', '.join(live)}, which is still going. Stop it first, or wait for it.")
    size, models = size_on_disk(name), models_of(name)
    if size and models:
        err.print(f"Trained on it: {', '.join(models)}. They stay, without their test images.", markup=False, highlight=False)
    if size and not yes:
        typer.confirm(f"Delete {name} ({size / 1e6:,.1f} MB)?", abort=True)
    delete_own(name)
    out.print(f"Deleted {name}.", markup=False, highlight=False)
