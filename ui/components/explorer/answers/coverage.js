// Where a latent lies among the encoded test images: how far from the nearest, of which kinds they are, at which densities. What is
// computed, and why, is told in vae_core/latent/coverage.py; tests/js/test_browser_places.py compares the two.

const NEIGHBOURS = 5; // the distance is the mean over so many nearest encoded images
const KINDS_AMONG = 15; // nearest encoded images whose labels are compared
const SAME = 6e-4; // in every dimension: z is the code of that image, as the page rounds it
const HALF_LOG_TWO_PI = 0.5 * Math.log(2 * Math.PI);

export class Coverage {
  #images;
  #active; // dimensions that count for distances
  #constants = null; // of each image's density
  #scratch;

  /** images: {count, latentDim, means, stds, labels} as from readPoints; active: booleans, one for each dimension */
  constructor(images, active) {
    this.#images = images;
    const used = [...active.keys()].filter((dimension) => active[dimension]);
    this.#active = used.length > 0 ? used : [...active.keys()];
    this.#scratch = new Float64Array(images.count);
  }

  /** The dimensions that count. */
  get active() {
    return this.#active;
  }

  /** The number of the encoded image whose code z is, -1 for none. */
  own(z) {
    const { count, latentDim, means } = this.#images;
    let [best, found] = [SAME, -1];
    for (let i = 0; i < count; i += 1) {
      let offset = 0;
      for (let d = 0; d < latentDim && offset < best; d += 1) offset = Math.max(offset, Math.abs(z[d] - means[i * latentDim + d]));
      if (offset < best) [best, found] = [offset, i];
    }
    return found;
  }

  /** The numbers of the encoded images with the nearest codes, nearest first, and how far they are: [{index, distance}]. */
  nearest(z, most, dimensions, own = -1) {
    const { count, latentDim, means } = this.#images;
    const found = [];
    for (let i = 0; i < count; i += 1) {
      let square = i === own ? Infinity : 0;
      for (const d of dimensions) square += (z[d] - means[i * latentDim + d]) ** 2;
      if (found.length === most && square >= found[most - 1].square) continue;
      if (found.length === most) found.pop();
      const at = found.findIndex((other) => other.square > square);
      found.splice(at < 0 ? found.length : at, 0, { index: i, square });
    }
    return found.map(({ index, square }) => ({ index, distance: Math.sqrt(square) }));
  }

  /** {distance: mean to the nearest codes, agreement: share of the commonest label among them}; `own` is not its own neighbour. */
  neighbourhood(z, own = -1) {
    const found = this.nearest(z, KINDS_AMONG, this.#active, own);
    const near = found.slice(0, NEIGHBOURS).map(({ distance }) => distance).filter(Number.isFinite);
    const kinds = new Map();
    for (const { index } of found) kinds.set(this.#images.labels[index], (kinds.get(this.#images.labels[index]) ?? 0) + 1);
    return { distance: near.reduce((sum, one) => sum + one, 0) / near.length, agreement: Math.max(...kinds.values()) / found.length };
  }

  /** log p(z), nats. */
  logPrior(z) {
    return -z.reduce((sum, value) => sum + 0.5 * value * value + HALF_LOG_TWO_PI, 0);
  }

  /** log q(z) = log (1/N) sum_i q(z|x_i), nats, without its `own`. Hoffman & Johnson 2016, section 2. */
  logAggregate(z, own = -1) {
    const { count, latentDim, means, stds } = this.#images;
    this.#constants ??= this.#normalisers();
    let highest = -Infinity;
    for (let i = 0; i < count; i += 1) {
      let value = this.#constants[i];
      for (let d = 0, at = i * latentDim; d < latentDim; d += 1, at += 1) value -= 0.5 * ((z[d] - means[at]) / stds[at]) ** 2;
      this.#scratch[i] = i === own ? -Infinity : value;
      highest = Math.max(highest, this.#scratch[i]);
    }
    let sum = 0;
    for (let i = 0; i < count; i += 1) sum += Math.exp(this.#scratch[i] - highest);
    return highest + Math.log(sum / count);
  }

  #normalisers() {
    const { count, latentDim, stds } = this.#images;
    return Float64Array.from({ length: count }, (_, i) => {
      let value = 0;
      for (let d = 0; d < latentDim; d += 1) value -= Math.log(stds[i * latentDim + d]) + HALF_LOG_TWO_PI;
      return value;
    });
  }
}
