// One published model as it runs in the page: its decoder and encoder, each in a worker from when it is first wanted until nobody holds
// the model any more, and what its files tell of the test images.

import { BrowserDecoder } from "../decoder/browser_decoder.js";
import { ModelWorker } from "../decoder/model_worker.js";
import { within } from "../timers.js";
import { Coverage } from "./coverage.js";
import { DataLikeness } from "./data_likeness.js";

const REST = 5000; // ms without a holder after which the workers end: models are changed to and fro

/** How the two are made; tests make others. */
export const WORKERS = {
  decoder: (options, signal) => new BrowserDecoder(options, signal),
  encoder: (options, signal) => new ModelWorker(options, signal),
};

export class BrowserModel {
  #files;
  #make;
  #runtime;
  #life = null; // of the workers
  #opened = new Map(); // "decoder", "encoder" -> promise of an open one
  #holders = 0;
  #measure = null; // promise of {coverage, likeness, density}
  #resting = null; // timer

  /** files: promise of a StaticModel; runtime: where onnxruntime-web's files are, see ModelWorker; make: as WORKERS */
  constructor(files, runtime, make = WORKERS) {
    [this.#files, this.#runtime, this.#make] = [files, runtime, make];
  }

  /** The promise of what its files tell, a StaticModel. */
  get files() {
    return this.#files;
  }

  /** Until the signal aborts, somebody needs its workers. */
  hold(signal) {
    this.#holders += 1;
    clearTimeout(this.#resting);
    signal.addEventListener("abort", () => this.#release(), { once: true });
  }

  /** The open decoder, see BrowserDecoder. Throws a sentence. */
  decoder() {
    return this.#open("decoder", async (signal) => {
      const { decoder, view, ...files } = await this.#described("decoderBytes");
      const { layout, range } = decoder;
      const made = this.#make.decoder({ runtime: await this.#runtime, decoder: files.bytes, latentDim: view.z.length, layout, range }, signal);
      await made.open();
      await made.measure([view.z]);
      return made;
    });
  }

  /** What the encoder makes of images: {mean, std (N x D), and what else it tells}, each {values, dims}. values: Float32Array of N x C x
   *  H x W in [0, 1], shape: [C, H, W]. Throws a sentence. */
  async encode({ values, shape }) {
    const encoder = await this.#open("encoder", async (signal) => {
      const { bytes } = await this.#described("encoderBytes");
      if (bytes === null) throw new Error("this model has no encoder");
      const made = this.#make.encoder({ runtime: await this.#runtime, model: bytes }, signal);
      await made.open();
      return made;
    });
    const count = values.length / (shape[0] * shape[1] * shape[2]);
    return encoder.run({ [encoder.inputs[0]]: { values, dims: [count, ...shape] } });
  }

  /** What the decoder draws at points and what the encoder makes of that: [{mean, mu, std}], or null when nobody waits any more. */
  async recognise(points, waits) {
    const found = await (await this.decoder()).means(points, waits);
    if (found === null) return null;
    const { mean, std } = await this.encode(found);
    const [size, latentDim] = [found.values.length / points.length, mean.values.length / points.length];
    return points.map((_, i) => {
      const row = ({ values }) => values.subarray(i * latentDim, (i + 1) * latentDim);
      return { mean: found.values.subarray(i * size, (i + 1) * size), mu: row(mean), std: row(std) };
    });
  }

  /** {coverage (null without encoded images), likeness (null where nothing is judged), density (whether log q means something)} */
  measure() {
    this.#measure ??= this.#readMeasure();
    return this.#measure;
  }

  async #readMeasure() {
    const files = await this.#files;
    const images = await files.encodedImages();
    if (images === null) return { coverage: null, likeness: null, density: false };
    const fitted = files.likeness;
    const coverage = new Coverage(images, fitted?.active ?? new Array(images.latentDim).fill(true));
    return { coverage, likeness: fitted && new DataLikeness(fitted, coverage), density: fitted?.density ?? false };
  }

  async #described(which) {
    const files = await this.#files;
    return { decoder: files.decoder, view: files.view, bytes: await files[which]() };
  }

  /** The promise of an open one; what failed is tried again when it is next wanted. */
  #open(name, make) {
    if (!this.#opened.has(name)) {
      this.#life ??= new AbortController();
      const life = within(this.#life.signal);
      const made = make(life.signal).catch((error) => {
        life.abort();
        this.#opened.delete(name);
        throw error;
      });
      made.then((one) => one.signal.addEventListener("abort", () => this.#opened.delete(name), { once: true }), () => {});
      this.#opened.set(name, made);
    }
    return this.#opened.get(name);
  }

  #release() {
    this.#holders -= 1;
    if (this.#holders > 0) return;
    this.#resting = setTimeout(() => {
      this.#life?.abort();
      this.#life = null;
      this.#opened.clear();
    }, REST);
  }
}
