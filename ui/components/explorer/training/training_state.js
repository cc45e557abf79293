// How a model came about, asked of ui/server/training_route.py.

import { mapUrl } from "../connection/encoded_images.js";

/** {live, version, step, epoch, snapshots: [{step, epoch, quality}]}; null while the server does not answer, or has no such model. */
export async function fetchTraining(model, signal) {
  const response = await fetch(mapUrl("training", { model }), { signal }).catch(() => null);
  return response?.ok ? response.json().catch(() => null) : null;
}

/** The codes of the same few test images at each step after one (-1: all): Map of step -> {means, labels}; null as above. */
export async function fetchCodes(model, after, signal) {
  const response = await fetch(mapUrl("training/codes", { model, after }), { signal }).catch(() => null);
  const buffer = response?.ok ? await response.arrayBuffer().catch(() => null) : null;
  return buffer && readCodes(buffer);
}

/** Little endian: u32 steps K, u32 images N, u32 latent size D, K x u32 steps, K x N x D float32, u16 labels (N). */
export function readCodes(buffer) {
  const [count, images, latentDim] = new Uint32Array(buffer, 0, 3);
  const size = images * latentDim;
  const labels = new Uint16Array(buffer, 12 + 4 * count * (1 + size), images);
  const means = (i) => new Float32Array(buffer, 12 + 4 * count + 4 * i * size, size);
  return new Map(Array.from(new Uint32Array(buffer, 12, count), (step, i) => [step, { means: means(i), labels }]));
}
