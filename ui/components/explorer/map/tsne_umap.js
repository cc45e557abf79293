// Maps without an inverse: where t-SNE or UMAP put the encoded images (ui/server/embedding_route.py). Asked for until the server has them.

import { mapUrl } from "../connection/encoded_images.js";
import { pause } from "../timers.js";

export const EMBEDDINGS = { tsne: "t-SNE", umap: "UMAP" };

const PATIENCE = 1000; // ms between two questions while the server computes

/** Why a map of this kind is only its points. */
export function whyNoInverse(kind) {
  return `${EMBEDDINGS[kind]} keeps images with similar codes together, but has no inverse: no latent vector belongs to the empty places, so they cannot be decoded. Move over a point to see its code decoded; click to go there. Distances and directions on this map have no scale.`;
}

/**
 * {indices, coordinates} of the points, or null when `signal` says that nobody waits any more. `say` hears how far it is.
 * Throws with the server's sentence when there is none to be had.
 */
export async function fetchEmbedding({ model, version }, kind, { say, signal }) {
  const url = mapUrl("map/embedding", { model, kind, v: version });
  let said = "";
  let method = "GET"; // looks whether it is there; only POST starts the work
  for (;;) {
    const response = await fetch(url, { method, signal }).catch(() => null); // the server is being restarted, perhaps
    if (signal.aborted) return null;
    if (response?.status === 200) return readEmbedding(await response.arrayBuffer());
    if (response?.status === 204) {
      method = "POST";
      continue;
    }
    const words = response ? await response.text() : "The server does not answer; asking again.";
    if (signal.aborted) return null;
    if (response && response.status !== 202) throw new Error(words || `the server answered ${response.status}`);
    if (words !== said) say(`${words} Until it is there, the map stays as it is.`); // said once: it is read aloud
    said = words;
    await pause(PATIENCE, signal);
    if (signal.aborted) return null;
  }
}

/** Little endian: u32 count, u32 numbers of the encoded images, float32 coordinates (count x 2). */
function readEmbedding(buffer) {
  const [count] = new Uint32Array(buffer, 0, 1);
  return { indices: new Uint32Array(buffer, 4, count), coordinates: new Float32Array(buffer, 4 + 4 * count, 2 * count) };
}
