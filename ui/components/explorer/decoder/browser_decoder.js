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
  async decode(points, { side = 0, urgent = false, signal = null } = {}) {
    const values = flat(points, this.#latentDim);
    const count = values.length / this.#latentDim;
    const answers = [];
    for (let at = 0; at < count; ) {
      await this.#turn(urgent);
      try {
        if (signal?.aborted) return null;
        const part = values.slice(at * this.#latentDim, (at + this.#part) * this.#latentDim);
        answers.push(...(await this.#pictures(part, side)));
      } finally {
        this.#pass();
      }
      at = answers.length;
    }
    return answers;
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
