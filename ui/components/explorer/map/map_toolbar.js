// What can be chosen over the map: its plane, its background, whether its points are shown.

import { h } from "../elements.js";
import { BACKGROUNDS } from "./background.js";
import { EMBEDDINGS } from "./tsne_umap.js";

const OF_DISTRIBUTIONS = ["density", "quantiles"]; // of the posteriors and of the prior: an autoencoder has neither
const OF_CODES = ["density", "holes"]; // backgrounds that are made of the codes of images

/** on: {plane(choice), background(kind), points(shown)} */
export function buildToolbar(on) {
  const planes = h("select.lw-select", { "aria-label": "plane of the map", title: "Which slice of the latent space the map shows: two principal components (PC) of the codes, two dimensions, or t-SNE and UMAP", onchange: () => on.plane(planes.value) });
  const backgrounds = h("select.lw-select", { "aria-label": "background of the map", title: "What lies under the points", onchange: () => on.background(backgrounds.value) });
  const points = h("input", { type: "checkbox", checked: "", onchange: () => on.points(points.checked) });
  const check = h("label.lw-check", { title: "Show the encoded test images as points" }, points, "points");
  const inverse = h("span.lw-tools", {}, backgrounds, check);
  const custom = new Map(); // choice -> Plane
  return {
    head: h("span.lw-tools", {}, planes, inverse),
    get plane() {
      return planes.value;
    },
    get first() {
      return planes.options[0].value;
    },
    custom: (choice) => custom.get(choice) ?? null,
    /** A plane of the person's own joins the list. */
    add(choice, words, plane) {
      custom.set(choice, plane);
      [...planes.options].find(({ value }) => value === choice)?.remove();
      planes.append(h("option", { value: choice }, words));
      planes.disabled = false;
    },
    /** The wished plane if it is on offer, else the first. */
    prefer(wish) {
      if ([...planes.options].some(({ value }) => value === wish)) planes.value = wish;
      return planes.value;
    },
    /** What only a map with an inverse has: a background, which is decoded, and points that can be left out. */
    showInverse(has) {
      inverse.style.visibility = has ? "visible" : "hidden"; // keeps its place: nothing jumps
    },
    chooseBackground(wish) {
      if ([...backgrounds.options].some(({ value }) => value === wish)) backgrounds.value = wish;
      return backgrounds.value;
    },
    offer(images) {
      const kinds = Object.entries(BACKGROUNDS).filter(([kind]) => !(images.count === 0 && OF_CODES.includes(kind)) && ((images.prior && images.prior !== "uniform") || !OF_DISTRIBUTIONS.includes(kind)));
      const before = backgrounds.value;
      backgrounds.replaceChildren(...kinds.map(([value, words]) => h("option", { value }, words)));
      this.chooseBackground(before);
      check.hidden = images.count === 0;
      custom.clear();
      planes.replaceChildren(...choices(images).map(([value, words]) => h("option", { value }, words)));
      planes.disabled = planes.length < 2;
    },
  };
}

/** [value, words] of every ready-made plane: principal components first, then pairs of dimensions in KL order; then the maps that are no planes.
 *  Without encoded images there are the pairs alone. */
function choices({ latentDim, order, count, embeddings }) {
  if (latentDim === 2) return [["pair:0:1", "z0 × z1"]];
  const pairs = [];
  for (let i = 0; i < Math.min(order.length, 8); i += 1) {
    for (let j = i + 1; j < Math.min(order.length, 8); j += 1) pairs.push([`pair:${order[i]}:${order[j]}`, `z${order[i]} × z${order[j]}`]);
  }
  if (count === 0) return pairs;
  return [["pc:0:1", "PC 1 × PC 2"], ["pc:0:2", "PC 1 × PC 3"], ["pc:1:2", "PC 2 × PC 3"], ...pairs, ...(embeddings ? Object.entries(EMBEDDINGS) : [])];
}
