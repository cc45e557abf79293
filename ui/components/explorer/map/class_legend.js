// The classes and their colours. A click hides or shows one; a double click, or Alt and a click, shows it alone, and again shows all.
// While the pointer is on one, the points of the others are pale. Where there are many, the list scrolls and can be searched.

import { h } from "../elements.js";
import { classColour } from "./class_colours.js";

const HELP = "Click to hide or show; double click (or Alt and click) to see this class alone, and again for all";
const MANY = 20; // from here on the list has its own height and a search
const LONGEST = 16; // letters of a name that a column of the list has room for

export class ClassLegend {
  hidden = new Set(); // labels that are switched off
  #on;
  #buttons = [];
  #all = h("button.lw-link.lw-class-all", { type: "button", hidden: "", onclick: () => this.#hide([]) }, "show all classes");
  #search = h("input.lw-class-search", { type: "search", "aria-label": "find a class", placeholder: "find a class", autocomplete: "off", spellcheck: "false" });
  #none = h("span.lw-muted", { role: "status" });
  #list = h("div.lw-class-list");
  #tools = h("div.lw-class-tools", { hidden: "" }, this.#search, this.#none);

  /** on: {hidden(), pointedOut(label or null)}: other labels are hidden now; the pointer is on a class */
  constructor(on) {
    this.#on = on;
    this.element = h("div.lw-legend", { role: "group", "aria-label": "classes shown" }, this.#tools, this.#list);
    this.#list.addEventListener("pointerleave", () => on.pointedOut(null));
    this.#search.addEventListener("input", () => this.#find());
    this.#search.addEventListener("keydown", (event) => this.#key(event));
  }

  offer(classes) {
    this.hidden.clear();
    this.#on.pointedOut(null);
    this.#buttons = classes.map((name, label) => this.#entry(name, label));
    const many = classes.length > MANY;
    this.element.classList.toggle("lw-legend-many", many);
    this.#tools.hidden = !many;
    this.#search.value = "";
    (many ? this.#tools : this.#list).append(this.#all);
    this.#list.style.setProperty("--lw-longest", Math.min(LONGEST, Math.max(...classes.map(({ length }) => length))));
    this.#list.replaceChildren(...this.#buttons, ...(many ? [] : [this.#all]));
    this.#list.scrollTop = 0;
    this.#find();
    this.#show();
  }

  #entry(name, label) {
    const dot = h("i", { style: `background:${classColour(label)}` });
    const click = ({ altKey }) => (altKey ? this.#only(label) : this.#toggle(label));
    const point = () => this.#on.pointedOut(this.hidden.has(label) ? null : label);
    return h("button.lw-class", { type: "button", "aria-pressed": "true", title: `${name}\n${HELP}`, onclick: click, onpointerenter: point, ondblclick: ({ altKey }) => altKey || this.#only(label) }, dot, h("span", {}, name));
  }

  /** Only the classes whose name holds what was typed stay in the list; the map keeps what it shows. */
  #find() {
    const wanted = this.#search.value.trim().toLowerCase();
    for (const button of this.#buttons) button.hidden = !button.textContent.toLowerCase().includes(wanted);
    const found = this.#buttons.filter(({ hidden }) => !hidden).length;
    this.#none.textContent = wanted === "" ? `${this.#buttons.length} classes` : found === 0 ? "no class is called so" : `${found} of ${this.#buttons.length}`;
  }

  /** Enter shows the found classes alone; Escape ends the search. */
  #key(event) {
    if (event.key === "Enter" && this.#search.value.trim() !== "") {
      const found = this.#buttons.flatMap(({ hidden }, label) => (hidden ? [] : [label]));
      if (found.length > 0) this.#hide(this.#buttons.map((_, label) => label).filter((label) => !found.includes(label)));
    } else if (event.key === "Escape" && this.#search.value !== "") {
      this.#search.value = "";
      this.#find();
    } else return;
    event.preventDefault();
    event.stopPropagation();
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
    this.#on.pointedOut(null); // the pointer may be on a class that is hidden now
    this.#on.hidden();
  }

  #show() {
    this.#buttons.forEach((button, label) => button.setAttribute("aria-pressed", String(!this.hidden.has(label))));
    this.#all.hidden = this.hidden.size === 0;
  }
}
