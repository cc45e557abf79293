// What is said under the picture of the image whose code this is: the blue band on the sliders, and the image itself.

import { h, linkButton } from "../elements.js";

const BAND = "The encoder answers with a range for each dimension; a narrow band means that it is sure";

export class EncodedNote {
  #explorer;
  #real = h("img.lw-real", { alt: "", hidden: "", onerror: () => (this.#real.hidden = true), title: "The image itself, beside what the model makes of it" });
  #words = h("span.lw-muted");
  #note;
  #url = null; // of the image

  constructor(explorer) {
    this.#explorer = explorer;
    this.#note = h("div.lw-note", { hidden: "" }, this.#real, this.#words, linkButton("remove", "Take the blue band off the sliders", () => explorer.release(null)));
    this.elements = { "under the picture": this.#note };
  }

  async committed({ committed: { posterior } }) {
    this.#note.hidden = posterior === null;
    if (posterior === null) return;
    const point = posterior.std.every((value) => value === 0); // an autoencoder's code
    this.#words.textContent = `${point ? "the code of" : "blue band: how sure the encoder is about"} ${posterior.label ?? "your image"}`;
    this.#words.title = point ? "An autoencoder answers with one point and does not say how sure it is" : BAND;
    const index = posterior.index ?? null;
    const url = index === null ? null : await this.#explorer.answers.imageUrl(this.#explorer.model.name, index);
    if (posterior !== this.#explorer.store.committed.posterior) return;
    if (url === this.#url) return; // shown, or hidden because it could not be loaded
    this.#url = url;
    this.#real.hidden = url === null;
    if (url === null) return;
    this.#real.alt = `the real ${posterior.label}`;
    this.#real.src = url;
  }
}
