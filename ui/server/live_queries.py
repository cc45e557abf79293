"""What else can be asked over `/live`: many small pictures, where points lie, paths, draws. For frames see `live_route.py`.

Pure functions from a frame to a reply, so that they can be tested without a server. Each works in short steps and calls
`stop_check` between them, which raises when the client has gone; and no reply has more than MAX_ANSWER bytes of pictures:
where as many as were asked for do not fit at full size, all are averaged down until they do.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ui.server import likeness_query
from vae_core.errors import CheckpointError, LatentError

if TYPE_CHECKING:
    from vae_core.array_types import Float32s, Pixels
    from vae_core.latent.encoded_images import EncodedImages
    from vae_core.latent.latent_model import LatentModel

MANY, WHERE, PATH, SAMPLES, TRAINING = 3, 4, 5, 6, 8
QUERY = struct.Struct("<BxHI")  # kind, side (MANY only), sequence number
PICTURES = struct.Struct("<BBHIHH")  # kind, channels, count, sequence number, height, width
PATH_HEAD = struct.Struct("<BBHIHHHH")  # kind, channels, count, sequence number, height, width, latent size, verdicts may be said
DRAW = struct.Struct("<IIf")  # count, seed, temperature
MAX_STEPS = 64  # in one question
MAX_PICTURES, MAX_PLACES = 512, max(likeness_query.MOST.values())
MAX_TEMPERATURE = 10.0
MAX_ANSWER = 4 << 20  # bytes of pictures in one reply: 341 of 64x64 in colour
PASS = 1 << 20  # numbers decoded at a time: larger passes take gigabytes with large pictures, and are not quicker
EVEN = 0x80  # bit of a PATH's options: choose the points so that the picture changes evenly


StopCheck = Callable[[], None]


def _on() -> None:
    """Somebody waits, as long as it takes."""


class BadQueryError(ValueError):
    """The frame breaks a rule; the message says which."""


def read_question(frame: bytes, latent_dim: int) -> tuple[int, int, int, NDArray[np.float32]]:
    """(kind, side or options, sequence, z (B, D)) of a question.

    Raises:
        BadQueryError: wrong length, too many points, or a value that is not finite.
    """
    if len(frame) < QUERY.size:
        raise BadQueryError(f"a question has at least {QUERY.size} bytes, got {len(frame)}")
    kind, side, sequence = QUERY.unpack_from(frame)
    body = len(frame) - QUERY.size
    most = MAX_PICTURES if kind == MANY else MAX_PLACES
    if body <= 0 or body % (4 * latent_dim):
        raise BadQueryError(f"z takes {4 * latent_dim} bytes ({latent_dim} x float32) for each point, got {body} in all")
    z = np.frombuffer(frame, "<f4", offset=QUERY.size).reshape(-1, latent_dim)
    if len(z) > most:
        raise BadQueryError(f"at most {most} points in one frame of kind {kind}, got {len(z)}")
    if not np.isfinite(z).all():
        raise BadQueryError("z holds NaN or infinity")
    return kind, side, sequence, z


def seconds(frame: bytes, shape: tuple[int, int, int], latent_dim: int) -> float:
    """About how long a question takes: what takes longest is answered last. From measurements on one core, for three models."""
    kind, values, points = frame[0], math.prod(shape), (len(frame) - QUERY.size) / (4 * latent_dim)
    if kind == WHERE:
        return (2e-4 if frame[2] == likeness_query.DENSITIES else 2e-4 + 5e-8 * values) * points
    if kind == SAMPLES:
        return 2e-8 * values * int.from_bytes(frame[8:12], "little")
    if kind == TRAINING:  # a file is opened for each, unless it was before
        return 0.02 * min(MAX_STEPS, int.from_bytes(frame[8:12], "little"))
    if kind == MANY:
        return 2e-8 * values * points
    options, count = (frame[2], frame[3]) if len(frame) > QUERY.size else (0, 0)
    return 2e-8 * values * count * (200 if options & 0x03 == 2 else 1) * (8 if options & EVEN else 1)


def answer(model: LatentModel, encoded: Callable[[], EncodedImages], frame: bytes, stop_check: StopCheck = _on) -> bytes:
    """The reply to a question; the encoded images are only looked at when they are needed.

    Raises:
        BadQueryError: the frame breaks a rule.
        CheckpointError: the model carries no encoded images to compare with.
    """
    if frame[:1] == bytes([SAMPLES]):
        return answer_samples(model, frame, stop_check)
    kind, side, sequence, z = read_question(frame, model.latent_dim)
    if kind == MANY:
        return answer_many(model, sequence, side, z, stop_check)
    ask = answer_path if kind == PATH else answer_where
    return ask(model, encoded, sequence, side, z, stop_check)


def answer_many(model: LatentModel, sequence: int, side: int, z: Float32s, stop_check: StopCheck = _on) -> bytes:
    """Pictures of all points, at most `side` pixels on the longer side (0: full size, as far as it fits)."""
    pictures = _small(model, z, side, stop_check)
    count, height, width, channels = pictures.shape
    return PICTURES.pack(MANY, channels, count, sequence, height, width) + pictures.tobytes()


def _small(model: LatentModel, z: Float32s, side: int, stop_check: StopCheck) -> Pixels:
    fits = fitting_side(model.image_shape, len(z))
    step = max(1, int(PASS / (math.prod(model.image_shape) * model.slowness)))
    parts = []
    for start in range(0, len(z), step):
        stop_check()
        parts.append(model.decode_small(z[start : start + step], min(side or fits, fits)))
    return np.concatenate(parts)


def fitting_side(shape: tuple[int, int, int], count: int) -> int:
    """The longer side at which `count` pictures of this shape (H, W, C) fit into one reply: their own, or less."""
    return max(1, math.floor(max(shape[:2]) * min(1.0, math.sqrt(MAX_ANSWER / (count * math.prod(shape))))))


def answer_where(
    model: LatentModel, encoded: Callable[[], EncodedImages], sequence: int, what: int, z: Float32s, stop_check: StopCheck = _on
) -> bytes:
    """Where points lie; `what` is everything, their densities, or whether they look like the data.

    Raises:
        BadQueryError: another `what`, or too many points for it.
    """
    if what not in likeness_query.MOST:
        raise BadQueryError(f"what is asked of places is 0 to {len(likeness_query.MOST) - 1}, got {what}")
    if len(z) > likeness_query.MOST[what]:
        raise BadQueryError(f"at most {likeness_query.MOST[what]} points in a question of this kind, got {len(z)}")
    return likeness_query.answer_where(encoded(), WHERE, sequence, what, z, stop_check)


def answer_path(
    model: LatentModel,
    encoded: Callable[[], EncodedImages],
    sequence: int,
    options: int,
    z: Float32s,
    stop_check: StopCheck = _on,
) -> bytes:
    """A path through the points: K x D float32 z, K float32 changes (the first 0), K float32 typical (as in WHERE), K pictures.

    `options` holds the kind (an index into paths.KINDS) in bits 0-1, EVEN, and the number of steps in its high byte. How
    typical they are is NaN when the model carries no encoded images.
    """
    from vae_core.latent.paths import KINDS, path_through

    index = options & 0x03
    if index >= len(KINDS):
        raise BadQueryError(f"the kind of a path is 0 to {len(KINDS) - 1}, got {index}")
    count = max(len(z), options >> 8)
    side = fitting_side(model.image_shape, count)
    try:
        even = bool(options & EVEN)
        found = path_through(model, z, kind=KINDS[index], count=count, even=even, side=side, stop_check=stop_check)
    except LatentError as error:
        raise BadQueryError(str(error)) from None
    count, height, width, channels = found.pictures.shape
    typical, said = likeness_query.along(encoded, found.z)
    head = PATH_HEAD.pack(PATH, channels, count, sequence, height, width, model.latent_dim, said)
    floats = (found.z, np.concatenate([[0.0], found.changes]), typical)
    return head + b"".join(np.asarray(part).astype("<f4").tobytes() for part in floats) + found.pictures.tobytes()


def answer_training(snapshot: Callable[[int], LatentModel], latent_dim: int, frame: bytes, stop_check: StopCheck = _on) -> bytes:
    """One z as the snapshots of several steps draw it.

    Raises:
        BadQueryError: another length, too many steps, a step without a snapshot, or a value that is not finite.
    """
    _, side, sequence = QUERY.unpack_from(frame)
    count = int.from_bytes(frame[QUERY.size : QUERY.size + 4], "little")
    if not 1 <= count <= MAX_STEPS or len(frame) != QUERY.size + 4 + 4 * count + 4 * latent_dim:
        raise BadQueryError(f"1 to {MAX_STEPS} steps and one point of {latent_dim} x float32 in one question")
    steps = np.frombuffer(frame, "<u4", count, QUERY.size + 4).tolist()
    z = np.frombuffer(frame, "<f4", latent_dim, QUERY.size + 4 + 4 * count)[None]
    if not np.isfinite(z).all():
        raise BadQueryError("z holds NaN or infinity")
    pictures = []
    for step in steps:
        stop_check()
        try:
            model = snapshot(step)
            pictures.append(model.decode_small(z, min(side or max(model.image_shape), fitting_side(model.image_shape, count))))
        except (CheckpointError, LatentError) as error:
            raise BadQueryError(str(error)) from None
    if len({picture.shape for picture in pictures}) != 1:
        raise BadQueryError("these snapshots draw pictures of different sizes")
    _, height, width, channels = pictures[0].shape
    head = PICTURES.pack(TRAINING, channels, count, sequence, height, width)
    return head + b"".join(picture.tobytes() for picture in pictures)


def answer_samples(model: LatentModel, frame: bytes, stop_check: StopCheck = _on) -> bytes:
    """Seeded draws from the prior: K x D float32 z, K pictures. The same seed gives the same grid on every machine.

    Raises:
        BadQueryError: another length, too many, or a temperature out of range.
    """
    if len(frame) != QUERY.size + DRAW.size:
        raise BadQueryError(f"a question for draws takes {QUERY.size + DRAW.size} bytes, got {len(frame)}")
    _, side, sequence = QUERY.unpack_from(frame)
    count, seed, temperature = DRAW.unpack_from(frame, QUERY.size)
    if not 1 <= count <= MAX_PICTURES:
        raise BadQueryError(f"1 to {MAX_PICTURES} draws in one frame, got {count}")
    if not 0 <= temperature <= MAX_TEMPERATURE:  # NaN is not
        raise BadQueryError(f"the temperature is 0 to {MAX_TEMPERATURE:g}, got {temperature:g}")
    z = model.sample_prior(count, seed, temperature=temperature)
    pictures = _small(model, z, side, stop_check)
    _, height, width, channels = pictures.shape
    head = PATH_HEAD.pack(SAMPLES, channels, count, sequence, height, width, model.latent_dim, 0)
    return head + z.astype("<f4").tobytes() + pictures.tobytes()
