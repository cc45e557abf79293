// The picture alone, as large as the window: for a talk, or to look closely. The keys of the page go on working.

import { h } from "../elements.js";

const HINT = 3500; // ms

export class Presenting {
  #stage;
  #timer = null;
  #back = null; // what had the focus before
  #leave = h("button.lw-button.lw-present-leave", { type: "button", title: "Leave the presentation (Escape)", onclick: () => this.toggle(false) }, "Leave");
  #hint = h("p.lw-present-hint", { role: "status" });
  #escape = (event) => event.key === "Escape" && this.#stage.ownerDocument.querySelector("dialog[open]") === null && this.toggle(false);

  /** stage: holds the canvas and stays where it is, only drawn over the page */
  constructor(stage) {
    this.#stage = stage;
    stage.tabIndex = -1; // takes the focus, so that keys go to the page and no button is marked
    this.#leave.hidden = true;
    this.#hint.hidden = true;
    stage.append(this.#leave, this.#hint);
  }

  get on() {
    return this.#stage.classList.contains("lw-presenting");
  }

  toggle(on = !this.on) {
    if (on === this.on) return;
    this.#stage.classList.toggle("lw-presenting", on);
    this.#leave.hidden = !on;
    clearTimeout(this.#timer);
    this.#hint.hidden = !on;
    document[on ? "addEventListener" : "removeEventListener"]("keydown", this.#escape);
    if (!on) {
      this.#back?.focus();
      return;
    }
    this.#back = document.activeElement;
    this.#stage.focus();
    this.#hint.textContent = "A animates, R draws another picture, T takes a test image; Escape leaves";
    this.#timer = setTimeout(() => (this.#hint.hidden = true), HINT);
  }

  close() {
    this.toggle(false);
  }
}
