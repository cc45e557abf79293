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
    """Paths of the tree, folders with a slash at their end."""
    found, folder = set(), ""
    for line in TREE.strip().splitlines():
        names = line[:26].strip().rstrip(",").split(", ")
        if not line.startswith(" "):
            folder = names[0] if names[0].endswith("/") else ""
            found.add(names[0])
        else:
            found |= {folder + name for name in names}
    return found


def test_everything_the_tree_names_exists():
    assert [name for name in named_in_tree() if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("package", ["vae_core", "ui"])
def test_the_tree_names_every_module(package):
    entries = [path for path in (ROOT / package).iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()]
    names = {f"{package}/{path.name}{'/' if path.is_dir() else ''}" for path in entries} - {f"{package}/__init__.py"}
    named = " ".join(named_in_tree())
    assert {name for name in names if name not in named} == set()


def test_every_picture_of_the_readme_is_there_and_small():
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert len(pictures) >= 4
    for picture in pictures:
        assert 1_000 < (ROOT / picture).stat().st_size < 1_000_000, picture


def test_every_command_of_the_readme_is_one_that_the_command_line_has():
    commands = re.findall(r"^python -m vae_core (.+?)(?: +#.*)?$", README, re.MULTILINE)
    assert len(commands) == 6
    for command in commands:
        words = shlex.split(command)
        text = CliRunner().invoke(app, [words[0], "--help"], env={"COLUMNS": "300", "TERMINAL_WIDTH": "300"}).stdout
        assert all(word in text for word in words if word.startswith("--")), command
