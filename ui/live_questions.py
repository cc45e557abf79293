"""What else can be asked over `/live`: many small pictures at once, and where points lie. Frames are described in `ui/live.py`.

Pure functions from a frame to a reply, so that they can be tested without a server.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from vae_core.atlas import Atlas
    from vae_core.latents import LatentModel

MANY, WHERE = 3, 4
QUESTION = struct.Struct("<BxHI")  # kind, side (MANY only), sequence number
PICTURES = struct.Struct("<BBHIHH")  # kind, channels, count, sequence number, height, width
PLACES = struct.Struct("<BxHI")  # kind, count, sequence number
MAX_PICTURES, MAX_PLACES, MAX_CYCLES = 512, 4096, 16
VERDICTS = ("on the data", "thin", "hole")


class BadQuestionError(ValueError):
    """The frame breaks a rule; the message says which."""


def read_question(frame: bytes, latent_dim: int) -> tuple[int, int, int, NDArray[np.float32]]:
    """(kind, side, sequence, z (B, D)) of a frame of kind MANY or WHERE.

    Raises:
        BadQuestionError: wrong length, too many points, or a value that is not finite.
    """
    kind, side, sequence = QUESTION.unpack_from(frame)
    body = len(frame) - QUESTION.size
    most = MAX_PICTURES if kind == MANY else MAX_PLACES
    if body <= 0 or body % (4 * latent_dim):
        raise BadQuestionError(f"z takes {4 * latent_dim} bytes ({latent_dim} x float32) for each point, got {body} in all")
    z = np.frombuffer(frame, "<f4", offset=QUESTION.size).reshape(-1, latent_dim)
    if len(z) > most:
        raise BadQuestionError(f"at most {most} points in one frame of kind {kind}, got {len(z)}")
    if not np.isfinite(z).all():
        raise BadQuestionError("z holds NaN or infinity")
    return kind, side, sequence, z


def answer_many(model: LatentModel, sequence: int, side: int, z: NDArray[np.float32]) -> bytes:
    """Pictures of all points, at most `side` pixels on the longer side (0: full size)."""
    height, width, _ = model.image_shape
    pictures = model.decode_small(z, side or max(height, width))
    count, height, width, channels = pictures.shape
    return PICTURES.pack(MANY, channels, count, sequence, height, width) + pictures.tobytes()


def answer_where(atlas: Atlas, sequence: int, z: NDArray[np.float32]) -> bytes:
    """Six float32 for each point: distance, percentile, log p(z), log q(z), cycle error (NaN beyond MAX_CYCLES), verdict."""
    found = atlas.whereabouts(z)
    cycles = atlas.cycle_error(z) if len(z) <= MAX_CYCLES else np.full(len(z), np.nan)
    verdicts = [VERDICTS.index(verdict) for verdict in found.verdict]
    columns = (found.distance, found.percentile, found.log_prior, found.log_aggregate, cycles, verdicts)
    return PLACES.pack(WHERE, len(z), sequence) + np.stack(columns, axis=1).astype("<f4").tobytes()
