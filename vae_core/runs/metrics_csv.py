"""A run's rows as one table: a line per row, a column per number, what a row has not left empty."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from vae_core.runs.metrics_log import Row, read_since, read_tail

FIRST = ("kind", "step", "epoch", "time")
PIECE = 2000  # rows


def csv_pieces(path: Path) -> Iterator[bytes]:
    """The table, piece by piece, as far as the file goes now. A row's KL of each dimension is in kl_z0, kl_z1 and so on.

    The columns are those of the first rows and of the last ones: all rows of a kind have the same.
    """
    rows, offset = read_since(path)
    names, dimensions = _columns([*rows, *read_tail(path)])
    yield _lines([[*names, *(f"kl_z{d}" for d in range(dimensions))]])
    while rows:
        for start in range(0, len(rows), PIECE):
            yield _lines([_cells(row, names, dimensions) for row in rows[start : start + PIECE]])
        rows, offset = read_since(path, offset)


def _columns(rows: list[Row]) -> tuple[list[str], int]:
    names = dict.fromkeys([*FIRST, *(name for row in rows for name, value in row.items() if _fits(value))])
    return list(names), max((len(row.get("kl_per_dim") or ()) for row in rows), default=0)


def _fits(value: object) -> bool:
    return value is None or isinstance(value, str | int | float)


def _cells(row: Row, names: list[str], dimensions: int) -> list[object]:
    each = row.get("kl_per_dim") or []
    cells = [row.get(name) for name in names]
    return [*(cell if _fits(cell) else None for cell in cells), *each, *[None] * (dimensions - len(each))]


def _lines(rows: list[list[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
