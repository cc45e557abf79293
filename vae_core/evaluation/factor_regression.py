"""How well the known factors of a dataset can be read from mu: regressions, scored on images that were not fitted.

Two scores for each factor. `linear`: least squares on mu. `score`: kernel ridge regression with a Gaussian kernel, which also
reads a factor that lies on a bent line or is spread over several latents; its width and ridge are chosen within the fitted half.
Both are R^2 on the other half; for the shape they are the share of images whose class is read correctly.
The rotation is read up to the symmetry of each shape: as cosine and sine of 2, 4 and 3 times the angle for ellipse, square and
triangle, because a square turned by -45 degrees and one turned by 45 are the same picture; a heart is none before a whole turn. A
score near 1 says that the factor is in the code, not that one latent alone carries it.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from vae_core.data import own_datasets, procedural_shapes
from vae_core.model_files.header import FactorScore

SYMMETRY = {"ellipse": 2, "square": 4, "triangle": 3}  # turns by 360 degrees divided by so much change nothing
WIDTHS, RIDGES = (0.7, 1.0, 1.4, 2.0, 2.8, 4.0), (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
MOST, FEWEST = 5000, 40  # images
_CHOOSING = 1200  # images of the fitted half that choose width and ridge, a quarter of them by being read


@dataclass(frozen=True)
class Factors:
    """What is known of N images: for each factor what is regressed, (N, K), and which factors are classes, one column each."""

    targets: dict[str, Tensor]
    classes: frozenset[str] = frozenset()

    def rows(self, start: int, end: int) -> Factors:
        """Those of some of the images."""
        return Factors({name: target[start:end] for name, target in self.targets.items()}, self.classes)

    def score(self, name: str, read: Tensor, true: Tensor) -> float:
        """R^2 over all columns together, 0 of a factor that never changes; of classes the share of right ones."""
        if name in self.classes:
            return float((read.argmax(dim=1) == true.argmax(dim=1)).double().mean())
        if bool((true == true[0]).all()):
            return 0.0
        return 1 - float((read - true).square().sum() / (true - true.mean(dim=0)).square().sum())


def known_factors(dataset: str, count: int) -> Factors | None:
    """Those of a dataset's first test images that differ among them; None where they are not known, or of too few images."""
    if dataset == "shapes":
        return of_shapes(procedural_shapes.factors(procedural_shapes.TEST_COUNT, procedural_shapes.TEST_SEED)[:count])
    found = own_datasets.test_factors(dataset)
    if found is None or min(count, len(found[1])) < FEWEST:
        return None
    names, table = found[0], torch.from_numpy(found[1][:count])
    columns = {name: column for name, column in zip(names, table.T, strict=True) if _can_be_read(column)}
    if (dataset == "dsprites" or names == own_datasets.DSPRITES) and {"shape", "orientation"} <= columns.keys():
        kinds = columns["shape"].long() - 1
        if set(columns["shape"].tolist()) <= {1.0, 2.0, 3.0}:  # as dSprites counts them; the turns are in radians
            return _with_shape(columns, kinds, columns["orientation"], "orientation", [4, 2, 1])
    return Factors({name: _standardised(column)[:, None] for name, column in columns.items()}) if columns else None


def _can_be_read(column: Tensor) -> bool:
    return bool(torch.isfinite(column).all() and (column != column[0]).any())


def _standardised(column: Tensor) -> Tensor:
    """A person's own numbers can be as large as they like; R^2 does not change with their unit."""
    column = column / column.abs().max()
    return (column - column.mean()) / column.std()


def of_shapes(table: NDArray[np.float64]) -> Factors:
    """The factors (N, 6) of procedural shapes, in the order of their FACTORS."""
    columns = dict(zip(procedural_shapes.FACTORS, torch.from_numpy(table).T, strict=True))
    order = [SYMMETRY[name] for name in procedural_shapes.CLASSES]
    return _with_shape(columns, columns["shape"].long(), torch.deg2rad(columns["rotation"]), "rotation", order)


def _with_shape(columns: dict[str, Tensor], kinds: Tensor, turns: Tensor, angle: str, symmetry: list[int]) -> Factors:
    """`kinds` (N,) is which shape each image shows, `symmetry` how many turns within a whole one leave each shape as it is."""
    turns = torch.tensor(symmetry)[kinds] * turns
    targets = {name: column[:, None].double() for name, column in columns.items()}
    targets |= {"shape": F.one_hot(kinds, len(symmetry)).double(), angle: torch.stack([turns.cos(), turns.sin()], dim=1)}
    return Factors(targets, frozenset({"shape"}))


def factor_scores(mu: Tensor, factors: Factors) -> dict[str, FactorScore]:
    """One score for each factor from codes mu (N, D) of the same images, of which at most `MOST` are used: about a second."""
    codes = mu[:MOST].double().cpu()
    half = len(codes) // 2
    fitted = factors.rows(0, half)
    bent, straight = _kernel(codes, fitted), _linear(codes, fitted.targets)
    return {
        name: FactorScore(score=factors.score(name, bent[name], true), linear=factors.score(name, straight[name], true))
        for name, true in factors.rows(half, len(codes)).targets.items()
    }


def _linear(codes: Tensor, fitted: dict[str, Tensor]) -> dict[str, Tensor]:
    """What least squares reads from the codes that were not fitted, (N - n, K) for each factor."""
    design = torch.cat([codes, torch.ones(len(codes), 1, dtype=codes.dtype)], dim=1)
    half = len(next(iter(fitted.values())))
    return {
        name: design[half:] @ torch.linalg.lstsq(design[:half], target, driver="gelsd").solution
        for name, target in fitted.items()
    }


def _kernel(codes: Tensor, fitted: Factors) -> dict[str, Tensor]:
    """What kernel ridge regression reads from the codes that were not fitted, with a width and ridge for each factor."""
    half = len(next(iter(fitted.targets.values())))
    chosen = _widths_and_ridges(codes[:half], fitted)
    read = {name: _ridge(codes[:half], codes[half:], {name: target}, *chosen[name]) for name, target in fitted.targets.items()}
    return {name: found[name] for name, found in read.items()}


def _widths_and_ridges(codes: Tensor, factors: Factors) -> dict[str, tuple[float, float]]:
    """The pair that reads each factor best from codes that were not fitted, among at most `_CHOOSING` images."""
    used = min(len(codes), _CHOOSING)
    kept = used * 3 // 4
    near, true = factors.rows(0, kept).targets, factors.rows(kept, used).targets
    found: dict[str, dict[tuple[float, float], float]] = {name: {} for name in true}
    for pair in itertools.product(WIDTHS, RIDGES):
        for name, read in _ridge(codes[:kept], codes[kept:used], near, *pair).items():
            found[name][pair] = factors.score(name, read, true[name])
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
