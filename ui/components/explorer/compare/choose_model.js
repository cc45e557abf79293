// The sheet that lists the other models, by what they can share with the open one: this z, an input image, or nothing.

import { closeButton, h } from "../elements.js";

const GROUPS = [
  { title: "At the same z, trained on the same data", has: (other) => other.sameZ && other.sameData },
  { title: "At the same z, trained on other data", has: (other) => other.sameZ && !other.sameData },
  { title: "With the same input image, on the Encode page", has: (other) => !other.sameZ && other.sameImage },
  { title: "Not comparable with this model", has: (other) => !other.sameZ && !other.sameImage },
];
export const SAME_NUMBERS = "Each model has its own latent space: the same z means something else in each, unless one was trained further from the other. The two pictures need not look alike.";

export class Choice {
  #on;
  #list = h("div.lw-others");
  #hint = h("p.lw-muted.lw-same-numbers", {}, SAME_NUMBERS);

  /** on: {sameZ(name), sameImage(name), off()} */
  constructor(on) {
    this.#on = on;
    this.dialog = h("dialog.lw-dialog", { "aria-label": "Compare with another model" }, h("h2", {}, "Compare with another model"), this.#hint, this.#list, h("div.lw-sheet-end", {}, closeButton()));
  }

  /** others: as the page sends them; chosen: name | null */
  show(others, chosen) {
    const groups = GROUPS.map(({ title, has }) => ({ title, rows: others.filter(has) })).filter(({ rows }) => rows.length > 0);
    this.#hint.hidden = !others.some(({ sameZ }) => sameZ);
    const none = h("p.lw-muted", {}, "There is no other model. Train one on the Train page: with the same data and latent size it can be compared at the same z.");
    this.#list.replaceChildren(
      ...(groups.length > 0 ? groups.map(({ title, rows }) => this.#group(title, rows, chosen)) : [none]),
      ...(chosen === null ? [] : [this.#button("Stop comparing", "", false, () => this.#on.off())]),
    );
    if (!this.dialog.open) this.dialog.showModal();
  }

  #group(title, rows, chosen) {
    return h("section", { "aria-label": title }, h("h3.lw-muted", {}, title), ...rows.map((other) => this.#row(other, chosen)));
  }

  #row(other, chosen) {
    const { name, facts, why, sameZ, sameImage } = other;
    if (!sameZ && !sameImage) return h("p.lw-other.lw-never", {}, h("span", {}, name), h("span.lw-muted", {}, why));
    const pick = () => (sameZ ? this.#on.sameZ(name) : this.#on.sameImage(name));
    return this.#button(name, sameZ ? facts : why, name === chosen && sameZ, pick);
  }

  #button(label, words, pressed, run) {
    const click = () => {
      this.dialog.close();
      run();
    };
    return h("button.lw-other", { type: "button", "aria-pressed": String(pressed), onclick: click }, h("span", {}, label), h("span.lw-muted", {}, words));
  }
}
