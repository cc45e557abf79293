// A model file (ONNX) that runs in a worker of its own: decoders and encoders alike. It ends with its signal; then, and when the
// worker dies, every question that is open is refused.

import { pause, within } from "../timers.js";
import { programUrl } from "./worker_program.js";

const FILES = { // of onnxruntime-web, by what computes
  wasm: { module: "ort.wasm.bundle.min.mjs", wasm: "ort-wasm-simd-threaded.wasm" },
  webgpu: { module: "ort.webgpu.bundle.min.mjs", wasm: "ort-wasm-simd-threaded.asyncify.wasm" },
};
const CLOSED = "the model was closed";
const LONGEST_PAUSE = 10; // s between two looks whether the server has made the file
// (module (func (result v128) i32.const 0 i8x16.splat i8x16.popcnt)): valid only where there are 128-bit vectors
const SIMD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11];

export class ModelWorker {
  inputs = []; // names
  outputs = [];
  #life;
  #runtime;
  #model;
  #worker = null;
  #asked = new Map(); // id -> {resolve, reject}
  #last = 0; // id

  /** runtime: address of the folder with onnxruntime-web's files, or {module (URL), wasm (URL or bytes)}; model: URL or bytes of the
   *  file; provider: "wasm" | "webgpu"; threads: more than one only works on a page that is cross-origin isolated. */
  constructor({ runtime, model, provider = "wasm", threads = 1 }, signal) {
    this.#life = within(signal);
    this.#runtime = typeof runtime === "string" ? filesIn(runtime, provider) : runtime;
    [this.#model, this.provider, this.threads] = [model, provider, threads];
    this.#life.signal.addEventListener("abort", () => this.#end(), { once: true });
  }

  /** Ends when the worker does; its reason says why. */
  get signal() {
    return this.#life.signal;
  }

  /** Loads the file and the runtime. Throws a sentence. */
  async open() {
    if (!canRun()) throw new Error("this browser has no WebAssembly with SIMD");
    const bytes = typeof this.#model === "string" ? await fetchModel(this.#model, this.signal) : this.#model.slice(0);
    this.#start();
    const { provider, threads } = this;
    const found = await this.#ask("open", { runtime: this.#runtime, model: bytes, provider, threads }, [bytes]);
    [this.inputs, this.outputs] = [found.inputs, found.outputs];
  }

  /** feeds: {name of an input: {values: Float32Array, dims}} -> the same of every output */
  run(feeds) {
    return this.#ask("run", { feeds });
  }

  /** The images of a decoder: {height, width, channels, pixels (one image after the other)}; see worker_program.js. */
  pictures(given) {
    return this.#ask("pictures", given);
  }

  close(why = CLOSED) {
    this.#life.abort(new Error(why));
  }

  #start() {
    const url = programUrl();
    const worker = new Worker(url);
    worker.onmessage = ({ data: { id, found, error } }) => {
      URL.revokeObjectURL(url);
      const asked = this.#asked.get(id);
      this.#asked.delete(id);
      if (error === undefined) asked?.resolve(found);
      else asked?.reject(new Error(error));
    };
    worker.onerror = (event) => {
      event.preventDefault();
      this.close(`its worker ended: ${event.message || "it could not be started"}`);
    };
    this.#worker = worker;
  }

  #ask(act, given, buffers = []) {
    return new Promise((resolve, reject) => {
      if (this.signal.aborted || this.#worker === null) {
        reject(new Error(CLOSED));
        return;
      }
      this.#last += 1;
      this.#asked.set(this.#last, { resolve, reject });
      this.#worker.postMessage({ id: this.#last, act, ...given }, buffers);
    });
  }

  #end() {
    this.#worker?.terminate();
    this.#worker = null;
    for (const { reject } of this.#asked.values()) reject(this.signal.reason);
    this.#asked.clear();
  }
}

/** Whether this browser runs onnxruntime-web at all. */
export function canRun() {
  return typeof Worker === "function" && typeof WebAssembly === "object" && WebAssembly.validate(Uint8Array.from(SIMD));
}

/** How many threads onnxruntime-web may use here: memory is shared between workers only on a page that is cross-origin isolated. */
export function threadsHere() {
  return globalThis.crossOriginIsolated ? Math.min(4, Math.max(1, Math.floor((navigator.hardwareConcurrency ?? 2) / 2))) : 1;
}

function filesIn(folder, provider) {
  const base = new URL(folder.endsWith("/") ? folder : `${folder}/`, document.baseURI);
  const { module, wasm } = FILES[provider];
  return { module: new URL(module, base).href, wasm: new URL(wasm, base).href };
}

/** The file's bytes; while the server still makes it (202) or has too much to do (503) it is asked again. */
export async function fetchModel(url, signal) {
  for (;;) {
    const response = await fetch(new URL(url, document.baseURI), { signal, priority: "low" });
    if (response.status === 200) return response.arrayBuffer();
    if (![202, 503].includes(response.status)) throw new Error((await response.text()) || `the server answered ${response.status}`);
    const seconds = Number(response.headers.get("Retry-After")) || 1;
    await pause(1000 * Math.min(LONGEST_PAUSE, seconds), signal);
  }
}
