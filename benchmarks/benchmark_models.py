"""Models for the benchmarks: the cost of a decoder does not depend on what it has learned, so weights are fresh."""

from __future__ import annotations

from pathlib import Path

import torch

from vae_core.config.schema import train_config
from vae_core.data.catalog import DATASETS
from vae_core.model.vae import build
from vae_core.model_files.checkpoints import save
from vae_core.model_files.header import QUANTILES, Header, LatentStatistics, Metrics


def save_untrained(
    path: Path, *, data: str = "shapes", architecture: str = "conv", latent_dim: int = 16, points: int = 0
) -> Path:
    """Writes a model file with the project's default widths, statistics of a plain N(0, 1) posterior and `points` codes."""
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
    facts = DATASETS[data].facts(None)
    header = Header(name=path.stem, config=training, data=facts, metrics=metrics, statistics=statistics)
    save(path, build(training.model), header, _codes(points, latent_dim) if points else None)
    return path


def _codes(points: int, latent_dim: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {
        "latents.mu": 0.9 * torch.randn(points, latent_dim, generator=generator),
        "latents.std": torch.full((points, latent_dim), 0.4),
        "latents.labels": torch.arange(points) % 8,
        "latents.elbo": torch.randn(points, generator=generator),
    }
