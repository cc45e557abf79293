"""Pictures before they are kept, what is known of all of them and what is left out, as plain HTML (see own_pictures.css).

Names come from whoever made the files: everything is escaped here.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from vae_core.images import to_png

if TYPE_CHECKING:
    from vae_core.import_images import PreviewPicture, Report

MOST_ROWS = 200  # of a list that can be scrolled
LONG_LIST = 4  # rows; more may have to be scrolled
UNITS = ("bytes", "kB", "MB", "GB", "TB")


def pictures(shown: Sequence[PreviewPicture]) -> str:
    """Some pictures exactly as the network will see them, with the names of their files and classes."""
    return f'<ul class="own-pictures" aria-label="Pictures as the network will see them">{"".join(map(_picture, shown))}</ul>'


def _picture(one: PreviewPicture) -> str:
    source = base64.b64encode(to_png(one.pixels)).decode()
    words = escape(f"{one.name}, {one.label}" if one.label else one.name)
    below = f"<small>{escape(one.label)}</small>" if one.label else ""
    return f'<li title="{words}"><img alt="{words}" src="data:image/png;base64,{source}">{below}</li>'


def classes(counts: Mapping[str, int]) -> str:
    """How many pictures each class has, as bars on one scale."""
    most = max(counts.values(), default=1) or 1
    rows = "".join(
        f"<li><span>{escape(name)}</span><i><b style='width:{count / most:.1%}'></b></i><em>{count:,}</em></li>"
        for name, count in counts.items()
    )
    return _list(rows, len(counts), "own-classes", "Pictures of each class")


def left_out(listed: Sequence[tuple[str, str]], count: int) -> str:
    """What cannot be read, each with its reason; `count` of them, of which the first are listed."""
    shown = listed[:MOST_ROWS]
    rows = "".join(f"<li><span>{escape(name)}</span><em>{escape(reason)}</em></li>" for name, reason in shown)
    if count > len(shown):
        rows += f"<li><span>and {count - len(shown):,} more</span></li>"
    return _list(rows, count, "own-left-out", "Files that are left out, with the reason")


def _list(rows: str, count: int, kind: str, label: str) -> str:
    """A list; a long one scrolls, by the keyboard too."""
    scrolls = ' tabindex="0" role="region"' if count > LONG_LIST else ""
    return f'<div class="own-scroll" aria-label="{label}"{scrolls}><ul class="{kind}">{rows}</ul></div>'


def size(count: int) -> str:
    """Bytes as a person says them: "340 kB", "1.2 GB"."""
    value, unit = float(count), 0
    while value >= 999.5 and unit < len(UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.1f} {UNITS[unit]}" if unit and value < 9.95 else f"{value:.0f} {UNITS[unit]}"


def files(count: int, one: str = "picture") -> str:
    """A number of things: "1 picture", "1,204 pictures"."""
    return f"{count:,} {one}{'' if count == 1 else 's'}"


def sentences(report: Report) -> list[str]:
    """What is known of all the pictures, beside their classes."""
    test = "" if report.parts else " One in ten, at most 10,000, is a test image, which no model learns from."
    found = [f"{files(report.kept)} will be kept.{test}", *report.notes]
    if report.duplicates_count:
        name, kept = report.duplicates[0]
        are = "picture is an exact copy" if report.duplicates_count == 1 else "pictures are exact copies"
        found.append(f"{report.duplicates_count:,} {are} of another one and left out, such as {name} of {kept}.")
    if report.parts:
        given = ", ".join(f"{count:,} {part}" for part, count in report.parts.items())
        found.append(f"Split as the folders say: {given}.")
    sizes = [size.replace(" x ", "×") for size in report.sizes]
    if len(sizes) > 1:
        found.append(f"{len(sizes):,} different sizes, most often {sizes[0]}.")
    elif sizes:
        found.append(f"All are {sizes[0]}.")
    return found
