// Maps without an inverse: where t-SNE or UMAP put the encoded images.

export const EMBEDDINGS = { tsne: "t-SNE", umap: "UMAP" };

/** Why a map of this kind is only its points. */
export function whyNoInverse(kind) {
  return `${EMBEDDINGS[kind]} keeps images with similar codes together, but has no inverse: no latent vector belongs to the empty places, so they cannot be decoded. Move over a point to see its code decoded; click to go there. Distances and directions on this map have no scale.`;
}
