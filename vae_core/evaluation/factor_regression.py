"""How well the known factors of a procedural dataset can be read from mu: regressions, scored on images that were not fitted.

Two scores for each factor. `linear`: least squares on mu. `score`: kernel ridge regression with a Gaussian kernel, which also
reads a factor that lies on a bent line or is spread over several latents; its width and ridge are chosen within the fitted half.
Both are R^2 on the other half; for the shape they are the share of images whose class is read correctly.
The rotation is read up to the symmetry of each shape: as cosine and sine of 2, 4 and 3 times the angle for ellipse, square and
triangle, because a square turned by -45 degrees and one turned by 45 are the same picture. A score near 1 says that the factor is
in the code, not that one latent alone carries it.
"""

from __future__ import annotations

import itertools

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from vae_core.data import procedural_shapes
from vae_core.model_files.header import FactorScore

SYMMETRY = {"ellipse": 2, "square": 4, "triangle": 3}  # turns by 360 degrees divided by so much change nothing
WIDTHS, RIDGES = (0.7, 1.0, 1.4, 2.0, 2.8, 4.0), (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
_CHOOSING = 1200  # images of the fitted half that choose width and ridge, a quarter of them by being read


def known_factors(dataset: str, count: int) -> NDArray[np.float64] | None:
    """Those of a dataset's first test images, (count, 6) in the order of `shapes.FACTORS`; None where they are not known."""
    if dataset != "shapes":
        return None
    return procedural_shapes.factors(procedural_shapes.TEST_COUNT, procedural_shapes.TEST_SEED)[:count]


def factor_scores(mu: Tensor, table: NDArray[np.float64]) -> dict[str, FactorScore]:
    """One score for each factor from codes mu (N, D) and factors (N, 6) of the same images. Takes about a second for 5,000."""
    codes, targets = mu.double().cpu(), _targets(table)
    half = len(codes) // 2
    fitted = {name: target[:half] for name, target in targets.items()}
    bent, straight = _kernel(codes, fitted), _linear(codes, fitted)
    return {
        name: FactorScore(score=_score(name, bent[name], target[half:]), linear=_score(name, straight[name], target[half:]))
        for name, target in targets.items()
    }


def _targets(table: NDArray[np.float64]) -> dict[str, Tensor]:
    """What is regressed for each factor, (N, K)."""
    columns = torch.from_numpy(table).T
    kinds = columns[0].long()
    symmetry = torch.tensor([SYMMETRY[name] for name in procedural_shapes.CLASSES])[kinds]
    turns = symmetry * torch.deg2rad(columns[procedural_shapes.FACTORS.index("rotation")])
    plain = {name: columns[i][:, None] for i, name in enumerate(procedural_shapes.FACTORS)}
    return plain | {
        "shape": F.one_hot(kinds, len(procedural_shapes.CLASSES)).double(),
        "rotation": torch.stack([turns.cos(), turns.sin()], dim=1),
    }


def _score(name: str, read: Tensor, true: Tensor) -> float:
    """R^2 over all columns together; the share of right classes for the shape."""
    if name == "shape":
        return float((read.argmax(dim=1) == true.argmax(dim=1)).double().mean())
    return 1 - float((read - true).square().sum() / (true - true.mean(dim=0)).square().sum())


def _linear(codes: Tensor, fitted: dict[str, Tensor]) -> dict[str, Tensor]:
    """What least squares reads from the codes that were not fitted, (N - n, K) for each factor."""
    design = torch.cat([codes, torch.ones(len(codes), 1, dtype=codes.dtype)], dim=1)
    half = len(next(iter(fitted.values())))
    return {
        name: design[half:] @ torch.linalg.lstsq(design[:half], target, driver="gelsd").solution
        for name, target in fitted.items()
    }


def _kernel(codes: Tensor, fitted: dict[str, Tensor]) -> dict[str, Tensor]:
    """What kernel ridge regression reads from the codes that were not fitted, with a width and ridge for each factor."""
    half = len(next(iter(fitted.values())))
    chosen = _widths_and_ridges(codes[:half], fitted)
    return {name: _ridge(codes[:half], codes[half:], {name: target}, *chosen[name])[name] for name, target in fitted.items()}


def _widths_and_ridges(codes: Tensor, targets: dict[str, Tensor]) -> dict[str, tuple[float, float]]:
    """The pair that reads each factor best from codes that were not fitted, among at most `_CHOOSING` images."""
    used = min(len(codes), _CHOOSING)
    kept = used * 3 // 4
    near = {name: target[:kept] for name, target in targets.items()}
    found: dict[str, dict[tuple[float, float], float]] = {name: {} for name in targets}
    for pair in itertools.product(WIDTHS, RIDGES):
        for name, read in _ridge(codes[:kept], codes[kept:used], near, *pair).items():
            found[name][pair] = _score(name, read, targets[name][kept:used])
    return {name: max(scores, key=lambda pair: scores[pair]) for name, scores in found.items()}


def _ridge(near: Tensor, far: Tensor, targets: dict[str, Tensor], width: float, ridge: float) -> dict[str, Tensor]:
    """Fitted on codes `near` (n, D), read at `far`; distances in units of z, in which an unused latent counts little."""
    stacked = torch.cat(list(targets.values()), dim=1)
    mean = stacked.mean(dim=0)
    gram = _gaussian(near, near, width) + ridge * torch.eye(len(near), dtype=near.dtype)
    read = _gaussian(far, near, width) @ torch.cholesky_solve(stacked - mean, torch.linalg.cholesky(gram)) + mean
    return dict(zip(targets, read.split([target.shape[1] for target in targets.values()], dim=1), strict=True))


def _gaussian(a: Tensor, b: Tensor, width: float) -> Tensor:
    return torch.exp(-0.5 * torch.cdist(a, b).square() / width**2)
