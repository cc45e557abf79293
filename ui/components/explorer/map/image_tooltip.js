// Beside the pointer: the encoded image on whose point it is. Dragging goes on underneath; only a click takes the image's code.

import { h } from "../elements.js";
import { Timer } from "../timers.js";
import { className, imageWords } from "./caption.js";

const REST = 90; // ms on one point before its image is fetched: a pointer that sweeps over hundreds asks for none

export class ImageTooltip {
  #urlOf = null; // number of an image -> its address
  #images = null; // see answers/encoded_images.js
  #index = null;
  #timer;

  constructor(signal) {
    this.#timer = new Timer(() => this.#fetch(), signal);
    this.element = h("div.lw-tip", { hidden: "", "data-testid": "map-tip" });
  }

  open(urlOf, images) {
    this.hide();
    [this.#urlOf, this.#images] = [urlOf, images];
  }

  /** Shows the image `index` with this label beside the pointer at [x, y] of a map so wide. `hint`: what a click would do. */
  show(index, label, [x, y], width, hint) {
    this.element.hidden = false;
    if (this.#index !== index) this.#name(index, label, hint);
    this.element.style.left = `${Math.max(0, Math.min(x + 14, width - this.element.offsetWidth - 4))}px`;
    this.element.style.top = `${y < 130 ? y + 16 : y - 118}px`;
  }

  hide() {
    this.#timer.stop();
    this.#index = null;
    this.element.hidden = true;
  }

  #name(index, label, hint) {
    this.#index = index;
    const words = h("span.lw-tip-words", {}, imageWords(this.#images.numbers?.[index] ?? index, className(this.#images.classes, label)));
    this.element.replaceChildren(h("span.lw-tip-image"), words, h("span.lw-muted.lw-tip-hint", {}, hint));
    this.#timer.set(REST);
  }

  async #fetch() {
    const place = this.element.firstElementChild;
    const src = await this.#urlOf(this.#index);
    if (src === null) place.remove();
    else place.replaceChildren(h("img", { alt: "", src, onerror: () => place.remove() }));
  }
}
