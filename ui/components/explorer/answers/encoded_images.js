// The encoded images of a model as the parts get them: {means, labels, count, latentDim, centre, axes, classes (names of the labels),
// order (dimensions by KL), prior (whether the model has one; "uniform": from -1 to 1), embeddings (whether t-SNE and UMAP of them can be
// had), numbers (what each is called among the test images; without them, its place)}.

/** Of bytes as ui/server/map_route.py makes them: little endian, u32 count, u32 latent size, float32 centre (D), float32 principal axes
 *  (D x D), float32 means (count x D), u16 labels (count). */
export function readEncodedImages(buffer, { classes, dimensions, prior }, embeddings) {
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
  const labels = new Uint16Array(buffer, at, count);
  return { count, latentDim, centre, axes, means, labels, classes, prior, embeddings, order: dimensions.map(({ index }) => index) };
}

/** Those of a model without an encoder: no image has a code, and the axes are those of the latent space. */
export function noImages({ dimensions, uniform = false }) {
  const latentDim = dimensions.length;
  const axes = Array.from({ length: latentDim }, (_, row) => Array.from({ length: latentDim }, (__, column) => Number(row === column)));
  const order = dimensions.map(({ index }) => index);
  return { count: 0, latentDim, centre: new Array(latentDim).fill(0), axes, means: new Float32Array(), labels: new Uint16Array(), classes: [], prior: uniform ? "uniform" : true, embeddings: false, order };
}
