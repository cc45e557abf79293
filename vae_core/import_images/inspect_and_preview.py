"""What a source holds, before it is kept: what can be read, what not and why, duplicates, classes; and a few pictures of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np

from vae_core.array_types import Pixels
from vae_core.import_images.decode_in_threads import decoded
from vae_core.import_images.import_options import ImportOptions
from vae_core.import_images.source import PARTS, Source
from vae_core.import_images.to_pixels import fitted, upright

Progress = Callable[[int, int], None]  # pictures looked at, pictures in all
MOST_LISTED = 1000  # of what is left out
_SEED = 5_871


@dataclass(frozen=True)
class Report:
    """What was found in a source.

    readable counts every picture that can be decoded, duplicates among them; an import keeps `kept` of them.
    """

    readable: int
    unreadable: list[tuple[str, str]]  # (name, reason); at most MOST_LISTED of them
    unreadable_count: int
    duplicates: list[tuple[str, str]]  # (name, name of the equal one that is kept); at most MOST_LISTED
    duplicates_count: int
    classes: dict[str, int]  # class -> pictures kept; empty where there are no classes
    parts: dict[str, int]  # train, validation, test -> pictures kept, as folders gave them; empty: drawn by a fixed seed
    sizes: dict[str, int]  # "640 x 480" -> pictures, the most frequent first
    notes: list[str] = field(default_factory=list)  # sentences about the whole
    stopped: bool = False  # not all was looked at

    @property
    def kept(self) -> int:
        """Pictures that an import keeps."""
        return self.readable - self.duplicates_count


@dataclass(frozen=True)
class PreviewPicture:
    """One picture as the network will see it: (H, W, C) uint8."""

    name: str
    label: str  # its class; "" without classes
    pixels: Pixels


def inspect(source: Source, progress: Progress | None = None, should_stop: Callable[[], bool] | None = None) -> Report:
    """Decodes every picture once. `should_stop` ends it with what was found so far. May run in any thread."""
    unreadable, duplicates = source.left_out[:MOST_LISTED], list[tuple[str, str]]()
    seen: dict[bytes, int] = {}
    labels, parts, sizes = Counter[int](), Counter[int](), Counter[tuple[int, int]]()
    failed = repeated = looked = 0
    with closing(decoded(source, ImportOptions(), source.order)) as pictures:
        for one in pictures:
            if should_stop is not None and should_stop():
                break
            looked += 1
            if one.pixels is None:
                failed += 1
                _list(unreadable, source.names[one.index], one.reason)
            elif source.drop_duplicates and one.key in seen:
                repeated += 1
                _list(duplicates, source.names[one.index], source.names[seen[one.key]])
            else:
                seen[one.key] = one.index
                labels[int(source.labels[one.index])] += 1
                parts[0 if source.parts is None else int(source.parts[one.index])] += 1
            sizes.update([one.size] if one.pixels is not None else [])
            if progress is not None:
                progress(looked, source.count)
    return Report(
        readable=looked - failed,
        unreadable=unreadable,
        unreadable_count=len(source.left_out) + failed,
        duplicates=duplicates,
        duplicates_count=repeated,
        classes={name: labels[i] for i, name in enumerate(source.classes)},
        parts={} if source.parts is None else {name: parts[i] for i, name in enumerate(PARTS) if parts[i]},
        sizes={f"{width} x {height}": count for (width, height), count in sizes.most_common(MOST_LISTED)},
        notes=list(source.notes),
        stopped=looked < source.count,
    )


def _list(entries: list[tuple[str, str]], name: str, about: str) -> None:
    if len(entries) < MOST_LISTED:
        entries.append((name, about))


def preview(source: Source, options: ImportOptions, count: int = 24) -> list[PreviewPicture]:
    """Some pictures of the source, spread over its classes, always the same ones; those that cannot be read are passed over.

    The decoded originals are kept with the source, so that another option is shown at once.
    """
    found: list[PreviewPicture] = []
    for index in _spread(source, 8 * count):
        try:
            image = source.previews.get((index, options.size))
            if image is None:
                image = source.previews[index, options.size] = upright(source.read(index), options.size)[0]
            pixels = fitted(image, options)
        except Exception:  # `inspect` lists it with the reason
            continue
        label = source.class_names[source.labels[index]] if source.classes else ""
        found.append(PreviewPicture(source.names[index], label, pixels))
        if len(found) == count:
            break
    return found


def _spread(source: Source, count: int) -> list[int]:
    """At most so many places, drawn by a fixed seed; each class comes once before any comes twice."""
    order = np.random.default_rng(_SEED).permutation(source.count)
    turns: dict[int, int] = {}
    ranked = []
    for index in order[: 50 * count].tolist():
        label = int(source.labels[index])
        turns[label] = turns.get(label, -1) + 1
        ranked.append((turns[label], label, index))
    return [index for _, _, index in sorted(ranked)[:count]]
