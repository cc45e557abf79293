"""The README's tree, pictures and commands, held against what is there."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from vae_core.cli import app

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
TREE = README.split("## The files")[1].split("```")[1]


def named_in_tree() -> set[str]:
    """Paths of the tree, folders with a slash at their end; two spaces of indentation are one folder deeper."""
    found: set[str] = set()
    folders: list[str] = []
    for line in TREE.strip().splitlines():
        name = line.split()[0]
        folders = folders[: (len(line) - len(line.lstrip())) // 2]
        found.add("".join([*folders, name]))
        if name.endswith("/"):
            folders.append(name)
    return found


def test_everything_the_tree_names_exists():
    assert [name for name in named_in_tree() if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("package", ["vae_core", "ui"])
def test_the_tree_names_every_module(package):
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / package).rglob("*.py")}
    faces = {name for name in modules if name.endswith(("__init__.py", "__main__.py"))}
    assert modules - faces - named_in_tree() == set()


def test_every_picture_of_the_readme_is_there_and_small():
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert len(pictures) >= 4
    for picture in pictures:
        assert 1_000 < (ROOT / picture).stat().st_size < 1_000_000, picture


def test_every_command_of_the_readme_is_one_that_the_command_line_has():
    commands = re.findall(r"^python -m vae_core (.+?)(?: +#.*)?$", README, re.MULTILINE)
    assert len(commands) >= 8
    for command in commands:
        words = shlex.split(command)
        command_words = words[:2] if words[0] == "data" else words[:1]
        text = CliRunner().invoke(app, [*command_words, "--help"], env={"COLUMNS": "300", "TERMINAL_WIDTH": "300"}).stdout
        assert all(word in text for word in words if word.startswith("--")), command


def test_every_file_that_the_readme_speaks_of_exists():
    named = set(re.findall(r"`((?:vae_core|ui|tools|tests|benchmarks)/[\w/]+\.\w+)`", README))
    assert len(named) > 10
    assert [name for name in named if not (ROOT / name).exists()] == []
