// "With noise": the large picture as the model expects an image to be, its pixels drawn from p(x|z), instead of their mean. The noise
// is of one seed: the picture is still while nobody moves, and the switch brings other noise each time.

import { linkButton } from "../elements.js";

const WORDS =
  "Draws the pixels from p(x|z) instead of showing their mean. What the model is unsure of is then seen as noise, pixel by pixel; it does not know how pixels depend on each other, so noise is all it can say (N)";

export class NoiseSwitch {
  #explorer;
  #button;

  constructor(explorer) {
    this.#explorer = explorer;
    this.#button = linkButton("with noise", WORDS, () => this.#toggle());
    this.#button.hidden = true;
    this.elements = { "picture heading": this.#button };
    this.keys = [{ key: "N", words: "The picture with the noise that the model expects, where it expects any", run: () => this.#button.hidden || this.#toggle() }];
  }

  open({ again, data, link }) {
    const offered = data.noise && this.#explorer.answers.can.noise === true;
    if (!again) this.#explorer.store.noise = offered ? (link.noise ?? null) : null;
    this.#button.hidden = !offered;
    this.#show();
  }

  linkState() {
    return { noise: this.#explorer.store.noise };
  }

  #toggle() {
    const { parts, store } = this.#explorer;
    store.noise = store.noise === null ? Math.floor(Math.random() * 2 ** 32) : null;
    this.#show();
    parts.picture.refresh(store);
  }

  #show() {
    this.#button.setAttribute("aria-pressed", String(this.#explorer.store.noise !== null));
  }
}
