"""Result files of the benchmarks: what ran, on what, and tables. One file per benchmark, hardware and day."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("torch", "streamlit", "numpy")
LOAD = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")  # processes that wanted a core before we began


def write(what: str, command: str, tables: Sequence[str]) -> Path:
    """Writes benchmarks/results/<what>_<hardware>_<date>.md and prints it; `tables` are parts in Markdown."""
    machine, today = hardware(), date.today().isoformat()
    facts = {
        "command": f"`{command}`",
        "hardware": machine,
        "versions": ", ".join([f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in PACKAGES)]),
        "load before the start": f"{LOAD:.1f}",
        "date": today,
    }
    slug = re.sub(r"[^a-z0-9]+", "-", machine.lower()).strip("-")
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{what}_{slug}_{today}.md"
    lines = [f"# {what.replace('_', ' ')}", "", *(f"- {fact}: {value}" for fact, value in facts.items()), "", *tables, ""]
    path.write_text("\n".join(lines))
    print(path.read_text())
    return path


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table; the first column is text, the others are aligned right."""
    lines = [columns, ["---", *["---:"] * (len(columns) - 1)], *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines) + "\n"


def hardware() -> str:
    """The accelerator if torch has one, else the processor and the cores this process may use."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{cores} cores {_processor()}"


def _processor() -> str:
    try:
        names = re.findall(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()
