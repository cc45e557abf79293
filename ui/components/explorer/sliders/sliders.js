// The sliders of one model: every dimension, strongest KL first, inactive ones folded away; and groups of sliders under them.

import { h } from "../elements.js";
import { Timer } from "../timers.js";
import { Slider } from "./slider.js";

const FOLLOW = 60; // ms between two looks of the sliders while they follow the map

export class Sliders {
  #sliders = new Map(); // dimension -> Slider
  #current = null;
  #wanted = []; // z to be shown soon
  #soon;
  #sections = []; // Directions: principal components, and named ones later
  #on;

  /** dimensions: [{index, low, high, kl (null: not known), active, marginal}] in KL order (marginal: their KL do not add up); on: as in Slider, with focus handled here, and unfold() */
  constructor(dimensions, on, signal, prior = true) {
    this.#on = on;
    this.#soon = new Timer(() => this.show(this.#wanted), signal);
    const strongest = Math.max(...dimensions.map((dimension) => dimension.kl ?? 0), 1e-9);
    const rows = { true: [], false: [] };
    for (const dimension of dimensions) {
      const bar = { name: `z${dimension.index}`, share: dimension.kl === null ? null : dimension.kl / strongest, words: barWords(dimension, prior) };
      const slider = new Slider({ ...dimension, ...bar }, { ...on, focus: (index) => this.select(index) });
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
      this.element.append(h("details.lw-fold", { open, ontoggle: () => on.unfold() }, h("summary", {}, `${label} (${listed})`), ...rows[false]));
    }
    this.element.addEventListener("toggle", ({ target }) => target.open && show(target), true);
  }

  /** The dimension last touched. */
  get current() {
    return this.#sliders.get(this.#current);
  }

  get dimensions() {
    return [...this.#sliders.keys()];
  }

  /** Rows that are on the screen, [{slider, along(z, value)}]: active dimensions, and whatever else is unfolded. */
  get visible() {
    const shown = this.dimensions.filter((index) => !this.#sliders.get(index).element.closest("details:not([open])"));
    const rows = shown.map((index) => ({ slider: this.#sliders.get(index), along: (z, value) => z.map((old, i) => (i === index ? value : old)) }));
    return [...rows, ...this.#sections.flatMap((section) => section.visible)];
  }

  /** One more group of sliders under the dimensions. */
  add(section) {
    this.#sections.push(section);
    this.element.append(section.element);
  }

  /** Dimensions that the data use, in KL order. */
  get active() {
    return this.dimensions.filter((index) => !this.#sliders.get(index).element.closest("details"));
  }

  /** locks: LockedDimensions */
  showLocks(locks) {
    for (const [index, slider] of this.#sliders) slider.setState(locks.state(index));
  }

  slider(index) {
    return this.#sliders.get(index);
  }

  /** Shows z a few times a second: while it follows the map or a path, redrawing every slider at each event would hold up the picture. */
  follow(z) {
    this.#wanted = z;
    this.#soon.setOnce(FOLLOW);
  }

  /** Nothing is shown later. */
  close() {
    this.#soon.stop();
  }

  show(z) {
    this.close();
    for (const [index, slider] of this.#sliders) slider.set(z[index]);
    this.showSections(z);
  }

  /** The sections alone: a dimension's own slider is being dragged. */
  showSections(z) {
    for (const section of this.#sections) section.show(z);
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

/** Brings what was unfolded into sight: its rows, or as many as there is room for. */
function show(details) {
  const place = details.closest(".lw-rail-place");
  const tall = place !== null && details.offsetHeight > place.clientHeight;
  details.scrollIntoView({ block: tall ? "start" : "nearest" });
}

function barWords({ index, kl, marginal }, prior) {
  if (!prior) return `z${index}: one unit is a standard deviation of the codes of images`;
  if (kl === null) return `How much z${index} tells about an image is not known: the model has no encoder`;
  const alone = marginal ? "; it is that of the dimension by itself, and these do not add up to the KL" : "";
  return `How much z${index} tells about an image: KL ${kl.toFixed(3)} nats, averaged over the data${alone}`;
}
