"""Does what the decoder draws at z look like the data? A measure per model, fitted and checked against the model's own file.

Four figures of each z, all of which rise where pictures get worse; benchmarks/data_likeness.py compares them with others:

cycle     how far the encoder puts the decoded picture from z, in units of the encoder's own std
kinds     how many of the nearest encoded test images are of another kind than the commonest
grey      sum of p (1 - p) over the pixels against the picture's variance: half-decided pixels
distance  to the nearest encoded test images

They are weighed by a logistic regression that tells codes of test images from midpoints between images of different kinds and
from points far out. A weight is never negative: being closer to the origin, as every midpoint is, cannot count as a fault. One
half of all these points fits the weights and the thresholds, the other half says how often the measure errs. Where it cannot tell
midpoints from test images (an untrained decoder, a crowded latent space of two dimensions) it gives no verdict.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike, NDArray

from vae_core.array_types import Float64s
from vae_core.latent.coverage import Coverage
from vae_core.latent.latent_model import EXACT_BATCH, LatentModel, check_z

Verdict = Literal["like", "unusual", "unlike", "unsaid"]

FEATURES = ("cycle", "kinds", "grey", "distance")
UNUSUAL, UNLIKE = 10.0, 2.0  # per cent of the test images that look less like the data than such a point
LEAST_AUC = 0.8  # below it nothing is said
SAMPLE = 500  # test images in each half of a calibration
FAR = 2.5  # standard deviations of the prior: where points far out are drawn
PART = 64  # pictures decoded and encoded in one pass: short passes let those who drag in between
NUMBERS = 1 << 20  # and no more pixels than this: large pictures take gigabytes
RIDGE = 0.01  # of the logistic regression: weights stay finite where the two sides do not overlap
SMALLEST = 1e-4  # added before a logarithm
HUGE = 1e6  # stands for what is not finite


@dataclass(frozen=True)
class Errors:
    """How often the measure errs, on points that it was not fitted to. Shares are 0 to 1."""

    auc_midpoints: float  # test images against midpoints between kinds
    auc_far: float  # test images against points far out
    missed: float  # test images that are not said to look like the data
    midpoints_taken: float  # midpoints between kinds that are
    far_taken: float  # points far out that are

    @property
    def tells(self) -> bool:
        """Whether the measure deserves a verdict."""
        return self.auc >= LEAST_AUC

    @property
    def auc(self) -> float:
        """The worse of the two."""
        return min(self.auc_midpoints, self.auc_far)


@dataclass(frozen=True)
class Judgement:
    """What is said about each of B latents, (B,).

    distance to the nearest codes; nearer: per cent of the test images farther from theirs; cycle: in units of the encoder's std,
    NaN where it was not needed; typical: per cent of the test images that look less like the data, or else `nearer` again.
    """

    distance: Float64s
    nearer: Float64s
    cycle: Float64s
    typical: Float64s
    verdict: tuple[Verdict, ...]


@dataclass(frozen=True)
class Sample:
    """Points whose answer is known: codes of test images (and their numbers), midpoints between kinds, points far out."""

    own: NDArray[np.int64]
    codes: NDArray[np.float32]
    midpoints: NDArray[np.float32]
    far: NDArray[np.float32]


class Likeness:
    """The measure of one model. Made once (a second or so), never changes."""

    def __init__(self, model: LatentModel, coverage: Coverage, *, seed: int = 0) -> None:
        self._model, self._coverage = model, coverage
        fitting, checking = draw_samples(coverage, seed)
        codes, midpoints, far = self._features_of(fitting)
        self._centre, self._scale = codes.mean(axis=0), np.concatenate([codes, midpoints, far]).std(axis=0) + 1e-9
        self._weights = fit(self._scaled(codes), self._scaled(np.concatenate([midpoints, far])))
        self._own = np.sort(self._score(codes))
        self.errors = self._check(checking)
        self._distances = np.sort(coverage.neighbourhood(checking.codes, checking.own).distance)
        self._densities = np.sort(coverage.log_aggregate(checking.codes, checking.own))

    @property
    def weights(self) -> dict[str, float]:
        """Of the standardised logarithms of the figures."""
        return dict(zip(FEATURES, self._weights.tolist(), strict=True))

    def fitted(self) -> dict[str, Any]:
        """All that was fitted and measured, as JSON: with the codes, the decoder and the encoder one can judge as `at` does."""
        tables: dict[str, NDArray[np.floating]] = {
            "scores": self._own, "distances": self._distances, "densities": self._densities,
            "centre": self._centre, "scale": self._scale, "weights": self._weights,
        }  # fmt: skip
        numbers = {name: [float(f"{value:.6g}") for value in values] for name, values in tables.items()}
        return {**numbers, "tells": self.errors.tells, "active": self._coverage.active.tolist()}

    def at(self, z: ArrayLike) -> Judgement:
        """What is said about latents (B, D).

        Raises:
            LatentError: z does not fit the model.
        """
        points = check_z(z, self._model.latent_dim)
        if not self.errors.tells:
            return self._by_distance(points)
        found = self._features(points, self._coverage.own(points))
        distance, cycle = (
            np.exp(found[:, column]) - SMALLEST for column in (FEATURES.index("distance"), FEATURES.index("cycle"))
        )
        typical = _rank(self._own, self._score(found))
        return Judgement(distance, self._nearer(distance), cycle, typical, tuple(_verdict(float(share)) for share in typical))

    def _by_distance(self, z: NDArray[np.float32]) -> Judgement:
        distance = self._coverage.neighbourhood(z, self._coverage.own(z)).distance.astype(np.float64)
        nearer = self._nearer(distance)
        return Judgement(distance, nearer, np.full(len(z), np.nan), nearer, tuple("unsaid" for _ in z))

    def _nearer(self, distance: Float64s) -> Float64s:
        return 100 - _rank(self._distances, distance)

    def denser(self, log_aggregate: ArrayLike) -> Float64s:
        """Per cent of the test images that lie where log q(z) of the others is lower than such values (B,)."""
        return _rank(self._densities, np.asarray(log_aggregate))

    def _features(self, z: NDArray[np.float32], own: ArrayLike | None = None, *, fast: bool | None = None) -> Float64s:
        many = len(z) > EXACT_BATCH if fast is None else fast
        step = max(1, min(PART, NUMBERS // math.prod(self._model.image_shape)))
        pictures = [self._seen(z[start : start + step], fast=many) for start in range(0, len(z), step)]
        nearest = self._coverage.neighbourhood(z, own)
        cycle, grey = np.concatenate(pictures, axis=1)
        columns = (cycle, 1 - nearest.agreement, grey, nearest.distance)
        found = np.nan_to_num(np.stack(columns, axis=1).astype(np.float64), nan=HUGE, posinf=HUGE).clip(0, HUGE)
        logarithmic = [0, 2, 3]
        found[:, logarithmic] = np.log(found[:, logarithmic] + SMALLEST)
        return found

    def _seen(self, z: NDArray[np.float32], *, fast: bool) -> NDArray[np.float32]:
        """Cycle and grey, (2, B)."""
        mean, mu, std = self._model.recognise(z, fast=fast)
        active = self._coverage.active
        spread = np.where(std > 0, std, 1)  # an autoencoder's codes have none: in units of z
        cycle = np.sqrt(np.square(((mu - z) / spread)[:, active]).mean(axis=1))
        pixels = mean.reshape(len(mean), -1).clip(0, 1)
        grey = (pixels * (1 - pixels)).mean(axis=1) / (pixels.var(axis=1) + 1e-6)
        return np.stack([cycle, grey])

    def _features_of(self, sample: Sample) -> tuple[Float64s, Float64s, Float64s]:
        codes = self._features(sample.codes, sample.own, fast=True)
        return codes, self._features(sample.midpoints, fast=True), self._features(sample.far, fast=True)

    def _scaled(self, found: Float64s) -> Float64s:
        return (found - self._centre) / self._scale

    def _score(self, found: Float64s) -> Float64s:
        return -self._scaled(found) @ self._weights

    def _check(self, sample: Sample) -> Errors:
        codes, midpoints, far = (self._score(found) for found in self._features_of(sample))
        taken, midpoints_taken, far_taken = (_rank(self._own, scores) >= UNUSUAL for scores in (codes, midpoints, far))
        return Errors(
            auc_midpoints=auc(codes, midpoints),
            auc_far=auc(codes, far),
            missed=float(1 - taken.mean()),
            midpoints_taken=float(midpoints_taken.mean()),
            far_taken=float(far_taken.mean()),
        )


def draw_samples(coverage: Coverage, seed: int) -> tuple[Sample, Sample]:
    """Two samples that share no test image, neither as a code nor as an end of a midpoint."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(coverage))
    halves = order[: len(order) // 2], order[len(order) // 2 :]
    return _draw(coverage, halves[0], rng), _draw(coverage, halves[1], rng)


def _draw(coverage: Coverage, numbers: NDArray[np.int64], rng: np.random.Generator) -> Sample:
    means, labels = coverage.means, coverage.labels
    own = numbers[:SAMPLE]
    first, second = rng.choice(numbers, 20 * len(own)), rng.choice(numbers, 20 * len(own))
    differ = labels[first] != labels[second]
    chosen = np.flatnonzero(differ if differ.any() else np.ones_like(differ))[: len(own)]
    midpoints = 0.5 * (means[first[chosen]] + means[second[chosen]])
    far = FAR * rng.standard_normal((max(1, len(own) // 3), means.shape[1]), dtype=np.float32)
    return Sample(own, means[own], midpoints, far)


def fit(data: Float64s, other: Float64s) -> Float64s:
    """Weights (F,) >= 0 of a logistic regression that tells `other` (M, F) from `data` (N, F); both sides count the same."""
    points = torch.from_numpy(np.concatenate([data, other]))
    is_other = torch.cat([torch.zeros(len(data)), torch.ones(len(other))]).double()
    balance = torch.cat([torch.full((len(part),), 1 / len(part)) for part in (data, other)]).double()
    root = torch.full((points.shape[1],), 0.5, dtype=torch.float64, requires_grad=True)  # a weight is its square
    offset = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([root, offset], max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        logits = points @ root.square() + offset
        value = F.binary_cross_entropy_with_logits(logits, is_other, balance, reduction="sum") + RIDGE * root.square().sum()
        value.backward()
        return value.detach()

    with torch.inference_mode(False), torch.enable_grad():
        optimiser.step(loss)
    return root.detach().square().numpy()


def _verdict(typical: float) -> Verdict:
    if typical < UNLIKE:
        return "unlike"
    return "unusual" if typical < UNUSUAL else "like"


def auc(higher: ArrayLike, lower: ArrayLike) -> float:
    """How often a value of the first list exceeds one of the second; ties count half."""
    differences = np.asarray(higher)[:, None] - np.asarray(lower)[None]
    return float((differences > 0).mean() + 0.5 * (differences == 0).mean())


def _rank(ordered: NDArray[np.floating], values: NDArray[np.floating]) -> Float64s:
    """Per cent of the ordered values below each value."""
    return 100.0 * np.searchsorted(ordered, values) / len(ordered)
