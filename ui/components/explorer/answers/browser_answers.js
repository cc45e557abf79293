// Answers of a page without a server: from the files of static_data.js and decoders and encoders that run in the page. The interface is
// told in server_answers.js. What needs Python is not offered: geodesics (they follow the decoder's gradients), MP4, t-SNE and UMAP,
// a training.

import { NO_MODEL } from "../connection/picture_connection.js";
import { BrowserModel } from "./browser_model.js";
import { BrowserPicture } from "./browser_picture.js";
import { BrowserQueries } from "./browser_queries.js";
import { PATH_FILES } from "./path_files.js";

const NEAREST = 4; // images shown of each kind

export class BrowserAnswers {
  can = { paths: ["linear", "spherical"], files: Object.keys(PATH_FILES) };
  #data;
  #make;
  #runtime;
  #models = new Map(); // name -> BrowserModel

  /** data: a StaticData; runtime: where onnxruntime-web's files are, see ModelWorker; make: see BrowserModel */
  constructor(data, runtime, make) {
    [this.#data, this.#runtime, this.#make] = [data, runtime, make];
  }

  picture(name, latentDim, on, signal) {
    if (this.#data.page.models.includes(name)) return new BrowserPicture(this.#model(name), on, signal);
    queueMicrotask(() => on.refused(NO_MODEL, `${name} is not on this page`));
    return { open: false, request() {}, close() {} };
  }

  queries(name, step, signal) {
    return new BrowserQueries(this.#model(name), signal);
  }

  async encodedImages({ model, classes, dimensions, prior }) {
    const images = await (await this.#model(model).files).encodedImages();
    if (images === null) throw new Error("This page carries no encoded images of the model, so there is no map of them.");
    return { ...images, classes, prior, embeddings: false, order: dimensions.map(({ index }) => index) };
  }

  async imageUrl(name, index) {
    return (await this.#model(name).files).imageUrl(index);
  }

  /** What the encoder makes of images: see BrowserModel. The encoder stays open until the signal aborts. */
  encode(name, images, signal) {
    const model = this.#model(name);
    model.hold(signal);
    return model.encode(images);
  }

  async nearest(name, z, space, signal) {
    const model = this.#model(name);
    const files = await model.files;
    const images = await files.encodedImages();
    if (images === null || files.thumbnails === null) return { words: "this page carries no real images" };
    const found = space === "latents" ? await inLatents(model, z) : await inPixels(model, files, z, signal);
    if (found === null) return null;
    const pictured = found.map(async ({ index, distance }) => ({ url: await files.imageUrl(index), label: images.labels[index], distance }));
    return { source: `${images.count.toLocaleString("en")} test images of this page`, found: await Promise.all(pictured) };
  }

  async file({ model: name, z }, what) {
    const life = new AbortController();
    const model = this.#model(name);
    model.hold(life.signal);
    try {
      return await PATH_FILES[what](z, await (await model.decoder()).decode(z));
    } finally {
      life.abort();
    }
  }

  async embedding() {
    throw new Error("t-SNE and UMAP need a server.");
  }

  async trainingState() {
    return null;
  }

  async trainingCodes() {
    return null;
  }

  #model(name) {
    if (!this.#models.has(name)) this.#models.set(name, new BrowserModel(this.#data.model(name), this.#runtime, this.#make));
    return this.#models.get(name);
  }
}

async function inLatents(model, z) {
  const { coverage } = await model.measure();
  return coverage.nearest(z, NEAREST, [...z.keys()]);
}

/** Among the small pictures of the page: the distance is that of pictures of full size, as far as they tell it. */
async function inPixels(model, files, z, signal) {
  const { height, width } = files.thumbnails;
  const [picture] = (await (await model.decoder()).decode([z], { side: Math.max(height, width), signal })) ?? [];
  if (picture === undefined) return null;
  const pixels = await files.allPixels(picture.channels);
  const size = picture.pixels.length;
  const [fullHeight, fullWidth] = files.view.shape.split("x").map(Number);
  const scale = Math.sqrt((fullHeight * fullWidth) / (height * width)) / 255;
  const squares = new Float64Array(files.thumbnails.count);
  for (let i = 0; i < squares.length; i += 1) {
    for (let j = 0, at = i * size; j < size; j += 1, at += 1) squares[i] += (picture.pixels[j] - pixels[at]) ** 2;
  }
  const order = [...squares.keys()].sort((a, b) => squares[a] - squares[b]);
  return order.slice(0, NEAREST).map((index) => ({ index, distance: scale * Math.sqrt(squares[index]) }));
}
