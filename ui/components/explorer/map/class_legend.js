// The classes and their colours. A click hides or shows one; a double click, or Alt and a click, shows it alone, and again shows all.

import { h } from "../elements.js";
import { PALETTE } from "./draw_points.js";

const HELP = "Click to hide or show; double click (or Alt and click) to see this class alone, and again for all";

export class ClassLegend {
  hidden = new Set(); // labels that are switched off
  #changed;
  #buttons = [];
  #all = h("button.lw-link.lw-class-all", { type: "button", hidden: "", onclick: () => this.#hide([]) }, "show all classes");

  /** changed(): other labels are hidden now */
  constructor(changed) {
    this.#changed = changed;
    this.element = h("div.lw-legend", { role: "group", "aria-label": "classes shown" });
  }

  offer(classes) {
    this.hidden.clear();
    this.#buttons = classes.map((name, label) => this.#entry(name, label));
    this.element.replaceChildren(...this.#buttons, this.#all);
    this.#show();
  }

  #entry(name, label) {
    const dot = h("i", { style: `background:${PALETTE[label % PALETTE.length]}` });
    const click = ({ altKey }) => (altKey ? this.#only(label) : this.#toggle(label));
    return h("button.lw-class", { type: "button", "aria-pressed": "true", title: HELP, onclick: click, ondblclick: ({ altKey }) => altKey || this.#only(label) }, dot, name);
  }

  #toggle(label) {
    this.#hide(this.hidden.has(label) ? [...this.hidden].filter((other) => other !== label) : [...this.hidden, label]);
  }

  #only(label) {
    const others = this.#buttons.map((_, other) => other).filter((other) => other !== label);
    const alone = !this.hidden.has(label) && this.hidden.size === others.length;
    this.#hide(alone ? [] : others);
  }

  #hide(labels) {
    this.hidden.clear();
    for (const label of labels) this.hidden.add(label);
    this.#show();
    this.#changed();
  }

  #show() {
    this.#buttons.forEach((button, label) => button.setAttribute("aria-pressed", String(!this.hidden.has(label))));
    this.#all.hidden = this.hidden.size === 0;
  }
}
