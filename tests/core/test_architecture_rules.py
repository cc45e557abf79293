"""Who may import whom, read from the source with `ast`; and a few things that no file may contain.

The tables below are the design: the order of the rooms is the direction in which things may be known.
"""

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tools import heavy_imports

ROOT = Path(__file__).parents[2]
LINES = 400
ROOMS = {  # the folders of a package, and its files beside them: each may import itself and those before it
    "vae_core": (
        *("errors", "array_types", "data", "objectives", "config", "system", "images", "model", "runs", "foreign_decoders"),
        *("model_files", "import_images", "evaluation", "latent", "onnx_export", "publish", "training", "cli", "__main__"),
    ),
    "ui": ("shared", "server", "components", "encode", "train", "explore", "main"),
}
ONLY = {  # rooms that may see even less
    "data": {"errors", "array_types"},
    "images": {"errors", "array_types", "data"},
    "objectives": {"errors"},
    "runs": {"errors", "config", "system"},
    "model": {"errors", "array_types", "config"},
    "foreign_decoders": {"errors", "array_types", "system", "runs"},
}
WITHOUT_TORCH = (
    *(
        "config.schema",
        "config.command_line_options",
        "config.upgrade_old_config",
        "objectives.registry",
        "errors",
        "system.open_untrusted_file",
        "data.catalog",
        "data.downloads",
        "runs",
        "runs.metrics_log",
    ),
    *("model_files.header", "model_files.model_list", "latent.neighbour_embeddings", "images", "import_images", "__main__"),
    "onnx_export",
)
FORBIDDEN = {  # by package: top-level modules it never imports, not even lazily
    "vae_core": {
        *("streamlit", "starlette", "uvicorn", "plotly", "app", "ui"),
        *("torchvision", "scipy", "pandas", "pickle", "dill", "joblib"),
    },
    "ui": {"app", "torch", "torchvision", "scipy", "pandas", "pickle", "dill", "joblib"},
}


@dataclass(frozen=True)
class Import:
    """One imported module, by its full dotted name; lazy when it happens inside a function."""

    module: str
    line: int
    lazy: bool

    @property
    def top(self) -> str:
        return self.module.partition(".")[0]


def imports(source: str, package: str) -> list[Import]:
    """Every import of a module that lies in `package`; `if TYPE_CHECKING:` blocks count too, `from . import` is resolved."""
    found: list[Import] = []
    _collect(ast.parse(source), package, lazy=False, found=found)
    return found


def _collect(node: ast.AST, package: str, *, lazy: bool, found: list[Import]) -> None:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            found += [Import(alias.name, child.lineno, lazy) for alias in child.names]
        elif isinstance(child, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - child.level + 1] if child.level else []
            base = ".".join([*parents, *([child.module] if child.module else [])])
            found += [Import(f"{base}.{alias.name}", child.lineno, lazy) for alias in child.names]
        inside = lazy or isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        _collect(child, package, lazy=inside, found=found)


def room_of(dotted: str, package: str) -> str | None:
    """'vae_core.data.loading' -> 'data'; None for what is not of the package."""
    parts = dotted.split(".")
    return parts[1] if parts[0] == package and len(parts) > 1 else None


def may_see(room: str, package: str) -> set[str]:
    """The rooms that a module of `room` may import."""
    rooms = ROOMS[package]
    assert room in rooms, f"{package}/{room} is no room of ROOMS in this test; put the file into one, or add a room on purpose"
    return ONLY.get(room, set(rooms[: rooms.index(room)])) | {room}


def python_files(*packages: str) -> list[Path]:
    return sorted(path for package in packages for path in (ROOT / package).rglob("*.py"))


def source_files() -> Iterator[Path]:
    """What we write by hand."""
    folders = ("vae_core", "ui", "tests", "benchmarks", "tools")
    yield from (path for path in ROOT.iterdir() if path.is_file() and path.suffix in (".py", ".md", ".toml", ".txt", ".yml"))
    yield from (ROOT / name for name in ("Makefile", "Dockerfile", ".ci/run"))
    for folder in folders:
        suffixes = {".py", ".js", ".css", ".md", ".html"}
        yield from (path for path in sorted((ROOT / folder).rglob("*")) if path.suffix in suffixes)


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def dotted_package(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).parent.parts)


def wrong_room_imports(source: str, path: str) -> list[str]:
    """Imports of a file that its room does not allow, as 'path:line imports x'."""
    parts = Path(path).with_suffix("").parts
    package = parts[0]
    allowed = may_see(parts[1], package)
    found = [(one, room_of(one.module, package)) for one in imports(source, ".".join(parts[:-1]))]
    return [f"{path}:{one.line} imports {package}.{room}" for one, room in found if room in set(ROOMS[package]) - allowed]


def forbidden_calls(source: str) -> list[tuple[int, str]]:
    """Calls that can run what a file contains: eval, exec, torch.load, pickled arrays, weights that need not fit."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        keywords = {word.arg: ast.unparse(word.value) for word in node.keywords}
        bad = name in ("eval", "exec", "torch.load", "torch.jit.load") or name.split(".")[0] in ("pickle", "marshal", "shelve")
        bad = bad or keywords.get("allow_pickle") == "True" or ("load_state_dict" in name and keywords.get("strict") == "False")
        if bad:
            found.append((node.lineno, name))
    return found


ENTRY_POINTS = ("main", "page")  # the module's own docstring says what they do


def undocumented(source: str) -> list[str]:
    """Public functions and classes at the top of a module that have no docstring; "the module" if it has none either."""
    tree = ast.parse(source)
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    public = [node for node in tree.body if isinstance(node, kinds) and not node.name.startswith("_")]
    public = [node for node in public if node.name not in ENTRY_POINTS]
    missing = [node.name for node in public if not ast.get_docstring(node)]
    return (["the module"] if tree.body and not ast.get_docstring(tree) else []) + missing


# --- the checks find what they are for


def test_the_import_reader_sees_relative_lazy_and_type_checking_imports():
    source = "from . import data\nfrom ..ui import x\nif TYPE_CHECKING:\n    import torch.nn\ndef f():\n    import scipy.stats\n"
    found = {(one.module, one.lazy) for one in imports(source, "vae_core.sub")}
    assert found == {("vae_core.sub.data", False), ("vae_core.ui.x", False), ("torch.nn", False), ("scipy.stats", True)}


def test_an_import_against_the_order_of_the_rooms_is_reported_with_its_line():
    assert wrong_room_imports("import numpy\nfrom vae_core.training.loop import train\n", "vae_core/model/vae.py") == [
        "vae_core/model/vae.py:2 imports vae_core.training"
    ]
    assert wrong_room_imports("from vae_core.model_files import checkpoints\n", "vae_core/runs/list_runs.py") != []
    assert wrong_room_imports("from vae_core import training\n", "vae_core/latent/paths.py") != []
    assert wrong_room_imports("from ui.train import form\n", "ui/server/live_route.py") != []
    assert wrong_room_imports("from vae_core.model.vae import VAE\n", "vae_core/training/loop.py") == []


def test_dangerous_calls_are_recognised_and_a_models_eval_mode_is_not_one_of_them():
    source = "model.eval()\neval('1')\ntorch.load(p)\nnp.load(p, allow_pickle=True)\nm.load_state_dict(s, strict=False)\n"
    assert [line for line, _ in forbidden_calls(source)] == [2, 3, 4, 5]


def test_a_missing_docstring_is_reported():
    assert undocumented("def shown():\n    pass\ndef _hidden():\n    pass\n") == ["the module", "shown"]


# --- the rules


@pytest.mark.parametrize("path", python_files("vae_core", "ui"), ids=relative)
def test_a_module_imports_only_its_own_room_and_those_before_it(path):
    if len(path.relative_to(ROOT).parts) > 2 or path.name != "__init__.py":
        assert wrong_room_imports(path.read_text(), relative(path)) == []


@pytest.mark.parametrize("package", sorted(ROOMS))
def test_the_rooms_are_the_folders(package):
    there = {path.stem for path in (ROOT / package).iterdir() if path.is_dir() or path.suffix == ".py"}
    assert there - {"__init__", "__pycache__"} == set(ROOMS[package])


@pytest.mark.parametrize("package", sorted(FORBIDDEN))
def test_a_package_never_imports_what_lies_above_it_or_is_not_its_business(package):
    wrong = [
        f"{relative(path)}:{found.line} imports {found.module}"
        for path in python_files(package)
        for found in imports(path.read_text(), dotted_package(path))
        if found.top in FORBIDDEN[package]
    ]
    assert wrong == []


def test_pages_draw_with_graph_objects_because_plotly_express_imports_pandas():
    wrong = [
        f"{relative(path)}:{one.line}"
        for path in python_files("ui")
        for one in imports(path.read_text(), dotted_package(path))
        if one.module.startswith(("plotly.express", "plotly.figure_factory"))
    ]
    assert wrong == []


def test_app_imports_the_pages_and_never_the_core_or_torch():
    tops = {found.top for found in imports((ROOT / "app.py").read_text(), "")}
    assert tops.isdisjoint({"vae_core", "torch", "torchvision", "numpy", "scipy", "pandas"}), tops


def test_nothing_that_a_file_contains_is_ever_executed():
    wrong = [
        f"{relative(path)}:{line} {name}"
        for path in [ROOT / "app.py", *python_files("vae_core", "ui")]
        for line, name in forbidden_calls(path.read_text())
    ]
    assert wrong == []


@pytest.mark.parametrize("path", python_files("vae_core", "ui", "tools"), ids=relative)
def test_modules_public_functions_and_classes_say_what_they_do(path):
    assert undocumented(path.read_text()) == []


@pytest.mark.parametrize("module", WITHOUT_TORCH)
def test_listing_runs_and_help_need_no_torch(module):
    code = f"import sys, vae_core.{module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60, check=False).returncode == 0


def test_nothing_of_ours_imports_what_takes_long_on_the_way_to_the_first_picture(tmp_path):
    environment = {**os.environ, "VAE_RUNS": str(tmp_path)}
    argv = [sys.executable, "-m", "tools.heavy_imports"]
    result = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=True)
    printed = json.loads(result.stdout.splitlines()[-1])
    assert printed["errors"] == [], result.stderr
    assert {package: caller for package, caller in printed["imported"].items() if caller != "streamlit"} == {}


def test_a_heavy_import_is_blamed_on_the_file_of_ours_that_asked():
    def asked_from_here() -> str:
        return heavy_imports.blame(sys._getframe())

    assert asked_from_here().startswith("tests/core/test_architecture_rules.py:")


def test_the_core_alone_needs_no_torchvision_scipy_or_pandas():
    code = (
        "import sys, vae_core.latent.latent_model, vae_core.data.loading, vae_core.images, vae_core.model_files.model_list;"
        "print([name for name in ('torchvision', 'scipy', 'pandas') if name in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert printed.stdout.strip() == "[]"


def test_no_file_is_longer_than_one_can_hold_in_mind():
    lengths = {relative(path): len(path.read_text().splitlines()) for path in source_files()}
    code = {path: count for path, count in lengths.items() if not path.endswith(".md")}
    assert {path: count for path, count in code.items() if count > LINES} == {}


def test_no_file_names_a_folder_or_a_package_host_of_one_machine():
    machine = re.compile(r"(?<![\w.~])/(work|farm|root|home|Users|opt)/|\b(index-url|find-links)\b")
    wrong = [
        f"{relative(path)}:{number} {line.strip()}"
        for path in source_files()
        if path != Path(__file__)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if machine.search(line)
    ]
    assert wrong == []
