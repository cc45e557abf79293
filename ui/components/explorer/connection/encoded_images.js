// The encoded images of a model, fetched once (ui/server/map_route.py): little endian, u32 count, u32 latent size, float32 centre (D),
// float32 principal axes (D x D), float32 means (count x D), u8 labels (count).

/** {means, labels, latentDim, centre, axes}; throws with the server's sentence when the model carries none. */
export async function fetchAtlas(model, version) {
  const response = await fetch(mapUrl("map", { model, v: version }));
  if (!response.ok) throw new Error((await response.text()) || `the server answered ${response.status}`);
  return readAtlas(await response.arrayBuffer());
}

/** The address of one of the map's routes. */
export function mapUrl(path, parameters) {
  const url = new URL(path, document.baseURI);
  for (const [key, value] of Object.entries(parameters)) url.searchParams.set(key, value);
  return url.href;
}

export function readAtlas(buffer) {
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
  return { count, latentDim, centre, axes, means, labels: new Uint8Array(buffer, at, count) };
}
