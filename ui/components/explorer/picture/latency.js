// How quickly pictures follow the pointer: one measure for each painted reply, and a line of figures for those a person moved.

import { h } from "../elements.js";
import { Timer } from "../timers.js";

const KEPT = 240; // replies
const WINDOW = 1000; // ms over which pictures are counted
const SHOWN_EVERY = 250; // ms: figures that change faster cannot be read
const MEASURES_KEPT = 5000; // performance entries kept for outside programs before the oldest batch is cleared

export class Latency {
  element = h("span", { "data-testid": "readout" });
  #times = []; // when each of the last replies was painted, ms
  #latencies = []; // ms from input event to painted picture, same order
  #measures = 0;
  #timer;

  constructor(signal) {
    this.#timer = new Timer(() => (this.element.textContent = latencyWords(this.read())), signal);
  }

  /** A reply to what was asked `at` is on the screen; only an `input` event of a person tells of latency. */
  painted({ at, input }) {
    const end = performance.now();
    if (this.#measures++ % MEASURES_KEPT === MEASURES_KEPT - 1) performance.clearMeasures("drag-to-paint");
    performance.measure("drag-to-paint", { start: at, end });
    if (!input) return;
    this.add(at, end);
    this.#timer.setOnce(SHOWN_EVERY);
  }

  add(start, end) {
    this.#times.push(end);
    this.#latencies.push(end - start);
    if (this.#times.length > KEPT) {
      this.#times.shift();
      this.#latencies.shift();
    }
  }

  /** {rate, p50, p95}: pictures in the second before the last one; null before the first. */
  read() {
    if (this.#times.length === 0) return null;
    const last = this.#times[this.#times.length - 1];
    const rate = this.#times.filter((time) => time > last - WINDOW).length;
    const sorted = [...this.#latencies].sort((a, b) => a - b);
    return { rate, p50: quantile(sorted, 0.5), p95: quantile(sorted, 0.95) };
  }
}

/** The nearest-rank quantile of sorted numbers. */
function quantile(sorted, q) {
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))];
}

/** The figures behind the status line. */
function latencyWords({ rate, p50, p95 }) {
  const ms = (value) => (value < 10 ? value.toFixed(1) : value.toFixed(0));
  return `${rate} ${rate === 1 ? "picture" : "pictures"}/s · p50 ${ms(p50)} · p95 ${ms(p95)} ms`;
}
