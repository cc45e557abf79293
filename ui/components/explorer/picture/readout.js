// How quickly pictures follow the pointer: one measure for each painted reply, and a line of figures for those a person moved.

import { Meter } from "./latency.js";
import { readoutWords } from "../layout.js";

const SHOWN_EVERY = 250; // ms: figures that change faster cannot be read
const MEASURES_KEPT = 5000; // performance entries kept for outside programs before the oldest batch is cleared

export class Readout {
  #element;
  #meter = new Meter();
  #measures = 0;
  #timer = null;

  constructor(element) {
    this.#element = element;
  }

  /** A reply to what was asked `at` is on the canvas; only an `input` event of a person tells of latency. */
  painted({ at, input }) {
    const end = performance.now();
    if (this.#measures++ % MEASURES_KEPT === MEASURES_KEPT - 1) performance.clearMeasures("drag-to-paint");
    performance.measure("drag-to-paint", { start: at, end });
    if (!input) return;
    this.#meter.add(at, end);
    this.#timer ??= setTimeout(() => this.#show(), SHOWN_EVERY);
  }

  close() {
    clearTimeout(this.#timer);
    this.#timer = null;
  }

  #show() {
    this.#timer = null;
    this.#element.textContent = readoutWords(this.#meter.read());
  }
}
