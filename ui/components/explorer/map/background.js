// What lies under the points: decoded pictures, the aggregate posterior's density, or a tint where the data is thin.
// Rendered for the part of the plane that is in view, kept in map coordinates, and shown stretched until a sharp one has come.

import { UNUSUAL } from "../where.js";
import { DENSITIES, LIKENESS } from "./questions.js";

const CELL = 26; // px: about the size at which a digit can still be read
const MOST = 20; // cells along one side
const FIELD = 28; // samples along one side for density and tint
const SETTLE = 140; // ms without movement before a new one is asked for: the strips behind the sliders come first

export const BACKGROUNDS = {
  manifold: "manifold",
  quantiles: "manifold, prior quantiles",
  density: "density of q(z)",
  holes: "holes",
  none: "nothing",
};

export class Background {
  kind = "manifold";
  #canvas = document.createElement("canvas");
  #bounds = null; // of what #canvas shows, in map coordinates
  #timer = null;
  #onChange;
  #asides = null;

  constructor(onChange) {
    this.#onChange = onChange;
  }

  connect(asides) {
    this.#asides = asides;
    this.#bounds = null;
  }

  clear() {
    clearTimeout(this.#timer);
    this.#bounds = null;
  }

  /** Asks for a sharp rendering of what is in view, once things have settled. */
  refresh(plane, viewport, delay = SETTLE) {
    clearTimeout(this.#timer);
    if (this.kind === "none" || this.#asides === null) return;
    this.#timer = setTimeout(() => this.#render(plane, viewport), delay);
  }

  draw(context, viewport) {
    if (this.kind === "none" || this.#bounds === null) return;
    const [left, top] = viewport.toScreen([this.#bounds.left, this.#bounds.top]);
    const [right, bottom] = viewport.toScreen([this.#bounds.right, this.#bounds.bottom]);
    context.imageSmoothingEnabled = this.kind === "density";
    context.drawImage(this.#canvas, left, top, right - left, bottom - top);
  }

  async #render(plane, viewport) {
    const bounds = viewport.bounds;
    const started = performance.now();
    const drawn = this.kind === "density" ? await this.#density(plane, bounds, viewport) : await this.#pictures(plane, bounds, viewport);
    if (!drawn) return;
    this.#bounds = bounds;
    performance.measure("map-background", { start: started, end: performance.now() });
    this.#onChange();
  }

  async #pictures(plane, bounds, { width, height }) {
    const [columns, rows] = [width, height].map((size) => Math.max(2, Math.min(MOST, Math.round(size / CELL))));
    const spaced = this.kind === "quantiles" ? quantileEdges : evenEdges;
    const [across, up] = [spaced(bounds.left, bounds.right, columns), spaced(bounds.top, bounds.bottom, rows)];
    const points = up.middles.flatMap((b) => across.middles.map((a) => plane.latent([a, b])));
    const [pictures, tint] = await Promise.all([
      this.#asides.pictures("background", points, CELL),
      this.kind === "holes" ? this.#asides.places("tint", points, LIKENESS) : [],
    ]);
    if (pictures === null || tint === null) return false;
    const context = this.#blank(width, height);
    context.imageSmoothingEnabled = false;
    const x = across.edges.map((a) => Math.round(((a - bounds.left) / (bounds.right - bounds.left)) * width));
    const y = up.edges.map((b) => Math.round(((bounds.top - b) / (bounds.top - bounds.bottom)) * height));
    pictures.forEach((picture, i) => {
      const [column, row] = [i % columns, Math.floor(i / columns)];
      const box = [x[column], y[row], x[column + 1] - x[column], y[row + 1] - y[row]];
      drawPicture(context, picture, box);
      if (this.kind === "holes") drawTint(context, tint[i].typical, box);
    });
    return true;
  }

  async #density(plane, bounds, { width, height }) {
    const [across, up] = [evenEdges(bounds.left, bounds.right, FIELD), evenEdges(bounds.top, bounds.bottom, FIELD)];
    const points = up.middles.flatMap((b) => across.middles.map((a) => plane.latent([a, b])));
    const places = await this.#asides.places("background", points, DENSITIES);
    if (places === null) return false;
    const context = this.#blank(FIELD, FIELD);
    const image = context.createImageData(FIELD, FIELD);
    const highest = Math.max(...places.map((place) => place.logAggregate));
    places.forEach((place, i) => {
      const share = Math.exp(0.5 * (place.logAggregate - highest)); // the root keeps thin regions visible
      image.data.set([76, 110, 245, Math.round(230 * share)], 4 * i);
    });
    context.putImageData(image, 0, 0);
    return width > 0 && height > 0;
  }

  #blank(width, height) {
    this.#canvas.width = width;
    this.#canvas.height = height;
    return this.#canvas.getContext("2d");
  }
}

/** n cells of equal width: {edges (n + 1), middles (n)}. */
export function evenEdges(from, to, n) {
  const edges = Array.from({ length: n + 1 }, (_, i) => from + ((to - from) * i) / n);
  return { edges, middles: edges.slice(1).map((edge, i) => (edge + edges[i]) / 2) };
}

/** n cells that hold equal shares of the prior N(0, 1) between `from` and `to`; the middles are each cell's median. */
export function quantileEdges(from, to, n) {
  const [p, q] = [normalShare(from), normalShare(to)];
  const at = (share) => normalQuantile(p + (q - p) * share);
  const edges = Array.from({ length: n + 1 }, (_, i) => (i === 0 ? from : i === n ? to : at(i / n)));
  return { edges, middles: Array.from({ length: n }, (_, i) => at((i + 0.5) / n)) };
}

/** Phi(x), to 1.5e-7 (Abramowitz & Stegun 1964, 7.1.26). */
export function normalShare(x) {
  const t = 1 / (1 + (0.3275911 * Math.abs(x)) / Math.SQRT2);
  const poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const erf = 1 - poly * Math.exp((-x * x) / 2);
  return 0.5 * (1 + Math.sign(x) * erf);
}

/** The inverse of normalShare by bisection. */
export function normalQuantile(share) {
  let [low, high] = [-9, 9];
  for (let i = 0; i < 60; i += 1) {
    const middle = (low + high) / 2;
    if (normalShare(middle) < share) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

const stamp = document.createElement("canvas");

/** Paints a picture into a box, square, in its middle. */
export function drawPicture(context, { height, width, channels, pixels }, [x, y, boxWidth, boxHeight]) {
  stamp.width = width;
  stamp.height = height;
  const pen = stamp.getContext("2d", { willReadFrequently: true });
  const image = pen.createImageData(width, height);
  for (let i = 0; i < width * height; i += 1) {
    for (let c = 0; c < 3; c += 1) image.data[4 * i + c] = pixels[channels === 1 ? i : 3 * i + c];
    image.data[4 * i + 3] = 255;
  }
  pen.putImageData(image, 0, 0);
  const size = Math.min(boxWidth / width, boxHeight / height);
  context.fillStyle = "#000";
  context.fillRect(x, y, boxWidth, boxHeight);
  context.drawImage(stamp, x + (boxWidth - size * width) / 2, y + (boxHeight - size * height) / 2, size * width, size * height);
}

/** Orange over a box where pictures are less like the data than nearly all test images: from `UNUSUAL` per cent down to none. */
export function drawTint(context, typical, box) {
  const strength = Math.min(1, Math.max(0, 1 - typical / UNUSUAL));
  if (!(strength > 0)) return; // NaN: not known
  context.fillStyle = `rgba(232, 89, 12, ${0.18 + 0.44 * strength})`;
  context.fillRect(...box);
}
