// Draws from the prior as a grid: seeded, so that the same seed shows the same pictures everywhere. A click explores one.

import { closeButton, h } from "../elements.js";
import { drawThumb } from "../renderer/renderer.js";

const SIDE = 8; // pictures along one side of the grid
const LARGEST_SEED = 2 ** 32 - 1;
const STEPS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -SIDE, ArrowDown: SIDE };

export class PriorSamples {
  #on;
  #queries = null;
  #z = [];
  #asked = false;
  #title = h("span");
  #source = h("span.lw-muted");
  #seed = h("input.lw-value", { type: "number", min: "0", max: String(LARGEST_SEED), step: "1", value: "0", "aria-label": "seed", onchange: () => this.#draw() });
  #temperature = h("input.lw-range", { type: "range", min: "0", max: "1.5", step: "0.05", value: "1", "aria-label": "temperature", oninput: () => this.#draw() });
  #shown = h("output.lw-muted", {}, "1.00");
  #said = h("span.lw-muted", { role: "status" });
  #grid;

  /** on: {explore(z, at), pin(z, label): words} */
  constructor(on) {
    this.#on = on;
    this.#grid = h("div.lw-samples", { role: "group", "aria-label": "draws from the prior: arrow keys move, Enter explores, P pins", onkeydown: (event) => this.#key(event) });
    for (let i = 0; i < SIDE * SIDE; i += 1) this.#grid.append(this.#cell(i));
    this.dialog = h("dialog.lw-dialog.lw-samples-sheet", { "aria-label": "Prior samples" },
      h("h2", {}, this.#title, " ", this.#source),
      h("div.lw-samples-head", {},
        h("label", { title: "The same number draws the same pictures, here and everywhere" }, "seed", this.#seed),
        h("button.lw-button", { type: "button", onclick: () => this.#again() }, "Draw again"),
        h("label.lw-grow", { title: "How far out the points lie: 1 as the model assumes, 0 all in the middle" }, "temperature", this.#temperature, this.#shown)),
      this.#grid,
      h("div.lw-sheet-end", {}, h("span.lw-muted.lw-grow", {}, "Press one to explore it", h("span.lw-with-keys", {}, "; P pins it"), "."), this.#said, closeButton()));
  }

  /** prior: whether the model has one; uniform: it is not the normal one; else the draws are from a Gaussian fitted to its codes, and it is said */
  open(queries, { prior, uniform }) {
    this.#title.textContent = prior ? "Prior samples" : "Samples of a fitted Gaussian";
    this.#source.textContent = uniform ? "each number of z evenly from −temperature to temperature" : prior ? "z ~ N(0, temperature² I)" : "an autoencoder has no prior: z is drawn from a Gaussian fitted to the codes of images";
    this.#source.title = prior ? "Random points as the model assumes its data to be spread; a higher temperature goes farther out" : "Its codes are saved with mean 0 and covariance I, so that this Gaussian is N(0, I); the temperature scales it";
    this.#queries = queries;
    this.#asked = true;
    this.#z = [];
    this.#said.textContent = "";
    this.dialog.showModal();
    this.#draw();
  }

  /** {seed, temperature} of the grid, or null as long as nobody has asked for one. */
  get choice() {
    return this.#asked ? { seed: this.seed, temperature: Number(this.#temperature.value) } : null;
  }

  /** The seed and the temperature of a link: the grid opens with them. */
  prefer({ seed, temperature }) {
    this.#asked = true;
    this.#seed.value = String(seed);
    this.#temperature.value = String(temperature);
  }

  close() {
    if (this.dialog.open) this.dialog.close();
  }

  #cell(i) {
    return h("button.lw-sample", {
      type: "button",
      tabindex: i === 0 ? "0" : "-1",
      "aria-label": `draw ${i + 1}`,
      onclick: (event) => this.#explore(i, event.timeStamp),
      onfocus: (event) => this.#rove(event.currentTarget),
    }, h("canvas", { width: 1, height: 1, "aria-hidden": "true" }));
  }

  #rove(cell) {
    this.#grid.querySelector('[tabindex="0"]').tabIndex = -1;
    cell.tabIndex = 0;
  }

  #again() {
    this.#seed.value = String((this.seed + 1) % (LARGEST_SEED + 1));
    this.#draw();
  }

  get seed() {
    const seed = Math.floor(Number(this.#seed.value));
    return Number.isFinite(seed) ? Math.max(0, Math.min(LARGEST_SEED, seed)) : 0;
  }

  async #draw() {
    this.#seed.value = String(this.seed);
    const temperature = Number(this.#temperature.value);
    this.#shown.textContent = temperature.toFixed(2);
    const queries = this.#queries;
    const found = await queries.samples("samples", { count: SIDE * SIDE, seed: this.seed, temperature, side: 0 });
    if (found === null || queries !== this.#queries) return;
    this.#z = found.z;
    [...this.#grid.children].forEach((cell, i) => drawThumb(cell.firstElementChild, found.pictures[i]));
    this.#grid.dataset.drawn = `${this.seed} at ${temperature.toFixed(2)}`;
  }

  #explore(i, start) {
    if (i >= this.#z.length) return;
    this.dialog.close();
    this.#on.explore(this.#z[i], start);
  }

  #key(event) {
    const cells = [...this.#grid.children];
    const at = cells.indexOf(document.activeElement);
    if (event.key in STEPS) cells[Math.max(0, Math.min(cells.length - 1, at + STEPS[event.key]))].focus();
    else if (event.key.toLowerCase() === "p" && !event.ctrlKey && !event.metaKey && at < this.#z.length) {
      this.#said.textContent = this.#on.pin(this.#z[at], `draw ${at + 1} of seed ${this.seed}`) || "Pinned.";
    } else return;
    event.preventDefault();
  }
}
