"""What a source holds, before it is kept: what can be read, what not and why, duplicates, classes; and a few pictures of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from vae_core.array_types import Pixels
from vae_core.import_images.import_options import ImportOptions
from vae_core.import_images.source import Source

Progress = Callable[[int, int], None]  # pictures looked at, pictures in all


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
    """Decodes every picture once. Readable from any thread; `should_stop` ends it with what was found so far."""
    raise NotImplementedError


def preview(source: Source, options: ImportOptions, count: int = 24) -> list[PreviewPicture]:
    """Some pictures of the source, spread over its classes, always the same ones; those that cannot be read are passed over.

    The decoded originals are kept with the source, so that another option is shown at once.
    """
    raise NotImplementedError
