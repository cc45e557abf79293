"""A plain autoencoder: the two networks of a VAE without its distributions, and a latent space brought to a common scale."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from vae_core.config.schema import ModelConfig
from vae_core.model.vae import VAE

LEAST_VARIANCE = 1e-4  # of the largest: a direction that no code uses is not blown up to the width of the others


class Autoencoder(VAE):
    """An image has one point as its code, and is compared with its reconstruction by their squared error."""

    def __init__(self, config: ModelConfig) -> None:
        # Entries of two registries that no configuration can ask for: an autoencoder has neither posterior nor likelihood.
        super().__init__(config.model_copy(update={"posterior": "point", "likelihood": "squared-error"}))


@torch.no_grad()
def whitened(model: VAE, codes: Tensor) -> VAE:
    """A copy that draws the same pictures and whose codes (N, D), given as they are now, have mean 0 and covariance I.

    Without a prior nothing fixes the scale of z. In the copy N(0, I) is the Gaussian fitted to the codes, and the axes are their
    principal directions, the widest first. The change of coordinates goes into the encoder's last and the decoder's first layer.
    """
    model, device = copy.deepcopy(model), codes.device
    codes = codes.double().cpu()
    centre, covariance = codes.mean(dim=0), torch.cov(codes.T).reshape(codes.shape[1], codes.shape[1])
    variances, directions = torch.linalg.eigh(covariance)
    variances, directions = variances.flip(0), directions.flip(1)
    widths = variances.clamp_min(LEAST_VARIANCE * float(variances.max()) + 1e-12).sqrt()
    last = [layer for layer in model.encoder.modules() if isinstance(layer, nn.Linear)][-1]
    first = next(layer for layer in model.decoder.modules() if isinstance(layer, nn.Linear))
    there, back = (directions / widths).T, directions * widths  # new = there @ (old - centre), old = back @ new + centre
    weight, bias, start, offset = (part.detach().double().cpu() for part in (last.weight, last.bias, first.weight, first.bias))
    for part, value in (
        (last.weight, there @ weight), (last.bias, there @ (bias - centre)),
        (first.weight, start @ back), (first.bias, offset + start @ centre),
    ):  # fmt: skip
        part.copy_(value.to(device, part.dtype))
    return model
