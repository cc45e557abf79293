"""How good a model is, measured over a whole split: ELBO, KL of the marginals, active units, log p(x) by importance sampling.

Everything runs in float32, in batches, with seeded draws, and is returned per image in nats.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from vae_core.data.loading import to_float
from vae_core.model.posteriors import marginal_kl, pair_correlations, prior_log_prob
from vae_core.model.vae import VAE
from vae_core.model_files.header import QUANTILES, LatentStatistics, Metrics

ACTIVE_VARIANCE = 0.01  # Burda et al. 2016, section 5.2
MOST_CORRELATED = 32  # latents whose pairs are kept: 10,000 images of them take 10 MB of a model file


@dataclass(frozen=True)
class Evaluation:
    """A split seen through a model, on the CPU.

    mu, marginal_std and marginal_kl (N, D); kl, log_px_z and elbo (N,); KL and log-densities in nats, log_px_z of one draw of z.
    correlation (N, D (D - 1) / 2) of each pair of latents, below the diagonal and row by row; None where the latents are
    independent or more than `MOST_CORRELATED`.
    """

    mu: Tensor
    marginal_std: Tensor
    marginal_kl: Tensor
    kl: Tensor
    log_px_z: Tensor
    correlation: Tensor | None = None

    @property
    def elbo(self) -> Tensor:
        """With beta = 1, whatever the model was trained with."""
        return self.log_px_z - self.kl


@torch.inference_mode()
def evaluate(model: VAE, images: Tensor, *, seed: int = 0, batch_size: int = 500) -> Evaluation:
    """Encode and decode every image once, with one draw of z each.

    Args:
        model: in any mode; it is evaluated in eval mode and left as it was.
        images: uint8 (N, C, H, W), on any device.
    """
    device, was_training = next(model.parameters()).device, model.training
    generator = torch.Generator().manual_seed(seed)
    paired = not model.config.independent_latents and 1 < model.config.latent_dim <= MOST_CORRELATED

    def figures(batch: Tensor) -> list[Tensor]:
        x = to_float(batch.to(device))
        q = model.encode(x)
        eps = torch.randn(q.mu.shape, generator=generator).to(device)
        found = [q.mu, q.marginal_std, marginal_kl(q), q.kl(), model.decode(q.sample(eps)).log_prob(x)]
        pairs = pair_correlations(q) if paired else None
        return found if pairs is None else [*found, pairs]

    # Kept in tensors that are made once: small ones, kept from each batch between its large ones, would leave the memory of these
    # in pieces, which adds up to hundreds of MB.
    columns: list[Tensor] = []
    model.eval()
    for start in range(0, len(images), batch_size):
        found = figures(images[start : start + batch_size])
        columns = columns or [one.new_empty(len(images), *one.shape[1:]) for one in found]
        for column, one in zip(columns, found, strict=True):
            column[start : start + len(one)] = one
    model.train(was_training)
    return Evaluation(*(column.cpu() for column in columns))


def summarise(evaluation: Evaluation, split: str, *, bound: bool = True) -> Metrics:
    """The split's means, nats per image. `bound`: the model has an ELBO; an autoencoder has none."""
    elbo, n = evaluation.elbo, len(evaluation.log_px_z)
    return Metrics(
        split=split,
        images=n,
        elbo=float(elbo.mean()) if bound else None,
        elbo_se=float(elbo.std() / math.sqrt(n)) if bound else None,
        reconstruction=-float(evaluation.log_px_z.mean()),
        kl=float(evaluation.kl.mean()) if bound else None,
        active_units=active_units(evaluation.mu),
    )


def active_units(mu: Tensor, threshold: float = ACTIVE_VARIANCE) -> int:
    """How many latents have Var_x(E_q[z_d|x]) above the threshold; mu is (N, D). Burda et al. 2016, section 5.2."""
    return int((mu.var(dim=0) > threshold).sum())


def latent_statistics(evaluation: Evaluation, *, seed: int = 0) -> LatentStatistics:
    """The marginals of the aggregate posterior of a split; their quantiles from one draw per image."""
    mu, std = evaluation.mu, evaluation.marginal_std
    eps = torch.randn(mu.shape, generator=torch.Generator().manual_seed(seed))
    quantiles = torch.quantile(mu + std * eps, torch.tensor(QUANTILES), dim=0)
    return LatentStatistics(
        kl=evaluation.marginal_kl.mean(dim=0).tolist(),
        mean=mu.mean(dim=0).tolist(),
        # law of total variance: the draws' spread within images and between them
        std=(std.square().mean(dim=0) + mu.var(dim=0, correction=0)).sqrt().tolist(),
        mean_variance=mu.var(dim=0).tolist(),
        quantiles=quantiles.tolist(),
    )


@dataclass(frozen=True)
class ImportanceEstimate:
    """log_px (N,): a lower bound on log p(x) in nats, tight as K grows; ess (N,): effective number of the K samples."""

    log_px: Tensor
    ess: Tensor


@torch.inference_mode()
def importance_sampled_log_px(
    model: VAE,
    images: Tensor,
    *,
    samples: int = 100,
    seed: int = 0,
    rows: int = 2000,
    progress: Callable[[int, int], None] | None = None,
) -> ImportanceEstimate:
    """log (1/K) sum_k p(x|z_k) p(z_k) / q(z_k|x), z_k ~ q(z|x). Burda et al. 2016, equation 8.

    Args:
        model: in eval mode.
        images: uint8 (N, C, H, W).
        samples: K, exactly as many as asked.
        rows: decoded images held at once; several images share a batch.
        progress: called with (images done, images).
    """
    device = next(model.parameters()).device
    generator = torch.Generator().manual_seed(seed)
    together = max(1, rows // samples)
    parts = []
    for batch in images.split(together):
        weights = _log_weights(model, to_float(batch.to(device)), samples, generator, rows)
        total = torch.logsumexp(weights, dim=0)
        ess = torch.exp(2 * total - torch.logsumexp(2 * weights, dim=0))
        parts.append(((total - math.log(samples)).cpu(), ess.cpu()))
        if progress is not None:
            progress(sum(len(part[0]) for part in parts), len(images))
    return ImportanceEstimate(*(torch.cat(column) for column in zip(*parts, strict=True)))


def _log_weights(model: VAE, x: Tensor, samples: int, generator: torch.Generator, rows: int) -> Tensor:
    """log p(x|z) + log p(z) - log q(z|x), (K, B)."""
    q = model.encode(x)
    chunks = []
    for count in _chunks(samples, max(1, rows // len(x))):
        z = q.sample(torch.randn((count, *q.mu.shape), generator=generator).to(x.device))  # (k, B, D)
        repeated = x.repeat(count, 1, 1, 1)
        log_px_z = model.decode(z.flatten(0, 1)).log_prob(repeated).view(count, len(x))
        chunks.append(log_px_z + prior_log_prob(z) - q.log_prob(z))
    return torch.cat(chunks)


def _chunks(total: int, size: int) -> list[int]:
    return [min(size, total - start) for start in range(0, total, size)]
