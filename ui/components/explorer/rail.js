// The rail: every dimension as a slider, strongest KL first, inactive ones folded away.

import { h } from "./dom.js";
import { Slider } from "./slider.js";

export class Rail {
  #sliders = new Map(); // dimension -> Slider
  #current = null;
  #on;

  /** dimensions: [{index, low, high, kl, active}] in KL order; on: as in Slider, with focus handled here */
  constructor(dimensions, on) {
    this.#on = on;
    const strongest = Math.max(...dimensions.map((dimension) => dimension.kl), 1e-9);
    const rows = { true: [], false: [] };
    for (const dimension of dimensions) {
      const slider = new Slider({ ...dimension, share: dimension.kl / strongest }, { ...on, focus: (index) => this.select(index) });
      this.#sliders.set(dimension.index, slider);
      rows[dimension.active].push(slider.element);
    }
    const inactive = rows[false].length;
    const label = `${inactive} inactive dimension${inactive === 1 ? "" : "s"}`;
    const names = dimensions.filter((dimension) => !dimension.active).map((dimension) => `z${dimension.index}`);
    const listed = names.length > 8 ? `${names.slice(0, 8).join(", ")}, …` : names.join(", ");
    this.element = h("div.lw-rail", { style: `--lw-count:${Math.max(1, rows[true].length)}` }, ...rows[true]);
    if (inactive > 0) {
      const open = rows[true].length === 0 ? "" : null;
      this.element.append(h("details.lw-fold", { open }, h("summary", {}, `${label} (${listed})`), ...rows[false]));
    }
    this.select(dimensions[0].index);
  }

  /** The dimension last touched. */
  get current() {
    return this.#sliders.get(this.#current);
  }

  get dimensions() {
    return [...this.#sliders.keys()];
  }

  slider(index) {
    return this.#sliders.get(index);
  }

  show(z) {
    for (const [index, slider] of this.#sliders) slider.set(z[index]);
  }

  /** posterior: {mu, std} or null */
  showBand(posterior) {
    for (const [index, slider] of this.#sliders) {
      if (posterior) slider.setBand(posterior.mu[index], posterior.std[index]);
      else slider.setBand(null, null);
    }
  }

  /** Makes a dimension the one that Animate moves. */
  select(index) {
    this.#sliders.get(this.#current)?.mark(false);
    this.#current = index;
    this.#sliders.get(index).mark(true);
    this.#on.focus(index);
  }
}
