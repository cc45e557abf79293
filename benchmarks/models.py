"""Models for the benchmarks: the cost of a decoder does not depend on what it has learned, so weights are fresh."""

from __future__ import annotations

from pathlib import Path

from vae_core.checkpoints import save
from vae_core.config import train_config
from vae_core.header import QUANTILES, Header, LatentStatistics, Metrics
from vae_core.vae import build


def save_untrained(path: Path, *, data: str = "shapes", architecture: str = "conv", latent_dim: int = 16) -> Path:
    """Writes a model file with the project's default widths and statistics of a plain N(0, 1) posterior."""
    training = train_config(data={"name": data}, model={"architecture": architecture, "latent_dim": latent_dim})
    ones, zeros = [1.0] * latent_dim, [0.0] * latent_dim
    statistics = LatentStatistics(
        kl=[1.0 + d for d in range(latent_dim)],
        mean=zeros,
        std=ones,
        mean_variance=ones,
        quantiles=[[6.0 * (q - 0.5)] * latent_dim for q in QUANTILES],
    )
    metrics = Metrics(split="test", images=1, elbo=0, elbo_se=0, reconstruction=0, kl=0, active_units=latent_dim)
    header = Header(name=path.stem, config=training, data_digest="none", metrics=metrics, statistics=statistics)
    save(path, build(training.model), header)
    return path
