// A visitor's own image, from a file or drawn: what the encoder sees of it, where it puts it and how sure it is, what the decoder makes of
// that. Everything is computed here; the picture never leaves the visitor's machine.

import { closeButton, h } from "../../explorer/elements.js";
import { rounded, shown } from "../../explorer/format_numbers.js";
import { differenceOf, drawThumb } from "../../explorer/renderer/renderer.js";
import { within } from "../../explorer/timers.js";
import { Drawing } from "./drawing.js";
import { readPicture } from "./read_picture.js";
import { preprocessed } from "./preprocess.js";

const WIDE = 3; // standard deviations of the prior that a bar shows to either side
const HINT = "Draw, choose a file, drop one here, or paste a picture.";

export class OwnImage {
  #explorer;
  #answers;
  #data; // StaticData
  #drawing = new Drawing(() => this.#draw());
  #file = h("input.lp-file", { type: "file", accept: "image/*", "aria-label": "Choose a picture", onchange: () => this.#open(this.#file.files[0]) });
  #steps = h("ol.lp-steps", { "aria-label": "steps" });
  #found = h("div.lp-found", { "data-testid": "encoded", hidden: "" });
  #said = h("p.lw-muted", { role: "status" }, HINT);
  #go = h("button.lw-button.lp-go", { type: "button", disabled: "", onclick: () => this.#leave() }, "Go there");
  #life = null; // of the encoder, as long as the sheet is open
  #posterior = null;
  #asked = 0; // the newest picture wins

  constructor(explorer, answers, data) {
    [this.#explorer, this.#answers, this.#data] = [explorer, answers, data];
    const choose = h("button.lw-button", { type: "button", onclick: () => this.#file.click() }, "Choose a file");
    this.element = h("dialog.lw-dialog.lw-wide.lp-own", { "aria-label": "Your image", onclose: () => this.#life?.abort() },
      h("h2", {}, "Your image"),
      h("p.lw-muted", {}, "The encoder in this browser says where your picture lies. It stays on your machine: nothing is sent anywhere."),
      h("div.lp-own-parts", {},
        h("div.lp-own-in", {}, this.#drawing.element, h("div.lw-controls", {}, choose, this.#file)),
        h("div.lp-own-out", {}, this.#said, this.#steps, this.#found)),
      h("div.lw-sheet-end", {}, this.#go, closeButton()));
    this.element.addEventListener("dragover", (event) => event.preventDefault());
    this.element.addEventListener("drop", (event) => this.#take(event, event.dataTransfer));
    this.element.addEventListener("paste", (event) => this.#take(event, event.clipboardData));
  }

  async show() {
    const { name } = this.#explorer.model;
    const { ink } = await this.#data.model(name);
    this.#life = within(this.#explorer.signal);
    this.#drawing.prepare(ink !== null);
    this.#forget(HINT);
    if (!this.element.open) this.element.showModal();
    if (!this.#drawing.empty) this.#draw();
  }

  #draw() {
    if (this.#drawing.empty) this.#forget(HINT);
    else this.#encode(this.#drawing.picture(), "your drawing");
  }

  #take(event, { files }) {
    if (files.length === 0) return;
    event.preventDefault();
    this.#open(files[0]);
  }

  async #open(file) {
    if (file === undefined) return;
    this.#file.value = ""; // the same file may be chosen again
    this.#drawing.clear();
    try {
      this.#encode(await readPicture(file), `your image ${file.name}`);
    } catch (error) {
      this.#forget(error.message);
    }
  }

  #forget(words) {
    this.#asked += 1;
    this.#posterior = null;
    this.#said.textContent = words;
    this.#go.disabled = true;
    this.#found.hidden = true;
    this.#steps.replaceChildren();
  }

  async #encode(picture, label) {
    this.#forget("The encoder is asked …");
    const mine = this.#asked;
    const { model } = this.#explorer;
    try {
      const { ink } = await this.#data.model(model.name);
      const [height, width, channels] = model.data.shape.split("x").map(Number);
      const seen = preprocessed(picture, { height, width, channels, ink });
      this.#steps.replaceChildren(...seen.steps.map(stepShown));
      const { mean, std, covariance_factor: factor } = await this.#answers.encode(model.name, { values: seen.values, shape: [channels, height, width] }, this.#life.signal);
      const posterior = { mu: Array.from(mean.values), std: Array.from(std.values), label };
      const [drawn] = (await model.queries.pictures("own image", [posterior.mu], 0)) ?? [];
      if (mine === this.#asked && drawn !== undefined) this.#tell(posterior, klOf(posterior, factor), seen.picture, drawn);
    } catch (error) {
      if (mine === this.#asked) this.#forget(`The picture could not be encoded: ${error.message}. Try again, or choose another picture.`);
    }
  }

  #tell(posterior, kl, { height, width, channels, data }, drawn) {
    const seen = { kind: "pixels", height, width, channels, pixels: data };
    const prior = this.#explorer.model.data.prior;
    const order = this.#explorer.model.data.dimensions.map(({ index }) => index);
    this.#posterior = posterior;
    this.#said.textContent = prior ? `KL to the prior: ${kl.toFixed(1)} nats` : "";
    this.#found.replaceChildren(
      h("div.lp-pair", {}, pictureShown(seen, "what the encoder sees"), pictureShown(drawn, "its reconstruction")),
      h("p.lw-muted", {}, `mean difference ${differenceOf(seen, drawn).mean.toFixed(3)} of 1`),
      h("table.lp-latents", {}, h("caption.lw-muted", {}, "where the encoder puts it: mean and σ of each latent"), h("tbody", {}, ...order.map((i) => latentShown(i, posterior)))));
    this.#found.hidden = false;
    this.#go.disabled = false;
  }

  /** To its place on the sliders and on the map. */
  #leave() {
    this.element.close();
    this.#explorer.jump(this.#posterior.mu.map(rounded), performance.now(), this.#posterior);
  }
}

/** KL(q(z|x) || N(0, I)), nats. factor: of a full covariance, lower triangular; absent where the latents are independent. */
function klOf({ mu, std }, factor) {
  const scales = factor === undefined ? std : mu.map((_, i) => factor.values[i * mu.length + i]); // their product is the root of the determinant
  return mu.reduce((sum, value, i) => sum + 0.5 * (value ** 2 + std[i] ** 2 - 1) - Math.log(scales[i]), 0);
}

function latentShown(index, { mu, std }) {
  const place = (value) => `${Math.min(100, Math.max(0, (50 * (value + WIDE)) / WIDE))}%`;
  const bar = h("span.lp-bar", { "aria-hidden": "true" }, h("i"), h("b"));
  const [low, high] = [place(mu[index] - std[index]), place(mu[index] + std[index])];
  bar.firstChild.style.cssText = `left: ${low}; right: calc(100% - ${high})`;
  bar.lastChild.style.left = place(mu[index]);
  return h("tr", {}, h("th", {}, `z${index}`), h("td", {}, bar), h("td", {}, `${shown(mu[index])} ± ${std[index].toFixed(2)}`));
}

function pictureShown(answer, words) {
  const canvas = h("canvas", { role: "img", "aria-label": words });
  drawThumb(canvas, answer);
  return h("figure", {}, canvas, h("figcaption.lw-muted", {}, words));
}

function stepShown({ name, detail, picture: { width, height, channels, data } }) {
  const canvas = h("canvas", { width, height, "aria-hidden": "true" });
  const pixels = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let i = 0; i < width * height; i += 1) {
    for (let c = 0; c < (channels === 4 ? 4 : 3); c += 1) pixels[4 * i + c] = data[i * channels + (channels === 1 ? 0 : c)];
  }
  canvas.getContext("2d").putImageData(new ImageData(pixels, width, height), 0, 0);
  return h("li", {}, canvas, h("span", {}, name), h("span.lw-muted", {}, detail));
}
