"""What a person may decide about an upload."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, get_args, get_type_hints

from vae_core.errors import ImageError


@dataclass(frozen=True, kw_only=True)
class UploadOptions:
    """What a person may decide about an upload; "auto" decides from the picture.

    Raises:
        ImageError: a value that is not listed here.
    """

    rotate: Literal["auto", "0", "90", "180", "270"] = "auto"  # clockwise, degrees; auto: as EXIF says
    background: Literal["auto", "white", "black"] = "auto"  # behind transparent pixels; auto: what contrasts
    invert: Literal["auto", "yes", "no"] = "auto"  # auto: dark ink on a light border becomes light on dark, where the data is so
    levels: Literal["auto", "yes", "no"] = "auto"  # grey paper to black and pale ink to white; auto: only where the data is ink
    fit: Literal["auto", "crop to the ink", "centre crop", "pad", "stretch"] = "auto"  # how the shape becomes the network's

    def __post_init__(self) -> None:
        for name, allowed in choices().items():
            if getattr(self, name) not in allowed:
                raise ImageError(f"{name} cannot be {getattr(self, name)!r}; choose from {', '.join(allowed)}.")


def choices() -> dict[str, tuple[str, ...]]:
    """Option -> the values it may have, "auto" first."""
    hints = get_type_hints(UploadOptions)
    return {option.name: get_args(hints[option.name]) for option in fields(UploadOptions)}
