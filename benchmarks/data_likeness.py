"""What tells pictures of data from pictures of none? Measures compared on the shipped models, on points they were not fitted to.

    python -m benchmarks.data_likeness [NAME ...]

Every model's own encoded test images give two samples without an image in common: the first fits what has weights, the second is
judged. A measure is worth how often it ranks the picture decoded at the code of a test image above one that is known to be none
(AUC; 0.5 is chance): decoded at midpoints between images of different kinds, at points far out (2.5 standard deviations of the
prior), at codes of another dataset's images, and, in two dimensions, in holes: between the outermost codes, where log q(z) is
lower than it is at 99 % of the test images (each without its own). Draws from the prior are no known answer; what is said of them
is told. Needs the datasets for the codes of other data (VAE_DATA); without them that column is missing.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from benchmarks import report
from vae_core.data import loading, stored_images
from vae_core.errors import DataError
from vae_core.evaluation.diagnostics import ACTIVE_VARIANCE
from vae_core.latent.coverage import Coverage
from vae_core.latent.data_likeness import LEAST_AUC, Likeness, auc, draw_samples, fit
from vae_core.latent.encoded_images import EncodedImages
from vae_core.latent.latent_model import LatentModel, open_model

Floats = NDArray[np.float64]
FOLDER = Path(__file__).parents[1] / "checkpoints"
SEED = 1  # another than the app's, so that the shipped measure is judged on points of its own
OTHER = {"mnist": "fashion-mnist", "fashion-mnist": "mnist", "shapes": "fashion-mnist"}
COUNTS = (1, 61, 400, 1089)  # points asked for at once: the indicator, a path, the map's background, a fine one
PART = 100  # pictures at a time

MEASURES = {  # (letter, name): the figures it is made of; more than one are weighed by logistic regression
    ("a", "distance to encoded images"): ("distance",),
    ("b", "-log q(z), aggregate posterior"): ("density",),
    ("b", "log p(z) - log q(z)"): ("density over prior",),
    ("c", "cycle error"): ("cycle",),
    ("c", "cycle error in the encoder's std"): ("cycle/std",),
    ("c", "cycle error of the picture"): ("redrawn",),
    ("d", "entropy of the pixels"): ("entropy",),
    ("d", "grey: p(1-p) over the picture's variance"): ("grey",),
    ("e", "pixel distance to the nearest real picture"): ("pixels",),
    ("e", "the same over the picture's norm"): ("pixels/norm",),
    ("g", "other kinds among the 15 nearest codes"): ("kinds",),
    ("f", "a, b, c, d, e"): ("distance", "density", "cycle/std", "redrawn", "grey", "entropy", "pixels/norm"),
    ("f", "a, g: no picture needed"): ("distance", "kinds"),
    ("f", "a, c, g"): ("distance", "cycle/std", "kinds"),
    ("f", "a, c, d, g: shipped"): ("distance", "cycle/std", "grey", "kinds"),
    ("f", "everything"): ("distance", "density", "cycle/std", "redrawn", "grey", "entropy", "pixels/norm", "kinds"),
}


@dataclass(frozen=True)
class Pictures:
    """Of B latents: pixels (B, P), what the encoder makes of them, mu and its marginal std (B, D), and its picture (B, P)."""

    pixels: Floats
    mu: Floats
    marginal_std: Floats
    redrawn: Floats


def pictures(model: LatentModel, z: NDArray[np.float32]) -> Pictures:
    """All in float32."""
    parts = []
    for start in range(0, len(z), PART):
        mean, mu, std = model.recognise(z[start : start + PART])
        again = model.decode_float(mu)
        parts.append([part.reshape(len(part), -1).astype(np.float64) for part in (mean, mu, std, again)])
    return Pictures(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def figures(model: LatentModel, coverage: Coverage, z: NDArray[np.float32], own: NDArray[np.int64] | None) -> dict[str, Floats]:
    """Every figure of z (B, D), each rising where it is less like the data; ranks are all that an AUC sees of a scale."""
    seen, near, active = pictures(model, z), coverage.neighbourhood(z, own), coverage.active
    p = seen.pixels.clip(1e-6, 1 - 1e-6)
    offset = (seen.mu - z)[:, active]
    density = -coverage.log_aggregate(z, own).astype(np.float64)
    to_real = _to_nearest(seen.pixels, _references(model))
    return {
        "distance": np.log(near.distance + 1e-4),
        "kinds": 1.0 - near.agreement,
        "density": density,
        "density over prior": density + coverage.log_prior(z),
        "cycle": np.log(np.linalg.norm(offset, axis=1) + 1e-4),
        "cycle/std": np.log(np.sqrt(np.square(offset / seen.marginal_std[:, active]).mean(axis=1)) + 1e-4),
        "redrawn": np.log(np.linalg.norm(seen.redrawn - seen.pixels, axis=1) + 1e-4),
        "entropy": np.log(-(p * np.log(p) + (1 - p) * np.log(1 - p)).sum(axis=1)),
        "grey": np.log((p * (1 - p)).mean(axis=1) / (p.var(axis=1) + 1e-6) + 1e-4),
        "pixels": np.log(to_real + 1e-4),
        "pixels/norm": np.log(to_real / np.linalg.norm(seen.pixels, axis=1) + 1e-4),
    }


def _references(model: LatentModel) -> Floats:
    images = model.reference_images
    assert images is not None, "the shipped models carry training images"
    return images.transpose(0, 3, 1, 2).reshape(len(images), -1) / 255.0


def _to_nearest(pixels: Floats, references: Floats) -> Floats:
    return torch.cdist(torch.from_numpy(pixels), torch.from_numpy(references)).min(dim=1).values.numpy()


def other_codes(model: LatentModel, count: int) -> NDArray[np.float32] | None:
    """Codes of another dataset's images, brought to the model's size; None where it is not at hand."""
    height, width, channels = model.image_shape
    name = OTHER[model.header.config.data.name]
    if not stored_images.available(name):
        return None
    try:
        images = loading.to_float(loading.load(name, 5000).test.images[:count])
    except DataError:
        return None
    sized = F.interpolate(images, (height, width), mode="bilinear").expand(-1, channels, -1, -1)
    return np.concatenate([model.posterior_means(part.numpy()) for part in sized.split(PART)])


def holes(coverage: Coverage, codes: NDArray[np.float32], own: NDArray[np.int64], count: int) -> NDArray[np.float32]:
    """Points between the outermost codes of a plane at which hardly any test image lies."""
    lowest = np.quantile(coverage.log_aggregate(codes, own), 0.01)
    low, high = np.quantile(coverage.means, [0.005, 0.995], axis=0)
    points = np.random.default_rng(SEED).uniform(low, high, (20 * count, 2)).astype(np.float32)
    return points[coverage.log_aggregate(points) < lowest][:count]


def compare(model: LatentModel, coverage: Coverage) -> tuple[str, dict[str, NDArray[np.float32]]]:
    """The table of AUCs, and the points it was made with."""
    fitting, checking = draw_samples(coverage, SEED)
    count = len(checking.codes)
    none = {"midpoints": checking.midpoints, "far": checking.far}
    if (other := other_codes(model, count)) is not None:
        none["other data"] = other
    if model.latent_dim == 2:
        none["holes"] = holes(coverage, checking.codes, checking.own, count)
    fitted = [
        figures(model, coverage, z, own)
        for z, own in ((fitting.codes, fitting.own), (fitting.midpoints, None), (fitting.far, None))
    ]
    known = figures(model, coverage, checking.codes, checking.own)
    judged = {name: figures(model, coverage, z, None) for name, z in none.items()}
    rows = []
    for (letter, name), parts in MEASURES.items():
        score = _score(fitted, parts)
        rows.append([f"({letter}) {name}", *(f"{auc(score(known), score(found)):.2f}" for found in judged.values())])
    table = report.table(["AUC against", *judged], rows)
    more = {"test images": checking.codes, **none, "prior draws": model.sample_prior(count, SEED)}
    return table, {**more, "z = 0": np.zeros((1, model.latent_dim), np.float32)}


def _score(fitted: list[dict[str, Floats]], parts: tuple[str, ...]) -> Callable[[dict[str, Floats]], Floats]:
    """A function from figures to one number that is higher for data; the first of `fitted` are test images."""

    def stacked(found: dict[str, Floats]) -> Floats:
        return np.stack([found[part] for part in parts], axis=1).astype(np.float64)

    data_side, *others = (stacked(found) for found in fitted)
    other_side = np.concatenate(others)
    centre, scale = data_side.mean(axis=0), np.concatenate([data_side, other_side]).std(axis=0) + 1e-9
    weights = fit((data_side - centre) / scale, (other_side - centre) / scale) if len(parts) > 1 else np.ones(1)
    return lambda found: -((stacked(found) - centre) / scale) @ weights


def said(likeness: Likeness, points: dict[str, NDArray[np.float32]]) -> str:
    """What the app says of each group of points."""
    errors = likeness.errors
    intro = (
        f"The app's own check: AUC {errors.auc_midpoints:.2f} against midpoints, {errors.auc_far:.2f} against points far out; "
        f"{errors.missed:.0%} of test images not said to look like the data, {errors.midpoints_taken:.0%} of midpoints and "
        f"{errors.far_taken:.0%} of points far out said to. Weights: "
        + ", ".join(f"{name} {weight:.2f}" for name, weight in likeness.weights.items())
        + ("." if errors.tells else f". Below {LEAST_AUC}: it gives no verdict on this model, only the distance.")
        + "\n"
    )
    if not errors.tells:
        return intro
    rows = []
    for name, z in points.items():
        verdicts = likeness.at(z).verdict
        rows.append([name, *(f"{verdicts.count(verdict) / len(verdicts):.0%}" for verdict in ("like", "unusual", "unlike"))])
    return intro + "\n" + report.table(["what is said of", "looks like the data", "unusual", "unlike the data"], rows)


def timed(model: LatentModel, likeness: Likeness, coverage: Coverage) -> list[str]:
    """Best of five, ms, of each number of points: whether they look like the data, and for the largest log q(z) beside it."""
    z = model.sample_prior(max(COUNTS), SEED)
    times = [_best(partial(likeness.at, z[:count])) for count in COUNTS]
    return [*(f"{took:.1f}" for took in times), f"{_best(partial(coverage.log_aggregate, z)):.1f}"]


def _best(work: Callable[[], object]) -> float:
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return 1000 * min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=sorted(path.stem for path in FOLDER.glob("*.safetensors")))
    parts, times = [], []
    for name in parser.parse_args().names:
        model = open_model(FOLDER / f"{name}.safetensors")
        encoded = EncodedImages(model)
        begin = time.perf_counter()
        likeness = encoded.likeness()
        assert likeness is not None
        made = time.perf_counter() - begin
        table, points = compare(model, encoded.coverage)
        assert model.header.statistics is not None
        active = int((np.array(model.header.statistics.mean_variance) > ACTIVE_VARIANCE).sum())
        parts += [
            f"## {name}\n\n{active} of {model.latent_dim} dimensions in use; {len(points['test images'])} points of a kind.\n"
        ]
        parts += [table, said(likeness, points)]
        times.append([name, f"{made:.1f}", *timed(model, likeness, encoded.coverage)])
    columns = ["", "made once, s", *(f"{count} at once, ms" for count in COUNTS), f"log q(z) of {max(COUNTS)}, ms"]
    parts += ["## What it takes\n", report.table(columns, times)]
    report.write("on_data", "python -m benchmarks.data_likeness", parts)


if __name__ == "__main__":
    main()
