"""The answer to "where do these points lie?", kind 4 of `/live`: what ui/server/live_route.py describes."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vae_core.errors import CheckpointError

if TYPE_CHECKING:
    from vae_core.latent.data_likeness import Likeness
    from vae_core.latent.encoded_images import EncodedImages

PLACES = struct.Struct("<BxHI4f")  # kind, zero, count, sequence number, and how often the verdicts err
FIELDS = ("distance", "nearer", "cycle", "log_prior", "log_aggregate", "denser", "typical", "verdict")
VERDICTS = ("like", "unusual", "unlike", "unsaid", "measuring", "unmeasured")
EVERYTHING, DENSITIES, LIKENESS = range(3)
MOST = {EVERYTHING: 1200, DENSITIES: 4096, LIKENESS: 1200}  # points in one question; likeness decodes and encodes each
PART = 64  # points looked at between two looks at whether somebody still waits
PATIENCE = 3.0  # seconds that a path waits for the measure of a model that was just opened


def _on() -> None:
    """Somebody waits, as long as it takes."""


def answer_where(
    encoded: EncodedImages, kind: int, sequence: int, what: int, z: NDArray[np.float32], stop_check: Callable[[], None] = _on
) -> bytes:
    """FIELDS as float32 for each point, NaN for what was not asked for or is not known yet."""
    likeness = encoded.likeness(patience=0)
    rows = []
    for start in range(0, len(z), PART):
        stop_check()
        rows.append(_rows(encoded, likeness, what, z[start : start + PART]))
    return PLACES.pack(kind, len(z), sequence, *_errors(likeness)) + np.concatenate(rows).astype("<f4").tobytes()


def _errors(likeness: Likeness | None) -> tuple[float, float, float, float]:
    if likeness is None:
        return np.nan, np.nan, np.nan, np.nan
    errors = likeness.errors
    return errors.auc, errors.missed, errors.midpoints_taken, errors.far_taken


def _rows(encoded: EncodedImages, likeness: Likeness | None, what: int, z: NDArray[np.float32]) -> NDArray[np.float64]:
    found = {name: np.full(len(z), np.nan) for name in FIELDS}
    coverage = encoded.coverage
    if what in (EVERYTHING, DENSITIES) and encoded.has_density:
        found["log_prior"], found["log_aggregate"] = coverage.log_prior(z), coverage.log_aggregate(z, coverage.own(z))
        if likeness is not None:
            found["denser"] = likeness.denser(found["log_aggregate"])
    if what in (EVERYTHING, LIKENESS):
        found["verdict"][:] = VERDICTS.index("measuring" if encoded.judges else "unmeasured")
        if likeness is not None:
            judged = likeness.at(z)
            found["distance"], found["nearer"] = judged.distance, judged.nearer
            found["cycle"], found["typical"] = judged.cycle, judged.typical
            found["verdict"] = np.array([VERDICTS.index(verdict) for verdict in judged.verdict])
    return np.stack([found[name] for name in FIELDS], axis=1)


def along(encoded: Callable[[], EncodedImages], z: NDArray[np.float32]) -> tuple[NDArray[np.float64], bool]:
    """How typical each point of a path is, per cent, and whether that deserves a verdict; NaN without encoded images."""
    try:
        likeness = encoded().likeness(PATIENCE)
    except CheckpointError:
        likeness = None
    if likeness is None:
        return np.full(len(z), np.nan), False
    return likeness.at(z).typical, likeness.errors.tells
