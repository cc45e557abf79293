// What is said under the picture of the image whose code this is: the blue band on the sliders, and the image itself.

import { mapUrl } from "../connection/encoded_images.js";
import { h, linkButton } from "../elements.js";

export class EncodedNote {
  #explorer;
  #real = h("img.lw-real", { alt: "", hidden: "", onerror: () => (this.#real.hidden = true), title: "The image itself, beside what the model makes of it" });
  #words = h("span.lw-muted", { title: "The encoder answers with a range for each dimension; a narrow band means that it is sure" });
  #note;

  constructor(explorer) {
    this.#explorer = explorer;
    this.#note = h("div.lw-note", { hidden: "" }, this.#real, this.#words, linkButton("remove", "Take the blue band off the sliders", () => explorer.release(null)));
    this.elements = { "under the picture": this.#note };
  }

  committed({ committed: { posterior } }) {
    this.#note.hidden = posterior === null;
    if (posterior === null) return;
    this.#words.textContent = `blue band: how sure the encoder is about ${posterior.label ?? "your image"}`;
    const index = posterior.index ?? null;
    this.#real.hidden = index === null;
    if (index === null) return;
    this.#real.alt = `the real ${posterior.label}`;
    const url = mapUrl("map/image", { model: this.#explorer.model.name, index });
    if (this.#real.src !== url) this.#real.src = url;
  }
}
