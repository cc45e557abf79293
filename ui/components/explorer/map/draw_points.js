// The encoded images as points. Ten thousand are drawn by writing pixels, which is quicker than any canvas call per point. Where
// there are thousands, a fair sample of them stands for all until all are asked for: what lies behind them can be seen then.

import { classColour } from "./class_colours.js";
import { PointGrid } from "./nearest_point.js";

export const SAMPLE = 600;
const MANY = 1500; // from here on only the sample is shown at first

const RIM = 0xa0000000; // around each point of a sample: on a white stroke it would be lost

export const PRIOR_EXTENT = { centre: [0, 0], radius: 2.6 }; // standard deviations
const SAME = 0.00051; // z is committed with three decimals

const OPAQUE = 0xe0;
const PALE = 0x38; // of the other classes while one is pointed out

export class Points {
  #means;
  #labels;
  #latentDim;
  #count;
  #at; // coordinates on the map, 2 for each point
  #on; // numbers of the points that are on the map
  #everyOne; // numbers of all points
  #grid = null; // of where the points are now
  #sampled; // 1 for each point of the sample
  #sampling; // only the sample is shown
  #scattered = false; // the map is nothing but its points
  #words; // of each label, as the canvas stores it, without its opacity
  few = false; // the same few test images at every step of a training
  pointedOut = null; // the label that the pointer is on in the legend

  /** means: Float32Array of count x latentDim; labels: Uint16Array; hidden: labels switched off in the legend */
  constructor(means, labels, latentDim, hidden = new Set()) {
    this.hidden = hidden;
    this.#means = means;
    this.#labels = labels;
    this.#latentDim = latentDim;
    this.#count = labels.length;
    this.#words = Uint32Array.from({ length: labels.reduce((most, label) => Math.max(most, label), 0) + 1 }, (_, label) => wordOf(classColour(label)));
    this.#at = new Float32Array(2 * this.#count);
    this.#everyOne = Uint32Array.from({ length: this.#count }, (_, i) => i);
    this.#on = this.#everyOne;
    this.#sampling = this.#count > MANY;
    this.#sampled = fairSample(this.#count, SAMPLE);
  }

  get count() {
    return this.#count;
  }

  /** Whether there are so many that a sample can stand for them; a map that is nothing but points shows what it has. */
  get canSample() {
    return this.#count > MANY && !this.#scattered;
  }

  get sampling() {
    return this.#sampling && this.canSample;
  }

  /** Whether there is room to draw each point large. */
  get large() {
    return this.sampling || this.few;
  }

  showAll(all) {
    this.#sampling = !all;
  }

  /** How many points are on the map, those of hidden classes too. */
  get shown() {
    return this.sampling ? SAMPLE : this.#on.length;
  }

  label(index) {
    return this.#labels[index];
  }

  mean(index) {
    return Array.from(this.#means.subarray(index * this.#latentDim, (index + 1) * this.#latentDim));
  }

  /** Projects every point onto a plane. */
  project(plane) {
    const { origin, u, v } = plane;
    const size = this.#latentDim;
    this.#on = this.#everyOne;
    this.#scattered = false;
    this.#grid = null;
    for (let i = 0; i < this.#count; i += 1) {
      let [a, b] = [0, 0];
      for (let d = 0; d < size; d += 1) {
        const offset = this.#means[i * size + d] - origin[d];
        a += offset * u[d];
        b += offset * v[d];
      }
      this.#at[2 * i] = a;
      this.#at[2 * i + 1] = b;
    }
  }

  /** Puts some points where they are told to be; the others leave the map. */
  scatter({ indices, coordinates }) {
    this.#on = indices;
    this.#scattered = true;
    this.#grid = null;
    indices.forEach((i, k) => this.#at.set(coordinates.subarray(2 * k, 2 * k + 2), 2 * i));
  }

  /** The middle of the cloud and the radius that holds 99 % of it; of the prior where there are no points. */
  extent() {
    if (this.#on.length === 0) return PRIOR_EXTENT;
    const centre = [0, 0];
    for (const i of this.#on) {
      centre[0] += this.#at[2 * i] / this.#on.length;
      centre[1] += this.#at[2 * i + 1] / this.#on.length;
    }
    const distances = Float32Array.from(this.#on, (i) => Math.max(Math.abs(this.#at[2 * i] - centre[0]), Math.abs(this.#at[2 * i + 1] - centre[1])));
    distances.sort();
    return { centre, radius: distances[Math.floor(0.99 * (this.#on.length - 1))] || 1 };
  }

  /** Writes the visible points into an image's 32-bit words; `radius` in image pixels. */
  draw(words, width, height, toPixels, radius) {
    words.fill(0);
    const pale = this.pointedOut !== null;
    this.#drawSome(words, width, height, toPixels, radius, { opacity: pale ? PALE : OPAQUE, rim: this.large && !pale, of: (i) => this.#visible(i) });
    if (pale) this.#drawSome(words, width, height, toPixels, radius, { opacity: 0xff, rim: this.large, of: (i) => this.#labels[i] === this.pointedOut && this.#visible(i) });
  }

  #drawSome(words, width, height, { ax, ay, bx, by }, radius, { opacity, rim, of }) {
    for (const i of this.#on) { // x = ax + bx * a, y = ay + by * b
      if (!of(i)) continue;
      const x = Math.round(ax + bx * this.#at[2 * i]);
      const y = Math.round(ay + by * this.#at[2 * i + 1]);
      if (x < radius + 2 || y < radius + 2 || x >= width - radius - 2 || y >= height - radius - 2) continue;
      if (rim) stamp(words, width, x, y, radius + 1, RIM);
      stamp(words, width, x, y, radius, ((opacity << 24) | this.#words[this.#labels[i]]) >>> 0);
    }
  }

  /** The visible point nearest to (a, b) within `reach` map units, or null. */
  nearest(place, reach) {
    this.#grid ??= new PointGrid(this.#at, this.#on);
    return this.#grid.nearest(place, reach, (i) => this.#visible(i));
  }

  position(index) {
    return [this.#at[2 * index], this.#at[2 * index + 1]];
  }

  /** The point on the map whose code is z, to the digits that a committed z keeps; or null. */
  find(z) {
    const size = this.#latentDim;
    for (const i of this.#on) {
      let d = 0;
      while (d < size && Math.abs(this.#means[i * size + d] - z[d]) < SAME) d += 1;
      if (d === size) return i;
    }
    return null;
  }

  /** The nearest visible point that lies from (a, b) more towards (dx, dy) than to either side, or null. */
  towards([a, b], [dx, dy]) {
    let best = Infinity;
    let found = null;
    for (const i of this.#on) {
      const [x, y] = [this.#at[2 * i] - a, this.#at[2 * i + 1] - b];
      const ahead = x * dx + y * dy;
      const square = x * x + y * y;
      if (ahead <= Math.abs(x * dy - y * dx) || square >= best || !this.#visible(i)) continue;
      best = square;
      found = i;
    }
    return found;
  }

  #visible(i) {
    return (!this.sampling || this.#sampled[i] === 1) && !this.hidden.has(this.#labels[i]);
  }
}

/** 1 for each of `size` numbers below `count` drawn without replacement, the same ones each time. */
function fairSample(count, size) {
  const numbers = Uint32Array.from({ length: count }, (_, i) => i);
  const chosen = new Uint8Array(count);
  let state = 1; // of a linear congruential generator (Numerical Recipes)
  for (let k = 0; k < Math.min(size, count); k += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const at = k + Math.floor((state / 2 ** 32) * (count - k));
    chosen[numbers[at]] = 1;
    numbers[at] = numbers[k];
  }
  return chosen;
}

/** #rrggbb as the low bytes of a pixel. */
function wordOf(hex) {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  return (b << 16) | (g << 8) | r;
}

/** A disc of three, five or seven pixels across, as short rows. */
function stamp(words, width, x, y, radius, colour) {
  for (let dy = -radius; dy <= radius; dy += 1) {
    const half = Math.abs(dy) === radius && radius > 1 ? radius - 1 : radius;
    const middle = (y + dy) * width + x;
    words.fill(colour, middle - half, middle + half + 1);
  }
}
