// What the server answers over HTTP: ui/server/map_route.py, embedding_route.py, export_route.py, training_route.py.

import { pause } from "../timers.js";
import { readEncodedImages } from "./encoded_images.js";

const PATIENCE = 1000; // ms between two questions while the server computes an embedding

/** The address of one of the routes. */
export function routeUrl(path, parameters) {
  const url = new URL(path, document.baseURI);
  for (const [key, value] of Object.entries(parameters)) url.searchParams.set(key, value);
  return url.href;
}

/** The encoded images of the model that the page's data names; throws with the server's sentence when it carries none. */
export async function fetchEncodedImages(data, signal) {
  const { model, version, training = false } = data;
  const v = training && version === "0" ? Date.now() : version; // an answer is kept under its version
  const response = await fetch(routeUrl("map", { model, v }), { signal });
  if (!response.ok) throw new Error((await response.text()) || `the server answered ${response.status}`);
  return readEncodedImages(await response.arrayBuffer(), data, !training); // no t-SNE of codes that change every second
}

export async function fetchNearest(model, z, space, signal) {
  try {
    const response = await fetch(routeUrl("map/nearest", { model, z: z.join(","), space }), { signal });
    const later = response.status === 503 ? Number(response.headers.get("Retry-After")) : 0; // the server has too much to do
    if (later > 0) return { later: 1000 * later };
    if (!response.ok) return { words: await response.text() };
    const { source, found } = await response.json();
    return { source, found: found.map(({ png, ...rest }) => ({ ...rest, url: `data:image/png;base64,${png}` })) };
  } catch {
    return null; // offline
  }
}

/**
 * {indices, coordinates} of the points, asked for until the server has them, or null when `signal` says that nobody waits any more.
 * `say` hears how far it is. Throws with the server's sentence when there is none to be had.
 */
export async function fetchEmbedding({ model, version }, kind, { say, signal }) {
  const url = routeUrl("map/embedding", { model, kind, v: version });
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

export async function fetchFile({ model, z, through = "" }, what) {
  let response;
  try {
    response = await fetch(routeUrl("export", { model, what, through }), { method: "POST", body: new Float32Array(z.flat()) });
  } catch {
    throw new Error("the server does not answer. It may be restarting; try again in a moment.");
  }
  if (!response.ok) throw new Error((await response.text()) || `the server answered ${response.status}.`);
  return response.blob();
}

/** Null while the server does not answer, or has no such model; so are the codes. */
export async function fetchTrainingState(model, signal) {
  const response = await fetch(routeUrl("training", { model }), { signal }).catch(() => null);
  return response?.ok ? response.json().catch(() => null) : null;
}

/** The codes of the same few test images at each step after one (-1: all). */
export async function fetchTrainingCodes(model, after, signal) {
  const response = await fetch(routeUrl("training/codes", { model, after }), { signal }).catch(() => null);
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
