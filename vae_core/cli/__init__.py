"""The command line: train, resume, runs, evaluate, list, strip, import, export, publish, sample, traverse, encode, data.

Each command imports what it needs when it runs, so that help and `list` answer at once. Errors a person can meet are one
sentence on stderr and exit status 2; anything else is a fault of ours and keeps its traceback.
"""

from __future__ import annotations

import typer

from vae_core.cli import data, evaluate_and_list, import_decoder, runs, sample_traverse_encode
from vae_core.cli.console import speaks
from vae_core.cli.export import export
from vae_core.cli.publish import publish
from vae_core.cli.train import train_command

app = typer.Typer(
    name="vae_core",
    help="Train variational autoencoders, measure them, and look at what they have learned. Figures are nats per image.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("train")(speaks(train_command()))
app.command("resume")(speaks(runs.resume))
app.command("evaluate")(speaks(evaluate_and_list.evaluate))
app.command("list")(speaks(evaluate_and_list.list_models))
app.command("strip")(speaks(evaluate_and_list.strip))
app.command("import")(speaks(import_decoder.import_decoder))
app.command("export")(speaks(export))
app.command("publish")(speaks(publish))
app.command("sample")(speaks(sample_traverse_encode.sample))
app.command("traverse")(speaks(sample_traverse_encode.traverse))
app.command("encode")(speaks(sample_traverse_encode.encode))
app.add_typer(data.app, name="data")
app.add_typer(runs.app, name="runs")


def main() -> None:
    """The console entry point."""
    app(prog_name="python -m vae_core")
