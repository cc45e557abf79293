"""A published page as a folder, as one file, or as a zip of the folder. Each appears whole or not at all.

What is replaced must be a page of this program: anything else at that place is refused.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from vae_core.errors import LatentWalkError
from vae_core.publish import MOST_POINTS
from vae_core.publish.javascript_bundle import bundle, modules
from vae_core.publish.packed_files import PackedFile, packed, plain
from vae_core.system.atomic_write import replaced

MARK = "<!-- a published page of Latent Walk -->"
SHELL, RUNTIME = "published_page", "runtime"
STYLE = re.compile(r'^ *<link rel="stylesheet" href="(?P<file>[^"]+)">\n', re.MULTILINE)
SCRIPT = '<script type="module" src="published_page/published_page.js"></script>'
MODULE, WASM = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"  # of onnxruntime-web, without WebGPU
DATED = (1980, 1, 1, 0, 0, 0)  # of every file in a zip: the same page is the same bytes
LONGEST = 2000  # characters of a text
MOST_MODELS = 12

Report = Callable[[str, float], None]  # what is being done, and how much of all is (0 to 1)


class PublishError(LatentWalkError):
    """A page cannot be published as asked."""


@dataclass(frozen=True)
class Words:
    """What its author says on the page. All may be empty.

    Raises:
        PublishError: something is too long, or the link is none of the web.
    """

    title: str = ""
    text: str = ""
    link: str = ""
    author: str = ""

    def __post_init__(self) -> None:
        for name, words in vars(self).items():
            if len(words) > LONGEST:
                raise PublishError(f"The {name} has {len(words):,} characters; at most {LONGEST:,} are taken. Shorten it.")
        if self.link and urlsplit(self.link).scheme not in ("http", "https"):
            raise PublishError(f"The link must begin with https:// or http://; got {self.link[:80]!r}.")


@dataclass(frozen=True)
class Sources:
    """Where the page's code lies: the folder with `explorer` and `published_page`, and the one with onnxruntime-web's files."""

    components: Path
    runtime: Path

    @classmethod
    def of(cls, components: Path) -> Sources:
        """Those in one folder.

        Raises:
            PublishError: the runtime is not there.
        """
        runtime = components / "onnxruntime_web"
        for name in (MODULE, WASM):
            if not (runtime / f"{name}.gz").is_file():
                raise PublishError(f"{runtime / name}.gz is missing. Restore it from the repository.")
        return cls(components, runtime)


@dataclass(frozen=True)
class Page:
    """Everything that a page is made of. `code`: modules, style sheets and index.html; `data`: the rest."""

    code: dict[str, bytes] = field(repr=False)
    data: tuple[PackedFile, ...] = field(repr=False)

    @property
    def bytes(self) -> int:
        """How much goes over the wire, where the host compresses text."""
        text = [*self.code.values(), *(one.data for one in self.data if one.name.endswith(".json"))]
        rest = (one.data for one in self.data if not one.name.endswith(".json"))
        return sum(len(packed("", content).data) for content in text) + sum(map(len, rest))


def make_page(
    models: Sequence[tuple[str, Path]],
    words: Words,
    sources: Sources,
    *,
    most_points: int = MOST_POINTS,
    report: Report = lambda _what, _share: None,
) -> Page:
    """A page of models, each given by name and file; the first is the one that opens.

    Raises:
        PublishError: no model, too many, or two of one name.
        CheckpointError, OnnxExportError: a model cannot be read, or not be written as ONNX.
    """
    from vae_core.publish.describe_model import described  # brings torch

    names = [name for name, _ in models]
    if not 1 <= len(names) <= MOST_MODELS:
        raise PublishError(f"A page has 1 to {MOST_MODELS} models; got {len(names)}.")
    if len(set(names)) < len(names):
        raise PublishError(f"Two models are called the same: {', '.join(names)}. Rename one of them.")
    found = []
    for i, (name, path) in enumerate(models):
        report(name, i / len(models))
        found.append(described(path, name, most_points=most_points))
    report("writing", 0.97)
    for one in found:
        one.json["view"]["others"] = [_other(one.json, other.json) for other in found if other is not one]
    runtime = tuple(_runtime_file(sources, name) for name in (MODULE, WASM))
    module, wasm = (file.described for file in runtime)
    page = {**vars(words), "format": 1, "models": names, "runtime": {"module": module, "wasm": wasm}}
    descriptions = (plain(f"models/{one.name}.json", _json(one.json)) for one in found)
    data = (plain("page.json", _json(page)), *descriptions, *(file for one in found for file in one.files), *runtime)
    return Page(_code(sources, words), tuple(data))


def check_target(target: Path, *, single_file: bool) -> None:
    """Whether a page may be written there.

    Raises:
        PublishError: something else is there, its folder is missing, or a single file's name does not end with .html.
    """
    if single_file and target.suffix not in (".html", ".htm"):
        raise PublishError(f"A single file is a web page: its name ends with .html; got {target.name!r}.")
    if not target.absolute().parent.is_dir():
        raise PublishError(f"There is no folder {target.absolute().parent}. Make it first, or choose another.")
    empty = target.is_dir() and not any(target.iterdir())
    if not target.exists() or (empty and not single_file) or _is_page(target if single_file else target / "index.html"):
        return
    raise PublishError(f"{target} is there already and is no published page. Choose another name, or remove it first.")


def write_folder(page: Page, target: Path) -> None:
    """The page as a folder that any static host serves.

    Raises:
        PublishError: something else is there.
    """
    check_target(target, single_file=False)
    beside = target.with_name(f".{target.name}.new")
    old = target.with_name(f".{target.name}.old")
    shutil.rmtree(beside, ignore_errors=True)  # of a run that was killed
    shutil.rmtree(old, ignore_errors=True)
    try:
        for name, content in _files(page):
            path = beside / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        if target.exists():
            target.rename(old)
        beside.rename(target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def write_zip(page: Page, target: Path) -> None:
    """The same folder in a zip."""
    with replaced(target) as beside, zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as file:
        for name, content in _files(page):
            file.writestr(zipfile.ZipInfo(name, DATED), content, zipfile.ZIP_DEFLATED)


def write_single_file(page: Page, target: Path, sources: Sources) -> None:
    """The page as one file that opens by a double click.

    Raises:
        PublishError: something else is there, or the name does not end with .html.
    """
    check_target(target, single_file=True)
    with replaced(target) as beside:
        beside.write_text(single_file(page, sources), encoding="utf-8")


def single_file(page: Page, sources: Sources) -> str:
    """All of it in one HTML: style sheets and modules inline, data as base64."""
    html = page.code["index.html"].decode()
    html = STYLE.sub(lambda found: f"<style>\n{page.code[found['file']].decode()}</style>\n", html)
    script = bundle(sources.components / SHELL / "published_page.js").replace("</script", "<\\/script")
    data = "\n".join(_inline(file) for file in page.data)
    before, after = re.sub(r' *<link rel="modulepreload"[^\n]*\n', "", html).split(SCRIPT)
    return f'{before}{data}\n<script type="module">\n{script}</script>{after}'


def _inline(file: PackedFile) -> str:
    return f'<script type="text/plain" data-file="{_escaped(file.name)}">{base64.b64encode(file.data).decode()}</script>'


def _runtime_file(sources: Sources, name: str) -> PackedFile:
    """As it lies in the repository, packed by gzip."""
    return PackedFile(f"{RUNTIME}/{name}.bin", (sources.runtime / f"{name}.gz").read_bytes(), "gzip")


def _code(sources: Sources, words: Words) -> dict[str, bytes]:
    """The modules and style sheets as they are, and index.html with its title, which names every module for an early start."""
    folder = sources.components.resolve()
    template = (folder / SHELL / "index.html").read_text(encoding="utf-8")
    paths = [*modules(folder / SHELL / "published_page.js"), *(folder / found["file"] for found in STYLE.finditer(template))]
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
    preloads = "".join(f'    <link rel="modulepreload" href="{name}">\n' for name in found if name.endswith(".js"))
    html = template.replace("<!-- modules -->\n", preloads.lstrip()).replace("{title}", _escaped(words.title or "Latent Walk"))
    return {"index.html": f"{MARK}\n{html}".encode(), **found}


def _files(page: Page) -> Iterable[tuple[str, bytes]]:
    yield from page.code.items()
    yield from ((one.name, one.data) for one in page.data)


def _is_page(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.readline().strip() == MARK
    except OSError:
        return False


def _json(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def _other(here: dict[str, Any], there: dict[str, Any]) -> dict[str, Any]:
    """Another model of the page beside one, as ui/shared/comparable_models.py tells it."""
    mine, its = here["view"], there["view"]
    facts, known = dict(map(tuple, there["facts"])), dict(map(tuple, here["facts"]))
    same_size, same_image = len(mine["z"]) == len(its["z"]), mine["shape"] == its["shape"]
    if not same_image:
        why = f"its pictures are {facts['pictures']}, here they are {known['pictures']}"
    elif not same_size:
        why = f"it has {len(its['z'])} latent dimensions, here there are {len(mine['z'])}"
    else:
        why = ""
    said = (facts["data"], f"{len(its['z'])}-D", facts.get("architecture", ""), facts.get("objective", ""))
    return {
        "name": its["model"],
        "version": its["version"],
        "facts": " · ".join(filter(None, said)),
        "sameZ": same_image and same_size,
        "sameImage": False,
        "sameData": facts["data"] == known["data"],
        "why": why,
    }
