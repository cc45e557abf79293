// The data of a published page: files that vae_core/publish/ writes, and nothing else. No server is asked.
//
// page.json    {format, title, text, link, author, runtime: {module, wasm}, models: [name]}; the first one opens
// a model      models/NAME.json: {view, facts, decoder, encoder, points, thumbnails, likeness, ink}
//   view       what the Explore page sends to the explorer (payload() in explorer/__init__.py)
//   facts      [[words, value]]: figures as measured
//   decoder    {file, packing, layout, range}: one ONNX file, z (N, D) -> image (N, C, H, W)
//   encoder    the same: image (N, C, H, W) -> mean, std (N, D); null of a model without one
//   points     {file, packing}: encoded test images, see readPoints; null without an encoder
//   thumbnails {file, type, height, width, columns, count}: the pictures of the points on one sheet, row by row; null where
//              the dataset was not at hand. They are small and compressed: for looking at, not for encoding
//   likeness   what vae_core/latent/data_likeness.py has fitted, see DataLikeness there: {centre, scale, weights (of cycle, kinds,
//              grey, distance), scores, distances, densities (each sorted), active (dimensions), errors: {auc, missed,
//              midpointsTaken, farTaken}, tells (whether a verdict is given), density (whether log q means something)}; null of a model
//              that cannot be judged
//   ink        {share, centre} where the dataset's pictures are ink on a dark ground; null where they are not
//
// `packing` of a file: "plain", "gzip", or "planes": gzip of all even bytes followed by all odd ones.

const GZIP = 0x1f8b; // how such a file begins; a host may have unpacked it already

export class StaticData {
  #bytesOf;
  #models = new Map(); // name -> promise of a StaticModel

  /** page: the content of page.json; bytesOf(file): promise of a file's bytes, an ArrayBuffer. */
  constructor(page, bytesOf) {
    this.page = page;
    this.#bytesOf = bytesOf;
  }

  /** The promise of one model of the page. */
  model(name) {
    if (!this.#models.has(name)) this.#models.set(name, this.#read(name));
    return this.#models.get(name);
  }

  /** The unpacked bytes of {file, packing}. */
  async bytes({ file, packing = "plain" }) {
    return unpacked(await this.#bytesOf(file), packing);
  }

  async #read(name) {
    const described = JSON.parse(new TextDecoder().decode(await this.#bytesOf(`models/${name}.json`)));
    return new StaticModel(described, this);
  }
}

/** One model. What is large is read when it is first wanted, and kept. */
export class StaticModel {
  #data;
  #kept = new Map();

  constructor(described, data) {
    Object.assign(this, described);
    this.#data = data;
  }

  /** The ONNX file, an ArrayBuffer. */
  decoderBytes() {
    return this.#data.bytes(this.decoder);
  }

  /** The same of the encoder, or null. */
  encoderBytes() {
    return this.encoder === null ? null : this.#data.bytes(this.encoder);
  }

  /** The encoded test images as readPoints tells, or null. */
  encodedImages() {
    return this.#once("points", async () => this.points && readPoints(await this.#data.bytes(this.points)));
  }

  /** The picture of the i-th point as an address for <img>; null where there are none. */
  async imageUrl(index) {
    const sheet = await this.#sheet();
    return sheet === null ? null : cut(sheet, this.thumbnails, index).toDataURL();
  }

  /** The same as pixels, uint8 in rows, RGBA; null where there are none. */
  async imagePixels(index) {
    const sheet = await this.#sheet();
    if (sheet === null) return null;
    const { height, width } = this.thumbnails;
    return cut(sheet, this.thumbnails, index).getContext("2d").getImageData(0, 0, width, height).data;
  }

  /** The same of all points, one after the other, with so many channels; null where there are none. */
  allPixels(channels) {
    return this.#once("pixels", async () => {
      const sheet = await this.#sheet();
      if (sheet === null) return null;
      const canvas = Object.assign(document.createElement("canvas"), { width: sheet.width, height: sheet.height });
      const context = canvas.getContext("2d", { willReadFrequently: true });
      context.drawImage(sheet, 0, 0);
      return split(context.getImageData(0, 0, sheet.width, sheet.height), this.thumbnails, channels);
    });
  }

  #sheet() {
    return this.#once("sheet", async () => {
      if (this.thumbnails === null) return null;
      return createImageBitmap(new Blob([await this.#data.bytes(this.thumbnails)], { type: this.thumbnails.type }));
    });
  }

  #once(name, make) {
    if (!this.#kept.has(name)) this.#kept.set(name, make());
    return this.#kept.get(name);
  }
}

function cut(sheet, { height, width, columns }, index) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const [x, y] = [(index % columns) * width, Math.floor(index / columns) * height];
  canvas.getContext("2d", { willReadFrequently: true }).drawImage(sheet, x, y, width, height, 0, 0, width, height);
  return canvas;
}

/** The pictures of a sheet one after the other, uint8 in rows. */
function split(sheet, { height, width, columns, count }, channels) {
  const pixels = new Uint8Array(count * height * width * channels);
  let at = 0;
  for (let i = 0; i < count; i += 1) {
    const [left, top] = [(i % columns) * width, Math.floor(i / columns) * height];
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        for (let c = 0; c < channels; c += 1) pixels[at++] = sheet.data[4 * ((top + y) * sheet.width + left + x) + c];
      }
    }
  }
  return pixels;
}

/** Little endian: u32 count N, u32 latent size D, float32 step, float32 centre (D), principal axes (D x D), u32 numbers of the test
 *  images (N), u16 labels (N), int16 means in steps (N x D), int8 32 ln(standard deviation) (N x D; -128 is 0).
 *  {count, latentDim, centre, axes, numbers, labels, means, stds}, the last two Float32Array N x D. */
export function readPoints(buffer) {
  const [count, latentDim] = new Uint32Array(buffer, 0, 2);
  const [step] = new Float32Array(buffer, 8, 1);
  let at = 12;
  const take = (Kind, length) => {
    const values = new Kind(buffer, at, length);
    at += values.byteLength;
    return values;
  };
  const centre = Array.from(take(Float32Array, latentDim));
  const axes = Array.from({ length: latentDim }, () => Array.from(take(Float32Array, latentDim)));
  const numbers = take(Uint32Array, count);
  const labels = take(Uint16Array, count);
  const means = Float32Array.from(take(Int16Array, count * latentDim), (value) => value * step);
  const stds = Float32Array.from(take(Int8Array, count * latentDim), (value) => (value === -128 ? 0 : Math.exp(value / 32)));
  return { count, latentDim, centre, axes, numbers, labels, means, stds };
}

/** The bytes of a file as they were before it was packed. */
export async function unpacked(packed, packing) {
  if (packing === "plain") return packed;
  const zipped = packed.byteLength > 2 && new DataView(packed).getUint16(0) === GZIP;
  const bytes = zipped ? await new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer() : packed;
  return packing === "planes" ? woven(new Uint8Array(bytes)) : bytes;
}

function woven(planes) {
  const half = Math.ceil(planes.length / 2);
  const bytes = new Uint8Array(planes.length);
  for (let i = 0; i < half; i += 1) bytes[2 * i] = planes[i];
  for (let i = half; i < planes.length; i += 1) bytes[2 * (i - half) + 1] = planes[i];
  return bytes.buffer;
}
