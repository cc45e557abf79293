// A decoder that runs in the browser: points in, answers out as connection/binary_messages.js makes them. What is large goes through
// in parts, so that a picture that is urgent never waits long.

import { ModelWorker } from "./model_worker.js";

const PART_TIME = 6; // ms that one part may take, about
const MOST = 32; // pictures in one part
const PROOFS = 7; // single pictures that are timed

export class BrowserDecoder {
  milliseconds = null; // from a question for one picture to its answer, median; null before it is measured
  #worker;
  #latentDim;
  #format;
  #busy = false;
  #turns = []; // resolvers of what waits, the urgent before the others

  /** runtime, threads, provider: see ModelWorker; decoder: URL or bytes of the .onnx; layout: "nchw" | "nhwc"; range of its values:
   *  "unit" | "symmetric" | "logits" */
  constructor({ runtime, decoder, latentDim, layout = "nchw", range = "unit", threads = 1, provider = "wasm" }, signal) {
    this.#worker = new ModelWorker({ runtime, model: decoder, provider, threads }, signal);
    this.#latentDim = latentDim;
    this.#format = { layout, range };
  }

  /** What computes: "wasm" | "webgpu". */
  get backend() {
    return this.#worker.provider;
  }

  /** Aborts when the decoder is closed or its worker dies. */
  get signal() {
    return this.#worker.signal;
  }

  /** Loads the decoder and the runtime. Throws a sentence. */
  async open() {
    await this.#worker.open();
  }

  /** Pictures of points (array of z, or Float32Array of N x D), or null when the signal says that nobody waits any more.
   *  side: at most so many pixels along the longer side, 0: all; urgent: before what waits. Throws a sentence. */
  async decode(points, { side = 0, ...waits } = {}) {
    const parts = await this.#inParts(points, waits, (part) => this.#pictures(part, side));
    return parts && parts.flat();
  }

  /** The same unrounded: {values (Float32Array N x C x H x W, in [0, 1]), shape: [C, H, W]}, or null as above. */
  async means(points, waits = {}) {
    const parts = await this.#inParts(points, waits, (part) => this.#means(part));
    if (parts === null) return null;
    const values = new Float32Array(parts.reduce((sum, part) => sum + part.values.length, 0));
    let at = 0;
    for (const part of parts) {
      values.set(part.values, at);
      at += part.values.length;
    }
    return { values, shape: parts[0].shape };
  }

  /** Times single pictures at these points; they are decoded for nothing else. */
  async measure(points) {
    const times = [];
    for (let i = 0; i < PROOFS; i += 1) {
      const start = performance.now();
      await this.decode([points[i % points.length]], { urgent: true });
      times.push(performance.now() - start);
    }
    this.milliseconds = times.sort((a, b) => a - b)[Math.floor(PROOFS / 2)];
  }

  close(why) {
    this.#worker.close(why);
  }

  /** How many pictures go to the worker at once. */
  get #part() {
    return this.milliseconds === null ? 4 : Math.max(1, Math.min(MOST, Math.floor(PART_TIME / this.milliseconds)));
  }

  /** What `work` makes of each part of the points, or null when the signal says that nobody waits any more. */
  async #inParts(points, { urgent = false, signal = null }, work) {
    const values = flat(points, this.#latentDim);
    const found = [];
    for (let at = 0; at < values.length; ) {
      await this.#turn(urgent);
      try {
        if (signal?.aborted) return null;
        const part = values.slice(at, at + this.#part * this.#latentDim);
        found.push(await work(part));
        at += part.length;
      } finally {
        this.#pass();
      }
    }
    return found;
  }

  async #means(values) {
    const { inputs, outputs } = this.#worker;
    const dims = [values.length / this.#latentDim, this.#latentDim];
    const image = (await this.#worker.run({ [inputs[0]]: { values, dims } }))[outputs[0]];
    return meansOf(image, this.#format);
  }

  async #pictures(values, side) {
    const count = values.length / this.#latentDim;
    const { height, width, channels, pixels } = await this.#worker.pictures({ values, count, side, ...this.#format });
    const size = height * width * channels;
    return Array.from({ length: count }, (_, i) => ({ kind: "pixels", height, width, channels, pixels: pixels.subarray(i * size, (i + 1) * size) }));
  }

  /** Resolves when the worker is free for this one. */
  #turn(urgent) {
    if (!this.#busy) {
      this.#busy = true;
      return Promise.resolve();
    }
    return new Promise((go) => (urgent ? this.#turns.unshift(go) : this.#turns.push(go)));
  }

  #pass() {
    const next = this.#turns.shift();
    if (next) next();
    else this.#busy = false;
  }
}

function flat(points, size) {
  if (points instanceof Float32Array) return points;
  const values = new Float32Array(points.length * size);
  points.forEach((point, i) => values.set(point, i * size));
  return values;
}

/** Values as the decoder writes them, in [0, 1] and channel by channel: {values, shape: [C, H, W]}. */
function meansOf({ values, dims }, { layout, range }) {
  const unit = { unit: (x) => x, symmetric: (x) => (x + 1) / 2, logits: (x) => 1 / (1 + Math.exp(-x)) }[range];
  const clipped = (x) => Math.min(1, Math.max(0, unit(x)));
  if (layout === "nchw") return { values: values.map(clipped), shape: dims.slice(1) };
  const [count, height, width, channels] = dims;
  const area = height * width;
  const turned = new Float32Array(values.length);
  for (let i = 0; i < count; i += 1) {
    for (let p = 0; p < area; p += 1) for (let c = 0; c < channels; c += 1) turned[(i * channels + c) * area + p] = clipped(values[(i * area + p) * channels + c]);
  }
  return { values: turned, shape: [channels, height, width] };
}
