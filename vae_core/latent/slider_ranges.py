"""Every dimension of a latent space with its slider's range, as the explorer's sliders have them."""

from __future__ import annotations

from typing import Any

from vae_core.model_files.header import QUANTILES, LatentStatistics

LOW, HIGH = QUANTILES.index(0.005), QUANTILES.index(0.995)
ACTIVE_VARIANCE = 0.01  # Var_x(E_q[z_d|x]) above which a dimension is in use (Burda et al. 2016, section 5.2)
PRIOR_END = 2.576  # standard deviations of N(0, 1) from 0 to its 99.5 % quantile
LEAST_RANGE = 0.5  # half the width of the slider of a dimension that the data do not use

Row = dict[str, Any]


def slider_rows(
    statistics: LatentStatistics | None, latent_dim: int, *, marginal: bool, prior: bool, uniform: bool = False
) -> list[Row]:
    """The dimensions of a model in the order of its sliders; `statistics` is None where nothing was measured."""
    rows = (
        prior_dimensions(latent_dim, 1.0 if uniform else PRIOR_END)
        if statistics is None
        else dimensions(statistics, marginal=marginal)
    )
    if prior:
        return rows
    # No KL orders them; the widest direction of the codes is the first.
    return sorted(({**row, "kl": None} for row in rows), key=lambda row: row["index"])


def prior_dimensions(latent_dim: int, end: float = PRIOR_END) -> list[Row]:
    """Every dimension where nothing was measured: the range is the prior's, from 0.5 % to 99.5 % of a normal one."""
    return [{"index": index, "low": -end, "high": end, "kl": None, "active": True} for index in range(latent_dim)]


def dimensions(statistics: LatentStatistics, *, marginal: bool = False) -> list[Row]:
    """Every dimension with its slider's range and KL, strongest first; the range is the aggregate posterior's 0.5 % to 99.5 %.

    Args:
        marginal: the latents of an image depend on each other, so that the KL of each do not add up.
    """
    rows = []
    for index, kl in enumerate(statistics.kl):
        low, high = statistics.quantiles[LOW][index], statistics.quantiles[HIGH][index]
        if high - low < 2 * LEAST_RANGE:
            middle = (low + high) / 2
            low, high = middle - LEAST_RANGE, middle + LEAST_RANGE
        active = statistics.mean_variance[index] > ACTIVE_VARIANCE
        row = {"index": index, "low": round(low, 3), "high": round(high, 3), "kl": kl, "active": active}
        rows.append({**row, "marginal": True} if marginal else row)
    return sorted(rows, key=lambda row: -row["kl"])
