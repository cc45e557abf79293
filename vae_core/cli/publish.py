"""`publish`: a page without a server, as a folder of static files or as one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vae_core.cli.console import err, model_path, out
from vae_core.publish import MOST_POINTS

COMPONENTS = Path(__file__).parents[2] / "ui" / "components"  # the pages' own modules, which are copied


def publish(
    models: Annotated[list[str], typer.Argument(help="Names that `list` shows, or paths of .safetensors files.")],
    target: Annotated[Path, typer.Option("--out", help="The folder to write, or the .html file with --single-file.")],
    single_file: Annotated[
        bool, typer.Option("--single-file", help="One .html file that opens by a double click, a third larger.")
    ] = False,
    title: Annotated[str, typer.Option(help="Over the page.")] = "",
    text: Annotated[str, typer.Option(help="Under the title.")] = "",
    link: Annotated[str, typer.Option(help="To a paper or a site, beginning with https://.")] = "",
    author: Annotated[str, typer.Option(help="In the citation.")] = "",
    points: Annotated[int, typer.Option(help="How many encoded test images of each model go with it.", min=2)] = MOST_POINTS,
) -> None:
    """Write a page that explores models in the visitor's browser, without a server: any static host serves it."""
    from vae_core.publish.write_page import Sources, Words, check_target, make_page, write_folder, write_single_file

    words = Words(title=title, text=text, link=link, author=author)
    paths = [model_path(model) for model in models]
    check_target(target, single_file=single_file)
    sources = Sources.of(COMPONENTS)
    with err.status("publishing") as status:

        def report(what: str, share: float) -> None:
            status.update(f"publishing: {what} ({100 * share:.0f} %)")

        page = make_page([(path.stem, path) for path in paths], words, sources, most_points=points, report=report)
        if single_file:
            write_single_file(page, target, sources)
        else:
            write_folder(page, target)
    how = "Open it in a browser" if single_file else f"Look at it with: python -m http.server --directory {target}"
    out.print(f"Published {target} ({page.bytes / 1e6:.1f} MB over the wire). {how}", markup=False, highlight=False)
