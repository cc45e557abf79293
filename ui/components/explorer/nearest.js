// The nearest real images to the picture on the screen: is it new, or remembered?

import { h } from "./dom.js";
import { mapUrl } from "./map/atlas.js";

const SETTLE = 350; // ms after a release: the search reads every training image

export class Nearest {
  #model = "";
  #classes = [];
  #timer = null;
  #asked = 0;
  #answer = null;
  #images = h("span.lw-nearest-images");
  #space = h("button.lw-link", { type: "button", title: "Change between nearest in pixels and nearest in the latent space", onclick: () => this.#turn() }, "in pixels");
  #inPixels = true;

  constructor() {
    this.element = h("div.lw-nearest", { "data-testid": "nearest" }, h("span.lw-muted", {}, "nearest real ", this.#space), this.#images);
  }

  open(model, classes) {
    this.#model = model;
    this.#classes = classes;
    this.#answer = null;
    this.#images.replaceChildren(h("span.lw-muted", {}, "searching …")); // the first search reads and encodes all of them
  }

  stale() {
    this.#images.classList.add("lw-stale");
  }

  refresh(z) {
    this.stale();
    clearTimeout(this.#timer);
    const asked = (this.#asked += 1);
    this.#timer = setTimeout(() => this.#ask(z.join(","), asked), SETTLE);
  }

  async #ask(z, asked) {
    try {
      const response = await fetch(mapUrl("map/nearest", { model: this.#model, z }));
      if (asked !== this.#asked) return;
      this.#answer = response.ok ? await response.json() : { words: await response.text() };
    } catch {
      return; // offline: the old ones stay, pale
    }
    this.#draw();
  }

  #turn() {
    this.#inPixels = !this.#inPixels;
    this.#space.textContent = this.#inPixels ? "in pixels" : "in latents";
    this.#draw();
  }

  #draw() {
    if (this.#answer === null) return;
    this.#images.classList.remove("lw-stale");
    const { words, source, pixels, latents } = this.#answer;
    this.element.title = words ?? `searched among ${source}`;
    const found = words ? [] : this.#inPixels ? pixels : latents;
    const image = ({ png, label, distance }) => {
      const name = this.#classes[label] ?? label;
      return h("img", { src: `data:image/png;base64,${png}`, alt: `a real ${name}`, title: `${name} · distance ${distance.toFixed(2)}\nsearched among ${source}` });
    };
    this.#images.replaceChildren(...(words ? [h("span.lw-muted", {}, words)] : found.map(image)));
  }
}
