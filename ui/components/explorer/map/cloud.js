// The encoded images as points. Ten thousand are drawn by writing pixels, which is quicker than any canvas call per point.

export const PALETTE = ["#4477AA", "#EE6677", "#228833", "#CCBB44", "#66CCEE", "#AA3377", "#BBBBBB", "#EE8866", "#77AADD", "#44BB99"]; // after Tol 2021

const SAME = 0.00051; // z is committed with three decimals

const WORDS = PALETTE.map((hex) => {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  return (0xe0000000 | (b << 16) | (g << 8) | r) >>> 0;
});

export class Cloud {
  #means;
  #labels;
  #latentDim;
  #count;
  #at; // coordinates on the map, 2 for each point
  #on; // numbers of the points that are on the map
  hidden = new Set(); // labels switched off in the legend

  /** means: Float32Array of count x latentDim; labels: Uint8Array */
  constructor(means, labels, latentDim) {
    this.#means = means;
    this.#labels = labels;
    this.#latentDim = latentDim;
    this.#count = labels.length;
    this.#at = new Float32Array(2 * this.#count);
    this.#on = everyOne(this.#count);
  }

  get count() {
    return this.#count;
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
    this.#on = everyOne(this.#count);
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
    indices.forEach((i, k) => this.#at.set(coordinates.subarray(2 * k, 2 * k + 2), 2 * i));
  }

  /** The middle of the cloud and the radius that holds 99 % of it. */
  extent() {
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
    const { ax, ay, bx, by } = toPixels; // x = ax + bx * a, y = ay + by * b
    for (let k = 0; k < this.#on.length; k += 1) {
      const i = this.#on[k];
      const label = this.#labels[i];
      if (this.hidden.has(label)) continue;
      const x = Math.round(ax + bx * this.#at[2 * i]);
      const y = Math.round(ay + by * this.#at[2 * i + 1]);
      if (x < radius + 1 || y < radius + 1 || x >= width - radius - 1 || y >= height - radius - 1) continue;
      stamp(words, width, x, y, radius, WORDS[label % WORDS.length]);
    }
  }

  /** The visible point nearest to (a, b) within `reach` map units, or null. */
  nearest([a, b], reach) {
    let best = reach * reach;
    let found = null;
    for (let k = 0; k < this.#on.length; k += 1) {
      const i = this.#on[k];
      const square = (this.#at[2 * i] - a) ** 2 + (this.#at[2 * i + 1] - b) ** 2;
      if (square < best && !this.hidden.has(this.#labels[i])) {
        best = square;
        found = i;
      }
    }
    return found;
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
      if (ahead <= Math.abs(x * dy - y * dx) || square >= best || this.hidden.has(this.#labels[i])) continue;
      best = square;
      found = i;
    }
    return found;
  }
}

function everyOne(count) {
  return Uint32Array.from({ length: count }, (_, i) => i);
}

/** A disc of three, five or seven pixels across, as short rows. */
function stamp(words, width, x, y, radius, colour) {
  for (let dy = -radius; dy <= radius; dy += 1) {
    const half = Math.abs(dy) === radius && radius > 1 ? radius - 1 : radius;
    const middle = (y + dy) * width + x;
    words.fill(colour, middle - half, middle + half + 1);
  }
}
