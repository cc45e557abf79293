"""What a published page knows of one model: what the Explore page would show, figures, encoded test images, their pictures."""

from __future__ import annotations

import base64
import gzip
import io
import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vae_core.array_types import Float32s, Pixels
from vae_core.data.stored_images import at_hand, test_image
from vae_core.evaluation.diagnostics import ACTIVE_VARIANCE
from vae_core.latent import latent_model
from vae_core.latent.coverage import Coverage
from vae_core.latent.crispest_picture import crispest
from vae_core.latent.data_likeness import Likeness
from vae_core.latent.encoded_images import EncodedImages
from vae_core.latent.latent_model import LatentModel
from vae_core.latent.slider_ranges import slider_rows
from vae_core.model_files.header import Header
from vae_core.onnx_export import onnx_files
from vae_core.publish.packed_files import PackedFile, packed, plain

FINEST = 0.001  # step of a kept mean: z is rounded to it on the page
NO_SPREAD = -128  # stands for a standard deviation of 0
PER_LOG = 32  # steps of a kept standard deviation in each unit of its logarithm: 3 % apart
THUMBNAIL = 48  # pixels, longer side at most
QUALITY = 20  # of the sheet of thumbnails as WebP: strokes stay clear, and it is an eighth of a PNG
CANDIDATES = 24  # among which the picture is chosen that the page opens with
SEED = 0


@dataclass(frozen=True)
class Points:
    """The encoded test images of a page as its visitors' browsers will read them: numbers, means and stds (N, D), labels (N,)."""

    numbers: NDArray[np.int64]
    means: Float32s
    stds: Float32s
    labels: NDArray[np.int64]
    step: float


@dataclass(frozen=True)
class Described:
    """A model of the page: its description as JSON, and the files that this names."""

    name: str
    json: dict[str, Any]
    files: tuple[PackedFile, ...]


def described(path: Path, name: str, *, most_points: int) -> Described:
    """Everything of the model in this file. Takes seconds: the pictures are judged once.

    Raises:
        CheckpointError: the file is missing or broken.
        OnnxExportError: the model cannot be written as ONNX.
    """
    model = latent_model.open_model(path)
    header = model.header
    points = kept_points(model, most_points)
    folder = f"models/{name}"
    decoder = packed(f"{folder}/decoder.bin", _onnx(path, "decoder"))
    # What an encoder from elsewhere takes and gives is its own affair: a page's is one of ours.
    encodes = model.can_encode and header.foreign is None
    encoder = packed(f"{folder}/encoder.bin", _onnx(path, "encoder")) if encodes else None
    encoded = None if points is None else packed(f"{folder}/points.bin", points_file(model, points))
    sheet = None if points is None else _thumbnails(model, points)
    thumbnails = None if sheet is None else plain(f"{folder}/thumbnails.webp", sheet[1])
    content = {
        "view": _view(path, name, model, points),
        "facts": facts(model),
        "decoder": {**decoder.described, **header.picture_format},
        "encoder": None if encoder is None else encoder.described,
        "points": None if encoded is None else encoded.described,
        "thumbnails": None if sheet is None or thumbnails is None else {**thumbnails.described, **sheet[0]},
        "likeness": None if points is None else likeness(model, points),
        "ink": None if header.data.ink is None else header.data.ink.model_dump(),
        "created": header.created,
    }
    files = tuple(file for file in (decoder, encoder, encoded, thumbnails) if file is not None)
    return Described(name, content, files)


def _onnx(path: Path, part: onnx_files.Part) -> bytes:
    """The decoder or the encoder; made here, where torch is loaded already, unless it has been made before."""
    file = onnx_files.onnx_file(path, part, half=True)
    if not file.path.is_file():
        file.path.parent.mkdir(parents=True, exist_ok=True)
        onnx_files.make(file)
    return gzip.decompress(file.path.read_bytes())


def kept_points(model: LatentModel, most: int) -> Points | None:
    """The first encoded test images, or every so-manieth where the first are not of all kinds; None where the file has none."""
    means, stds, labels = model.test_means, model.test_stds, model.test_labels
    if means is None or stds is None or labels is None or len(means) < 2:
        return None
    numbers = np.arange(min(most, len(means)))
    if set(labels[numbers]) != set(labels):
        numbers = np.linspace(0, len(means) - 1, len(numbers)).astype(np.int64)
    step = max(FINEST, float(np.abs(means[numbers]).max()) / 32767)
    rounded = (np.round(means[numbers] / step) * np.float32(step)).astype(np.float32)
    logs = np.round(PER_LOG * np.log(np.maximum(stds[numbers].astype(np.float32), 1e-9)))
    spread = np.exp(np.clip(logs, -127, 127) / PER_LOG)
    return Points(numbers, rounded, np.where(stds[numbers] > 0, spread, 0).astype(np.float32), labels[numbers], step)


def points_file(model: LatentModel, points: Points) -> bytes:
    """As `readPoints` in static_data.js reads it."""
    encoded = EncodedImages(model, judges=False)
    logs = np.full(points.stds.shape, NO_SPREAD, np.int8)
    seen = points.stds > 0
    logs[seen] = np.round(PER_LOG * np.log(points.stds[seen]))
    floats = (encoded.centre, encoded.axes)
    parts = [
        struct.pack("<IIf", *points.means.shape, points.step),
        *(np.asarray(part).astype("<f4").tobytes() for part in floats),
        points.numbers.astype("<u4").tobytes(),
        points.labels.astype("<u2").tobytes(),
        np.round(points.means / points.step).astype("<i2").tobytes(),
        logs.tobytes(),
    ]
    return b"".join(parts)


def likeness(model: LatentModel, points: Points) -> dict[str, Any]:
    """The measure of what looks like the data, fitted to the points that the page has."""
    statistics = model.header.statistics
    assert statistics is not None  # what has encoded images was measured
    active = np.array(statistics.mean_variance) > ACTIVE_VARIANCE
    density = model.header.has_bound
    stds = points.stds if density else np.ones_like(points.stds)
    coverage = Coverage(points.means, stds, points.labels, active=active)
    measure = Likeness(model, coverage)
    found = measure.errors
    errors = {
        "auc": found.auc, "missed": found.missed, "midpointsTaken": found.midpoints_taken, "farTaken": found.far_taken
    }  # fmt: skip
    return measure.fitted() | {"errors": errors, "density": density}


def facts(model: LatentModel) -> list[tuple[str, str]]:
    """The model's figures as measured and how it came about, in words."""
    header = model.header
    config, metrics = header.config, header.metrics
    height, width, channels = model.image_shape
    size = f"{height} × {width} in {'grey' if channels == 1 else 'colour'}"
    rows = [("data", header.data.title), ("pictures", size), ("latent dimensions", str(header.latent_dim))]
    if header.foreign is not None:
        return [
            *rows,
            *((words, said) for words, said in (("source", header.foreign.source), ("licence", header.foreign.licence)) if said),
        ]
    rows += [("architecture", config.model.architecture), ("objective", config.objective.summary)] if header.has_encoder else []
    if metrics is not None:
        where = f"{metrics.images:,} {metrics.split} images"
        if metrics.elbo is not None and metrics.kl is not None:
            error = "" if metrics.elbo_se is None else f" ± {metrics.elbo_se:.2f}"
            rows.append(("ELBO", f"{metrics.elbo:.2f}{error} nats per image, {where}"))
            rows.append(("−log p(x|z)", f"{metrics.reconstruction:.2f} nats per image"))
            rows.append(("KL", f"{metrics.kl:.2f} nats per image"))
        else:
            rows.append(("squared error", f"{metrics.reconstruction:.2f} per image, {where}"))
        rows.append(("active units", f"{metrics.active_units} of {header.latent_dim}"))
    rows += [("trained", header.created[:10])] if header.created else []
    rows += [("trained with", header.command)] if header.command else []
    return [(words, value.replace("-", "−") if words in ("ELBO", "KL") else value) for words, value in rows]


def _view(path: Path, name: str, model: LatentModel, points: Points | None) -> dict[str, Any]:
    """What the Explore page sends of the model, see `payload` in ui/components/explorer."""
    header = model.header
    posterior = None
    if points is None:
        draws = model.sample_prior(CANDIDATES, SEED)
        z = draws[crispest(model.decode(draws))]
    else:
        candidates = np.linspace(0, len(points.means) - 1, min(CANDIDATES, len(points.means))).astype(int)
        index = int(candidates[crispest(model.decode(points.means[candidates]))])
        z = points.means[index]
        posterior = {"mu": z.tolist(), "std": points.stds[index].tolist(), "index": index, "label": _title(header, points, index)}
    place = [round(float(value), 4) for value in z]
    picture = model.decode(np.array([place], np.float32))[0]
    digest = onnx_files.file_hash(path)
    return {
        **_fixed(digest),
        "model": name,
        "dimensions": slider_rows(
            header.statistics,
            header.latent_dim,
            marginal=not header.config.model.independent_latents,
            prior=header.has_prior,
            uniform=header.uniform_prior,
        ),
        "uniform": header.uniform_prior,
        "images": header.foreign is None,
        "encodes": model.can_encode and points is not None,
        "prior": header.has_prior,
        "z": place,
        "posterior": posterior,
        "picture": {"z": place, "pixels": base64.b64encode(picture.tobytes()).decode()},
        "shape": "x".join(map(str, model.image_shape)),
        "classes": list(header.data.classes),
    }


def _title(header: Header, points: Points, index: int) -> str:
    """What a test image is called: "test image 7 (an 8)", as on the Explore page."""
    number = int(points.numbers[index])
    if not header.data.classes:
        return f"test image {number}"
    name = header.data.label(int(points.labels[index]))
    return f"test image {number} ({'an' if name[:1].lower() in tuple('aeio8') else 'a'} {name})"


def _fixed(digest: str) -> dict[str, Any]:
    """What is the same of every published model: nothing is trained, and there is nobody but the visitor."""
    return {
        "version": digest[:16],
        "session": "published",
        "run": False,
        "training": False,
        "judged": True,
        "noise": False,  # drawing from p(x|z) needs Python
        "gradients": False,  # geodesics need Python
        "decoder": None,  # the page has its own
        "revision": 0,
        "file": "",
        "hash": digest[:16],
        "pins": None,
        "pinsRevision": 0,
        "acknowledged": {},
        "others": [],
        "compared": None,
    }


def _thumbnails(model: LatentModel, points: Points) -> tuple[dict[str, Any], bytes] | None:
    """The pictures of the points on one sheet: how it is laid out, and the WebP; None where they are not on this computer."""
    header = model.header
    name = header.config.data.name
    if header.metrics is None or header.metrics.split != "test" or not at_hand(name, header.data):
        return None
    pictures = np.stack([_small(np.atleast_3d(test_image(name, int(number))[0])) for number in points.numbers])
    columns = math.ceil(math.sqrt(len(pictures)))
    sheet = _sheet(pictures, columns)
    file = io.BytesIO()
    Image.fromarray(sheet[..., 0] if sheet.shape[2] == 1 else sheet).save(file, "WEBP", quality=QUALITY, method=6)
    height, width = pictures.shape[1:3]
    layout = {"type": "image/webp", "height": height, "width": width, "columns": columns, "count": len(pictures)}
    return layout, file.getvalue()


def _sheet(pictures: Pixels, columns: int) -> Pixels:
    """Pictures (N, H, W, C) in rows without gaps, (H', W', C)."""
    count, height, width, channels = pictures.shape
    rows = math.ceil(count / columns)
    padded = np.concatenate([pictures, np.zeros((rows * columns - count, height, width, channels), np.uint8)])
    grid = padded.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    return np.ascontiguousarray(grid.reshape(rows * height, columns * width, channels))


def _small(picture: Pixels) -> Pixels:
    scale = THUMBNAIL / max(picture.shape[:2])
    if scale >= 1:
        return picture
    image = Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return np.atleast_3d(np.asarray(image.resize(size, Image.Resampling.BOX)))
