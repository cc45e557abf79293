"""What lets a convolutional VAE learn colour: short runs on 32x32 shapes, each with parts of `vae_core/model/initialization.py`.

python -m benchmarks.colour_initialization [--steps 300]

A run counts as seeing colour when the red-minus-blue of its reconstructions follows that of the images, and when hue can be read
from mu. What a grey start costs is measured by the reconstruction that is left.
"""

from __future__ import annotations

import argparse
import contextlib
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from benchmarks import report
from vae_core.config.schema import ModelConfig
from vae_core.data import procedural_shapes
from vae_core.data.loading import to_float
from vae_core.evaluation.factor_regression import factor_scores, of_shapes
from vae_core.model.architectures import colour_weights, last_layer
from vae_core.model.initialization import opponent_colours, start_at_mean_colour, strengthen_hue
from vae_core.model.vae import VAE, build
from vae_core.system.devices import autocast, has_bfloat16
from vae_core.training.learning_rate import lr_at

SIZE, BATCH, PEAK, WARMUP = 32, 128, 2e-3, 60


class Variant(NamedTuple):
    """One run: what it changes against how models were trained before."""

    name: str
    mean_start: bool = False
    hue: bool = False
    opponent: bool = False
    beta: float = 1.0
    latents: int = 8
    architecture: str = "conv"
    likelihood: str = "bernoulli"


VARIANTS = (
    Variant("as before"),
    Variant("as before, beta = 0", beta=0.0),
    Variant("as before, 16 latents", latents=16),
    Variant("as before, Gaussian pixels, sigma 0.1", likelihood="gaussian"),
    Variant("as before, mlp", architecture="mlp"),
    Variant("mean start", mean_start=True),
    Variant("weights with hue", hue=True),
    Variant("opponent steps", opponent=True),
    Variant("mean start, weights with hue", mean_start=True, hue=True),
    Variant("mean start, opponent steps", mean_start=True, opponent=True),
    Variant("all three (as now)", mean_start=True, hue=True, opponent=True),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--images", type=int, default=12_800)
    parser.add_argument("--only", default="", help="run variants with this in their name")
    options = parser.parse_args()
    train = torch.from_numpy(procedural_shapes.make(options.images, 1, SIZE)[0])
    test, table = procedural_shapes.make(2000, 2, SIZE)
    rows = []
    for variant in (v for v in VARIANTS if options.only in v.name):
        rows.append([variant.name, *measured(trained(variant, train, options.steps), torch.from_numpy(test), table)])
        print(*rows[-1], flush=True)
    columns = ["run", "colour, correlation in and out", "hue from mu, R^2", "x", "size", "shape", "-log p(x\\|mu)", "KL"]
    text = (
        f"{SIZE}x{SIZE} shapes, conv of 24 filters and 192 features (mlp: 512, 256), {options.steps} steps of {BATCH} images, "
        f"peak {PEAK:g}, beta rising over {WARMUP} steps, seed 0. Scores as in `evaluation/factor_regression.py`; nats per image."
    )
    report.write(
        "colour_initialization",
        f"python -m benchmarks.colour_initialization --steps {options.steps}",
        [text + "\n", report.table(columns, rows)],
    )


def trained(variant: Variant, images: Tensor, steps: int) -> VAE:
    """A model after so many steps, trained as `vae_core.training.loop` does but for the variant's changes."""
    config = ModelConfig(
        architecture=variant.architecture, height=SIZE, width=SIZE, channels=3, latent_dim=variant.latents, filters=24,
        features=192, likelihood=variant.likelihood, sigma=0.1 if variant.likelihood == "gaussian" else None,
    )  # fmt: skip
    model = build(config)
    if variant.mean_start:
        means = to_float(images[:1000]).mean(dim=(0, 2, 3))
        start_at_mean_colour(last_layer(model.decoder), means, logits=True)
    if variant.hue:
        first, last, _ = colour_weights(model.encoder, model.decoder)
        strengthen_hue(first, last)
    turned = colour_weights(model.encoder, model.decoder) if variant.opponent else []
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.0, fused=True)
    noise = torch.Generator().manual_seed(1)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = lr_at(step, kind="one-cycle", peak=PEAK, total_steps=steps)
        x = to_float(images[torch.randint(len(images), (BATCH,), generator=noise)])
        optimizer.zero_grad()
        loss(model, x, variant.beta * min(1.0, step / WARMUP), noise).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 100.0)
        with opponent_colours(turned) if turned else contextlib.nullcontext():
            optimizer.step()
    return model.eval()


def loss(model: VAE, x: Tensor, beta: float, noise: torch.Generator) -> Tensor:
    """The mean loss of a batch, nats per image."""
    with autocast(x.device, has_bfloat16(x.device)):
        q = model.encode(x)
        likelihood = model.decode(q.sample(torch.randn(q.mu.shape, generator=noise)))
    return (beta * q.kl() - likelihood.log_prob(x)).mean()


@torch.inference_mode()
def measured(model: VAE, images: Tensor, table: np.ndarray) -> list[str]:
    """A row of the report."""
    x = to_float(images)
    q = model.encode(x)
    likelihood = model.decode(q.mu)
    correlation = float(torch.corrcoef(torch.stack([red_minus_blue(x), red_minus_blue(likelihood.mean)]))[0, 1])
    scores = factor_scores(q.mu, of_shapes(table))
    found = [correlation, *(scores[name].score for name in ("colour", "x", "size", "shape"))]
    left, kl = -likelihood.log_prob(x).mean(), q.kl().mean()
    return [*(f"{value:.2f}" for value in found), f"{left:.1f}", f"{kl:.1f}"]


def red_minus_blue(images: Tensor) -> Tensor:
    """Of each image, as a share of its light, (N,)."""
    sums = images.sum(dim=(2, 3))
    return (sums[:, 0] - sums[:, 2]) / sums.sum(dim=1)


if __name__ == "__main__":
    main()
