// Sliders along directions that are no single dimension: principal components now, named directions later. A direction is
// {name, words, axis (unit vector), centre, low, high, share}; its coordinate is (z - centre) . axis.

import { h } from "../elements.js";
import { rounded } from "../format_numbers.js";
import { Slider } from "./slider.js";

const COMPONENTS = 6;

export class Directions {
  #sliders = new Map(); // key -> {slider, direction}

  /** on: {here(): z, move(z, at), release(), unfold()} */
  constructor(title, directions, on) {
    const rows = directions.map((direction, i) => {
      const key = `${title}:${i}`;
      const { name, words, low, high, share } = direction;
      const slider = new Slider({ index: key, name, words, low, high, share }, {
        input: (_, value, at) => on.move(moved(on.here(), direction, value).map(rounded), at),
        release: on.release,
        focus: () => {},
      });
      this.#sliders.set(key, { slider, direction });
      return slider.element;
    });
    this.element = h("details.lw-fold", { ontoggle: () => on.unfold() }, h("summary", {}, title), ...rows);
  }

  get open() {
    return this.element.open;
  }

  /** [{slider, along(z, value)}] of what is unfolded. */
  get visible() {
    if (!this.open) return [];
    return [...this.#sliders.values()].map(({ slider, direction }) => ({ slider, along: (z, value) => moved(z, direction, value) }));
  }

  show(z) {
    for (const { slider, direction } of this.#sliders.values()) slider.set(rounded(coordinate(z, direction)));
  }
}

/** The first principal components of the encoded images as directions. */
export function principalDirections({ axes, centre, means, count, latentDim }) {
  const found = axes.slice(0, Math.min(COMPONENTS, latentDim)).map((axis, i) => {
    const values = Float32Array.from({ length: count }, (_, n) => {
      let sum = 0;
      for (let d = 0; d < latentDim; d += 1) sum += (means[n * latentDim + d] - centre[d]) * axis[d];
      return sum;
    });
    const variance = values.reduce((sum, value) => sum + value * value, 0) / count;
    values.sort();
    const at = (share) => values[Math.floor(share * (count - 1))];
    return { name: `PC ${i + 1}`, axis, centre, low: rounded(at(0.005)), high: rounded(at(0.995)), variance };
  });
  const total = found.reduce((sum, { variance }) => sum + variance, 0) || 1;
  const most = Math.max(...found.map(({ variance }) => variance), 1e-9);
  return found.map((direction) => ({
    ...direction,
    share: direction.variance / most,
    words: `variance ${direction.variance.toFixed(2)}, ${((100 * direction.variance) / total).toFixed(0)} % of these components`,
  }));
}

export function coordinate(z, { axis, centre }) {
  return axis.reduce((sum, value, i) => sum + value * (z[i] - centre[i]), 0);
}

/** z moved along the direction until its coordinate is `value`. */
export function moved(z, direction, value) {
  const step = value - coordinate(z, direction);
  return z.map((old, i) => old + step * direction.axis[i]);
}
