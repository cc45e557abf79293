"""`train`: a TrainConfig from options, a progress bar while it runs, one model file at the end."""

from __future__ import annotations

import inspect
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import rich.progress
import typer
from rich.progress import BarColumn, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from vae_core.cli.console import err, out
from vae_core.config.command_line_options import Option, command_line, config_of, options
from vae_core.config.schema import TrainConfig
from vae_core.errors import ConfigError, DataError, RunError

Row = dict[str, Any]
Progress = Callable[[str, int, int], None]  # what is fetched, bytes so far, bytes in all


def train_command() -> Callable[..., None]:
    """The command as a function whose keyword arguments are the config's fields, and `out_path`."""

    def train(out_path: Path | None = None, **values: Any) -> None:
        """Train a model and save the epoch with the best beta-free validation ELBO, of an autoencoder the least squared error.

        Ctrl-C stops early and keeps it.
        """
        from vae_core import runs

        config = config_of(values)
        target = target_path(out_path, runs.suggest_name(config))
        _say_what_is_fetched(config.data.name)
        out.print(command_line(config), markup=False, highlight=False)
        _train_into(config, target)

    out_option = typer.Option("--out", help="The model file to write; it is replaced if it exists.", rich_help_panel="Result")
    parameters = [_keyword("out_path", Path | None, None, out_option), *(_parameter(option) for option in options())]
    # typer reads the command's options from its signature; this one is made from the config instead of written twice.
    train.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    train.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return train


def _say_what_is_fetched(name: str) -> None:
    """Before the run begins.

    Raises:
        DataError: the images are not here and cannot be had.
    """
    from vae_core.data import downloads
    from vae_core.data.catalog import dataset_info
    from vae_core.data.stored_images import available

    info = dataset_info(name)
    if available(name) or info.own:
        return
    found = downloads.outlook(info)
    if found.trouble:
        raise DataError(f"{found.trouble} {found.remedy}".strip())
    words = f"{downloads.size_words(found.bytes)} are downloaded" if found.bytes else "its files are unpacked"
    err.print(f"{info.title} is not on this computer yet: {words} first.", markup=False, highlight=False)


def _parameter(option: Option) -> inspect.Parameter:
    flag = f"{option.flag}/{option.flag.replace('--', '--no-', 1)}" if option.kind is bool else option.flag
    choices = f" One of: {', '.join(option.choices)}." if option.choices else ""
    only = f" Only with --objective {' or '.join(option.only)}; there it begins as {option.default}." if option.only else ""
    # A setting of one objective is None until it is given, so that it can be refused where another objective was chosen.
    default = None if option.only else option.default
    info = typer.Option(flag, help=option.help + choices + only, rich_help_panel=option.group)
    kind = option.kind if default is not None else option.kind | None
    return _keyword(option.name, kind, default, info)


def _keyword(name: str, kind: Any, default: Any, info: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, info])


def target_path(out_path: Path | None, suggested: str) -> Path:
    """Where a model goes: --out, or a file of the suggested name where the app will list it."""
    if out_path is None:
        from vae_core import runs

        folder = runs.runs_root() / "uploads"
        folder.mkdir(parents=True, exist_ok=True)
        return _unused(folder / f"{suggested}.safetensors")
    if out_path.suffix != ".safetensors":
        raise ConfigError(f"--out takes the name of a .safetensors file; got {str(out_path)!r}.")
    out_path.parent.mkdir(parents=True, exist_ok=True)
    return out_path


def _unused(path: Path) -> Path:
    numbered = (path.with_stem(f"{path.stem}-{number}") for number in range(2, 10_000))
    return path if not path.exists() else next(other for other in numbered if not other.exists())


def _train_into(config: TrainConfig, target: Path) -> None:
    from vae_core.training.loop import train

    # Beside the target, so that the finished file moves there in one step.
    with tempfile.TemporaryDirectory(prefix=".training-", dir=target.parent) as folder:
        run_dir = Path(folder)
        with bars() as (show, download), _interruptible() as should_stop:
            result = train(
                config,
                run_dir,
                should_stop=should_stop,
                on_row=show,
                on_download=download,
                name=target.stem,
                command=command_line(config),
            )
        if result.header is None:
            raise RunError(f"{result.message or 'Training ended early.'} No model was saved.")
        result.path.replace(target)
    out.print(f"Saved {target}", markup=False, highlight=False)


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Within it the first Ctrl-C asks to stop, and the second one interrupts as usual."""
    asked: list[int] = []

    def ask(number: int, frame: Any) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        err.print("Stopping after this step; the best epoch so far is kept. Ctrl-C again gives up.")

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield lambda: bool(asked)
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def bars() -> Iterator[tuple[Callable[[Row], None], Progress]]:
    """Two functions: one shows metrics rows (steps move the bar, a validation leaves a line), one a download."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[said]}"))
    with rich.progress.Progress(*columns, TimeRemainingColumn(), console=err) as shown:
        task = shown.add_task("Training", total=None, said="")

        def show(row: Row) -> None:
            shown.update(task, completed=row["step"])
            if row["kind"] == "start":
                shown.update(task, total=row["steps"])
            elif row["kind"] == "step":
                shown.update(task, said=f"{row['images_per_second']:,.0f} images/s  loss {row['loss']:.1f}")
            elif row["kind"] == "validation":
                shown.console.print(_validation_line(row), highlight=False)
            elif row["kind"] == "change":
                change = f"{row['what']}: {row['before']:g} → {row['after']:g}"
                shown.console.print(f"epoch {row['epoch']:5.1f}   {change}", highlight=False)
            else:
                shown.console.print(_end_line(row), markup=False, highlight=False)

        tasks: dict[str, TaskID] = {}

        def download(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = shown.add_task(f"Fetching {what}", said="")
            shown.update(tasks[what], completed=done, total=total or None, said=f"{done / 1e6:.1f} MB")

        yield show, download


def _validation_line(row: Row) -> str:
    figures = _figures(row, "")
    return f"epoch {row['epoch']:5.1f}   {figures}{'   best' if row['best'] else ''}"


def _end_line(row: Row) -> str:
    if "test_reconstruction" not in row:
        return str(row["message"])
    figures = _figures(row, "test_")
    return f"{row['message']}{' ' if row['message'] else ''}test          {figures}   (the best epoch, {row['time']:.0f} s)"


def _figures(row: Row, split: str) -> str:
    error = row[f"{split}reconstruction"]
    if f"{split}elbo" not in row:  # an autoencoder
        return f"squared error {error:8.2f} per image"
    return f"ELBO {row[f'{split}elbo']:9.2f}   reconstruction {error:8.2f}   KL {row[f'{split}kl']:6.2f}"
