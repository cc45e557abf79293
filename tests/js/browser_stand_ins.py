"""A small decoder and encoder, the same in Python and in JavaScript: a model where only what is computed from it is looked at."""

from __future__ import annotations

from typing import Any

import numpy as np

from vae_core.latent.latent_model import LatentModel

# `given` is what `Toy.sent()` says; the decoder and the encoder answer as BrowserDecoder and ModelWorker do
WORKERS = """
  const dot = (weights, values, start) => weights.reduce((sum, w, d) => sum + w * values[d], start);
  const weigh = (values, weights, offset) => offset.map((start, i) => dot(weights[i], values, start));
  const {shape, up, upOffset, down, downOffset, std} = given;
  const meanOf = (z) => weigh(z, up, upOffset).map((x) => 1 / (1 + Math.exp(-x)));
  const rows = (values, size) => Array.from({length: values.length / size}, (_, i) => values.slice(i * size, (i + 1) * size));
  const [channels, height, width] = shape;
  const asPicture = (mean) => {
    const pixels = new Uint8ClampedArray(mean.length);
    mean.forEach((x, i) => (pixels[(i % (height * width)) * channels + Math.floor(i / (height * width))] = 255 * x));
    return {kind: 'pixels', height, width, channels, pixels: new Uint8Array(pixels.buffer)};
  };
  const asked = [];
  const workers = {
    decoder: (options, signal) => ({
      signal, milliseconds: 1, open: async () => asked.push('decoder'), measure: async () => {},
      decode: async (points) => points.map((z) => asPicture(meanOf([...z]))),
      means: async (points) => ({values: Float32Array.from(points.flatMap((z) => meanOf([...z]))), shape}),
    }),
    encoder: (options, signal) => ({
      signal, inputs: ['image'], open: async () => asked.push('encoder'),
      run: async ({image: {values}}) => {
        const mu = rows([...values], channels * height * width).map((x) => weigh(x, down, downOffset));
        return {mean: {values: Float32Array.from(mu.flat())}, std: {values: Float32Array.from(mu.flatMap(() => std))}};
      },
    }),
  };
"""


class Toy:
    """sigmoid(W z + b) decodes, A x + c encodes; the parts of a LatentModel that `Likeness` and `path_through` use."""

    def __init__(self, latent_dim: int, shape: tuple[int, int, int], seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.latent_dim, self.image_shape = latent_dim, (shape[1], shape[2], shape[0])
        self._shape, size = shape, int(np.prod(shape))
        self._up, self._up_offset = rng.normal(0, 1.5, (size, latent_dim)), rng.normal(0, 0.5, size)
        # the encoder knows the way back near the origin, and is wrong far out, where the decoder saturates
        self._down = 4 * np.linalg.pinv(self._up)
        self._down_offset = -self._down @ (1 / (1 + np.exp(-self._up_offset)))
        self._std = rng.uniform(0.1, 0.4, latent_dim)

    def sent(self) -> dict[str, Any]:
        weights = {"up": self._up, "upOffset": self._up_offset, "down": self._down, "downOffset": self._down_offset}
        return {"shape": self._shape, **{name: part.tolist() for name, part in {**weights, "std": self._std}.items()}}

    def decode_float(self, z: Any) -> np.ndarray:
        means = 1 / (1 + np.exp(-(np.asarray(z, np.float64) @ self._up.T + self._up_offset)))
        return means.reshape(-1, *self._shape).astype(np.float32)

    def recognise(self, z: Any, *, fast: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        mean = self.decode_float(z)
        mu = mean.reshape(len(mean), -1) @ self._down.T + self._down_offset
        return mean, mu.astype(np.float32), np.tile(self._std, (len(mean), 1)).astype(np.float32)

    def model(self) -> LatentModel:
        return self  # type: ignore[return-value]
