// Does what the decoder draws at z look like the data? vae_core/latent/data_likeness.py has fitted the measure, and tells how; the
// figures that it left are applied here. tests/js/test_browser_places.py compares the two.

import { verdictOf } from "../picture/likeness.js";

const SMALLEST = 1e-4; // added before a logarithm
const HUGE = 1e6; // stands for what is not finite

export class DataLikeness {
  #fitted;
  #coverage;

  /** fitted: as static_data.js tells */
  constructor(fitted, coverage) {
    [this.#fitted, this.#coverage] = [fitted, coverage];
  }

  /** How often the verdicts err. */
  get errors() {
    return this.#fitted.errors;
  }

  /** Whether the measure deserves a verdict. */
  get tells() {
    return this.#fitted.tells;
  }

  /** Per cent of the test images that lie where log q(z) of the others is lower. */
  denser(logAggregate) {
    return rank(this.#fitted.densities, logAggregate);
  }

  /** What is said about z: {distance, nearer, cycle, typical, verdict}. seen: see seenAt; not needed where the measure does not tell. */
  at(z, own, seen) {
    const { distance, agreement } = this.#coverage.neighbourhood(z, own);
    if (!this.tells) {
      const nearer = this.#nearer(distance);
      return { distance, nearer, cycle: NaN, typical: nearer, verdict: "unsaid" };
    }
    const [cycle, kinds, grey, far] = [seen.cycle, 1 - agreement, seen.grey, distance].map(bounded);
    const features = [Math.log(cycle + SMALLEST), kinds, Math.log(grey + SMALLEST), Math.log(far + SMALLEST)];
    const { centre, scale, weights, scores } = this.#fitted;
    const score = -features.reduce((sum, value, i) => sum + ((value - centre[i]) / scale[i]) * weights[i], 0);
    const typical = rank(scores, score);
    return { distance: far, nearer: this.#nearer(far), cycle, typical, verdict: verdictOf(typical) };
  }

  #nearer(distance) {
    return 100 - rank(this.#fitted.distances, distance);
  }
}

/** {cycle: how far the encoder puts the picture from z, in units of its own std; grey: how undecided its pixels are}. mean: all values
 *  of the picture, mu and std: what the encoder makes of it, active: dimensions that count */
export function seenAt(z, { mean, mu, std }, active) {
  const cycle = Math.sqrt(active.reduce((sum, d) => sum + ((mu[d] - z[d]) / (std[d] > 0 ? std[d] : 1)) ** 2, 0) / active.length);
  let [sum, squares] = [0, 0];
  for (const value of mean) {
    const pixel = Math.min(1, Math.max(0, value));
    sum += pixel;
    squares += pixel * pixel;
  }
  const [average, square] = [sum / mean.length, squares / mean.length];
  return { cycle, grey: (average - square) / (square - average * average + 1e-6) };
}

function bounded(value) {
  return Number.isNaN(value) ? HUGE : Math.min(HUGE, Math.max(0, value));
}

/** Per cent of the ordered values below a value. */
function rank(ordered, value) {
  let [from, to] = [0, ordered.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (ordered[middle] < value) from = middle + 1;
    else to = middle;
  }
  return (100 * from) / ordered.length;
}
