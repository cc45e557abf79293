"""Classes and parts of pictures from where they lie: subfolders, folders train / validation / test, a labels.csv."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Sequence

import numpy as np

from vae_core.errors import DataError
from vae_core.import_images.source import Source

PART_NAMES = {
    "train": 0, "training": 0, "val": 1, "valid": 1, "validation": 1, "dev": 1, "test": 2, "testing": 2,
}  # fmt: skip
MOST_CLASSES = 1000
UNSORTED = "unsorted"  # the class of pictures beside the folders of the others, or that labels.csv does not name
_FILES = ("file", "filename", "file_name", "image", "image_id", "picture", "name", "path", "id")
_LABELS = ("label", "labels", "class", "category", "target", "species", "breed")


def printable(text: str) -> str:
    """As it can be shown and kept in a file, whatever bytes it came from; accents as one letter each."""
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    text = unicodedata.normalize("NFC", text)
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text).strip()[:200]


def arrange(source: Source, paths: Sequence[str], table: bytes | None) -> None:
    """Gives the source labels, classes and parts from the paths of its pictures ("a/b/1.png") and from labels.csv, if any.

    Raises:
        DataError: labels.csv cannot be understood.
    """
    start = len(_common_folder(paths))
    inner = [path[start:] for path in paths]
    first = {path.partition("/")[0].lower() if "/" in path else "" for path in inner}
    if first & {"train", "training"} and first <= PART_NAMES.keys() and len(first) > 1:
        source.parts = np.array([PART_NAMES[path.partition("/")[0].lower()] for path in inner], np.int8)
        inner = [path.partition("/")[2] for path in inner]
    if table is None:
        words = [path.partition("/")[0] if "/" in path else "" for path in inner]
    else:
        given = _read_labels(table)
        words = [_look_up(given, path) for path in inner]
        if not any(words):
            raise DataError(f"{len(given):,} files are named in labels.csv, and none of them is here. Compare the names.")
    set_classes(source, words)


def set_classes(source: Source, words: Sequence[str], order: Sequence[str] = ()) -> None:
    """Labels and classes from the word of each picture; "" says that it has none. They stand in this order, if one is given."""
    there = {printable(word) for word in set(words)} - {""}
    names = [name for name in order if name in there] or sorted(there, key=_by_number)
    source.labels, source.classes = np.zeros(len(words), np.int32), {}
    if len(names) > MOST_CLASSES:
        source.notes.append(f"There are {len(names):,} classes; at most {MOST_CLASSES:,} can be kept, so the pictures have none.")
    elif len(names) > 1 or (names and "" in words):
        names += [UNSORTED] if "" in words else []
        place = {name: i for i, name in enumerate(names)}
        known = {word: place[printable(word)] if word else len(names) - 1 for word in set(words)}
        source.labels = np.fromiter((known[word] for word in words), np.int32, len(words))
        source.classes = dict(zip(names, np.bincount(source.labels, minlength=len(names)).tolist(), strict=True))


def _by_number(name: str) -> tuple[float, str]:
    """Numbers by their value, before words."""
    return (float(name), name) if name.isdecimal() else (float("inf"), name)


def _common_folder(paths: Sequence[str]) -> str:
    """The folder that all of them lie in, with its slash; "" when there is none."""
    low, high = min(paths).split("/")[:-1], max(paths).split("/")[:-1]
    same = 0
    while same < min(len(low), len(high)) and low[same] == high[same]:
        same += 1
    return "".join(f"{part}/" for part in low[:same])


def _read_labels(table: bytes) -> dict[str, str]:
    """File -> label. The first two columns, or those whose headings say so."""
    try:
        text = table.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = table.decode("latin-1")
    try:
        separator = csv.Sniffer().sniff(text[:4000], ",;\t").delimiter
    except csv.Error:
        separator = ","
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text), delimiter=separator) if row]
    except csv.Error as error:
        raise DataError(f"labels.csv cannot be read ({error}). It needs two columns: the file and its label.") from None
    if not rows or any(len(row) < 2 for row in rows):
        raise DataError("labels.csv needs two columns in every row: the file and its label, such as 17.jpg,monarch.")
    heads = [cell.lower() for cell in rows[0]]
    file = next((heads.index(name) for name in _FILES if name in heads), None)
    label = next((heads.index(name) for name in _LABELS if name in heads), None)
    if file is None and label is None:
        return {_key(row[0]): row[1] for row in rows}
    file = (0 if label else 1) if file is None else file
    label = (0 if file else 1) if label is None else label
    if any(len(row) <= max(file, label) for row in rows):
        raise DataError("A row of labels.csv is shorter than its headings. Mend it, or leave the file out.")
    return {_key(row[file]): row[label] for row in rows[1:]}


def _key(path: str) -> str:
    return unicodedata.normalize("NFC", path.replace("\\", "/").removeprefix("./"))


def _look_up(given: dict[str, str], path: str) -> str:
    """By its path, its name, or its name without the ending."""
    path = _key(path)
    name = path.rpartition("/")[2]
    return next((given[key] for key in (path, name, name.rpartition(".")[0]) if key in given), "")
