// The nearest real images to the picture on the screen: is it new, or remembered?

import { h } from "../elements.js";
import { Timer, within } from "../timers.js";
import { className } from "../map/caption.js";

const SETTLE = 350; // ms after a release: the search reads every training image

export class NearestImages {
  #explorer;
  #asked = null; // AbortController of the last question
  #awaited = false; // those of the committed point have not come yet
  #timer;
  #space = "pixels";
  #images = h("span.lw-nearest-images");
  #button = h("button.lw-link", { type: "button", title: "Nearest in pixels: the pictures look alike. Nearest in latents: their codes lie close. Press to change", onclick: () => this.#turn() }, "in pixels");
  #line = h("div.lw-nearest", { "data-testid": "nearest" }, h("span.lw-muted", { title: "The real images most like the picture: is it new, or remembered?" }, "nearest real ", this.#button), this.#images);

  constructor(explorer) {
    this.#explorer = explorer;
    this.#timer = new Timer(() => this.#ask(), explorer.signal);
    this.elements = { "under the picture": this.#line };
  }

  open({ data }) {
    this.#line.hidden = data.training || data.images === false; // the search opens every image, and would for each newer file
    this.#button.disabled = !data.encodes; // without an encoder no real image has a code
    if (this.#button.disabled && this.#space === "latents") this.#turnTo("pixels");
    this.#search();
  }

  /** They belong to the committed picture; beside another one they are pale. */
  moved({ cause: { by } }) {
    if (by === "training") return; // they are not to be seen there, and right again afterwards
    this.#images.classList.toggle("lw-stale", by !== "back" || this.#awaited);
  }

  committed() {
    this.refresh();
  }

  refresh() {
    if (this.#line.hidden) return;
    this.#awaited = true;
    this.#images.classList.add("lw-stale");
    this.#asked?.abort();
    this.#timer.set(SETTLE);
  }

  /** Each kind is asked for when it is looked at: the first search in latents encodes every image. */
  #turn() {
    this.#turnTo(this.#space === "pixels" ? "latents" : "pixels");
    this.#search();
    this.#ask();
  }

  #turnTo(space) {
    this.#space = space;
    this.#button.textContent = `in ${space}`;
  }

  #search() {
    this.#images.replaceChildren(h("span.lw-muted", {}, "searching …"));
  }

  async #ask() {
    const { answers, model, store } = this.#explorer;
    this.#timer.stop();
    this.#asked?.abort();
    this.#asked = within(model.signal);
    const { signal } = this.#asked;
    const answer = await answers.nearest(model.name, store.committed.z, this.#space, signal);
    if (signal.aborted || answer === null) return; // nobody answers: the old ones stay, pale
    if (answer.later) this.#timer.set(answer.later);
    else this.#draw(answer);
  }

  #draw({ words, source, found }) {
    this.#awaited = false;
    this.#images.classList.remove("lw-stale");
    this.#line.title = words ?? `searched among ${source}`;
    const image = ({ url, label, distance }) => {
      const name = className(this.#explorer.model.data.classes, label);
      const title = `${name === null ? "" : `${name} · `}distance ${distance.toFixed(2)}\nsearched among ${source}`;
      return h("img", { src: url, alt: `a real ${name ?? "image"}`, title });
    };
    this.#images.replaceChildren(...(words ? [h("span.lw-muted", {}, words)] : found.map(image)));
  }
}
