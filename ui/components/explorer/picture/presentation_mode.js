// The picture alone, as large as the window: for a talk, or to look closely. The keys of the page go on working.

import { h, linkButton } from "../elements.js";
import { Timer } from "../timers.js";

const HINT = 3500; // ms

export class Present {
  #stage; // of the picture: it stays where it is, only drawn over the page
  #timer;
  #back = null; // what had the focus before
  #leave = h("button.lw-button.lw-present-leave", { type: "button", title: "Leave the presentation (Escape)", hidden: "", onclick: () => this.#toggle(false) }, "Leave");
  #hint = h("p.lw-present-hint", { role: "status", hidden: "" });

  constructor({ parts, signal }) {
    this.#stage = parts.picture.stage;
    this.#stage.tabIndex = -1; // takes the focus, so that keys go to the page and no button is marked
    this.#stage.append(this.#leave, this.#hint);
    this.#timer = new Timer(() => (this.#hint.hidden = true), signal);
    document.addEventListener("keydown", (event) => event.key === "Escape" && !document.querySelector("dialog[open]") && this.#toggle(false), { signal });
    this.keys = [{ key: "F", words: "Present: the picture alone, as large as the window; Escape leaves", run: () => this.#toggle() }];
    this.elements = { "picture heading": linkButton("present", "The picture alone, as large as the window (F)", () => this.#toggle()) };
  }

  get #on() {
    return this.#stage.classList.contains("lw-presenting");
  }

  #toggle(on = !this.#on) {
    if (on === this.#on) return;
    this.#stage.classList.toggle("lw-presenting", on);
    this.#leave.hidden = !on;
    this.#hint.hidden = !on;
    this.#timer.stop();
    if (!on) {
      this.#back?.focus();
      return;
    }
    this.#back = document.activeElement;
    this.#stage.focus();
    this.#hint.textContent = "A animates, R draws another picture, T takes a test image; Escape leaves";
    this.#timer.set(HINT);
  }
}
