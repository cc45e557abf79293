// The encoded images of a model, fetched once (ui/server/map_route.py): little endian, u32 count, u32 latent size, float32 centre (D),
// float32 principal axes (D x D), float32 means (count x D), u16 labels (count).

/** {means, labels, count, latentDim, centre, axes, classes (names of the labels), order (dimensions by KL), prior (whether the model has one), training
 *  (whether they change)} of the model that the page's data names; throws with the server's sentence when it carries none. */
export async function fetchEncodedImages({ model, version, classes, dimensions, prior, training = false }, signal) {
  const v = training && version === "0" ? Date.now() : version; // an answer is kept under its version
  const response = await fetch(mapUrl("map", { model, v }), { signal });
  if (!response.ok) throw new Error((await response.text()) || `the server answered ${response.status}`);
  return { ...readEncodedImages(await response.arrayBuffer()), classes, prior, training, order: dimensions.map(({ index }) => index) };
}

/** The same of a model without an encoder: no image has a code, and the axes are those of the latent space. */
export function noImages({ dimensions }) {
  const latentDim = dimensions.length;
  const axes = Array.from({ length: latentDim }, (_, row) => Array.from({ length: latentDim }, (__, column) => Number(row === column)));
  const order = dimensions.map(({ index }) => index);
  return { count: 0, latentDim, centre: new Array(latentDim).fill(0), axes, means: new Float32Array(), labels: new Uint16Array(), classes: [], prior: true, order };
}

/** The address of one of the map's routes. */
export function mapUrl(path, parameters) {
  const url = new URL(path, document.baseURI);
  for (const [key, value] of Object.entries(parameters)) url.searchParams.set(key, value);
  return url.href;
}

function readEncodedImages(buffer) {
  const [count, latentDim] = new Uint32Array(buffer, 0, 2);
  let at = 8;
  const floats = (length) => {
    const values = new Float32Array(buffer, at, length);
    at += 4 * length;
    return values;
  };
  const centre = Array.from(floats(latentDim));
  const axes = Array.from({ length: latentDim }, () => Array.from(floats(latentDim)));
  const means = floats(count * latentDim);
  return { count, latentDim, centre, axes, means, labels: new Uint16Array(buffer, at, count) };
}
