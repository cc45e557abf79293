// Pictures a second and input-to-picture latency, over the recent past.

const KEPT = 240; // replies
const WINDOW = 1000; // ms over which pictures are counted

export class Meter {
  #times = []; // when each of the last replies was painted, ms
  #latencies = []; // ms from input event to painted picture, same order

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
export function quantile(sorted, q) {
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))];
}
