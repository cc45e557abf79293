// The nearest real images to the picture on the screen: is it new, or remembered?

import { h } from "../elements.js";
import { mapUrl } from "../connection/encoded_images.js";

const SETTLE = 350; // ms after a release: the search reads every training image

export class Nearest {
  #model = "";
  #classes = [];
  #z = null; // the point that was asked about last
  #timer = null;
  #asked = 0;
  #awaited = false; // those of the committed point have not come yet
  #images = h("span.lw-nearest-images");
  #button = h("button.lw-link", { type: "button", title: "Nearest in pixels: the pictures look alike. Nearest in latents: their codes lie close. Press to change", onclick: () => this.#turn() }, "in pixels");
  #space = "pixels";

  constructor() {
    this.element = h("div.lw-nearest", { "data-testid": "nearest" }, h("span.lw-muted", { title: "The real images most like the picture: is it new, or remembered?" }, "nearest real ", this.#button), this.#images);
  }

  open(model, classes) {
    [this.#model, this.#classes, this.#z] = [model, classes, null];
    this.#search();
  }

  /** Nothing is asked later, and what was asked is not shown. */
  close() {
    clearTimeout(this.#timer);
    this.#asked += 1;
  }

  stale() {
    this.#images.classList.add("lw-stale");
  }

  /** The picture they belong to is shown again. */
  fresh() {
    this.#images.classList.toggle("lw-stale", this.#awaited);
  }

  refresh(z) {
    this.stale();
    this.#awaited = true;
    this.#z = [...z];
    clearTimeout(this.#timer);
    const asked = (this.#asked += 1);
    this.#timer = setTimeout(() => this.#ask(asked), SETTLE);
  }

  /** Each kind is asked for when it is looked at: the first search in latents encodes every image. */
  #turn() {
    this.#space = this.#space === "pixels" ? "latents" : "pixels";
    this.#button.textContent = `in ${this.#space}`;
    if (this.#z === null) return;
    clearTimeout(this.#timer);
    this.#search();
    this.#ask((this.#asked += 1));
  }

  #search() {
    this.#images.replaceChildren(h("span.lw-muted", {}, "searching …"));
  }

  async #ask(asked) {
    let answer;
    try {
      const response = await fetch(mapUrl("map/nearest", { model: this.#model, z: this.#z.join(","), space: this.#space }));
      const later = response.status === 503 ? Number(response.headers.get("Retry-After")) : 0; // the server has too much to do
      if (later > 0) return void (asked === this.#asked && (this.#timer = setTimeout(() => this.#ask(asked), 1000 * later)));
      answer = response.ok ? await response.json() : { words: await response.text() };
    } catch {
      return; // offline: the old ones stay, pale
    }
    if (asked === this.#asked) this.#draw(answer);
  }

  #draw({ words, source, found }) {
    this.#awaited = false;
    this.#images.classList.remove("lw-stale");
    this.element.title = words ?? `searched among ${source}`;
    const image = ({ png, label, distance }) => {
      const name = this.#classes[label] ?? label;
      return h("img", { src: `data:image/png;base64,${png}`, alt: `a real ${name}`, title: `${name} · distance ${distance.toFixed(2)}\nsearched among ${source}` });
    };
    this.#images.replaceChildren(...(words ? [h("span.lw-muted", {}, words)] : found.map(image)));
  }
}
