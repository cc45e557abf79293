// What the worker runs: a model file through onnxruntime-web, apart from the page. The explorer's modules reach the browser as one
// file, and a published page may be one file, so the worker has no address of its own: `programUrl` makes it one from the function's
// text. The function therefore uses nothing from outside itself.

/** An address for `new Worker(...)`; to be revoked once the worker has started. */
export function programUrl() {
  return URL.createObjectURL(new Blob([`(${program})()`], { type: "text/javascript" }));
}

/** Messages in: {id, act, ...given}; out: {id, found} or {id, error}. */
function program() {
  let ort = null;
  let session = null;

  const acts = {
    /** runtime: {module (URL), wasm (URL or bytes)}, model: bytes, provider: "wasm" | "webgpu" -> {inputs, outputs} (names) */
    async open({ runtime, model, provider, threads }) {
      ort = await import(runtime.module);
      ort.env.wasm.numThreads = threads;
      if (typeof runtime.wasm === "string") ort.env.wasm.wasmPaths = { wasm: runtime.wasm };
      else ort.env.wasm.wasmBinary = runtime.wasm;
      session = await ort.InferenceSession.create(new Uint8Array(model), { executionProviders: [provider] });
      return { inputs: [...session.inputNames], outputs: [...session.outputNames] };
    },

    /** feeds: {name: {values: Float32Array, dims}} -> the same of every output */
    async run({ feeds }) {
      const outputs = Object.entries(await outputsOf(feeds));
      return Object.fromEntries(outputs.map(([name, { data, dims }]) => [name, { values: Float32Array.from(data), dims: [...dims] }]));
    },

    /** Images of the only output of a decoder as bytes: {height, width, channels, pixels (count x H x W x C, one after the other)}.
     *  side: as many pixels at most along the longer side, 0: all; values: Float32Array of count x D. */
    async pictures({ values, count, side, layout, range }) {
      const image = await outputsOf({ [session.inputNames[0]]: { values, dims: [count, values.length / count] } });
      const { data, dims } = image[session.outputNames[0]];
      const [channels, height, width] = layout === "nhwc" ? [dims[3], dims[1], dims[2]] : dims.slice(1);
      const shrink = side > 0 ? Math.min(1, side / Math.max(height, width)) : 1;
      const [h, w] = [height, width].map((length) => Math.max(1, Math.round(length * shrink)));
      const [byChannel, byPixel] = layout === "nhwc" ? [1, channels] : [height * width, 1];
      const pixels = new Uint8ClampedArray(count * h * w * channels); // clamps, and rounds to the nearest
      const toByte = { unit: (x) => 255 * x, symmetric: (x) => 127.5 * (x + 1), logits: (x) => 255 / (1 + Math.exp(-x)) }[range];
      const taken = { height, width, channels, h, w, byChannel, byPixel, toByte };
      for (let i = 0; i < count; i += 1) fill(pixels, i * h * w * channels, data, i * height * width * channels, taken);
      return { height: h, width: w, channels, pixels: new Uint8Array(pixels.buffer) };
    },
  };

  async function outputsOf(feeds) {
    const tensors = Object.entries(feeds).map(([name, { values, dims }]) => [name, new ort.Tensor("float32", values, dims)]);
    return session.run(Object.fromEntries(tensors));
  }

  /** One image: its pixels, each the mean of those that it stands for. */
  function fill(pixels, to, data, from, { height, width, channels, h, w, byChannel, byPixel, toByte }) {
    if (h === height && w === width) {
      for (let p = 0; p < h * w; p += 1) {
        for (let c = 0; c < channels; c += 1) pixels[to + p * channels + c] = toByte(data[from + c * byChannel + p * byPixel]);
      }
      return;
    }
    for (let y = 0; y < h; y += 1) {
      const [top, bottom] = [Math.floor((y * height) / h), Math.ceil(((y + 1) * height) / h)];
      for (let x = 0; x < w; x += 1) {
        const [left, right] = [Math.floor((x * width) / w), Math.ceil(((x + 1) * width) / w)];
        for (let c = 0; c < channels; c += 1) {
          let sum = 0;
          for (let j = top; j < bottom; j += 1) for (let i = left; i < right; i += 1) sum += toByte(data[from + c * byChannel + (j * width + i) * byPixel]);
          pixels[to + (y * w + x) * channels + c] = sum / ((bottom - top) * (right - left));
        }
      }
    }
  }

  self.onmessage = async ({ data: { id, act, ...given } }) => {
    try {
      const found = await acts[act](given);
      const buffers = new Set();
      const add = (value) => ArrayBuffer.isView(value) && buffers.add(value.buffer);
      for (const value of Object.values(found)) [value, value?.values].forEach(add);
      self.postMessage({ id, found }, [...buffers]);
    } catch (error) {
      self.postMessage({ id, error: String(error?.message ?? error) });
    }
  };
}
