// The Share sheet: a link to what a person sees, and Python that draws the same picture.

import { closeButton, h, smallButton } from "../elements.js";
import { linkOf, pythonOf } from "./link.js";

export class ShareSheet {
  #explorer;
  #link = h("textarea.lw-code", { readonly: "", rows: "3", "aria-label": "link to this view" });
  #python = h("textarea.lw-code", { readonly: "", rows: "6", "aria-label": "Python that draws this picture" });
  #said = h("span.lw-muted", { role: "status" });
  #sheet;

  constructor(explorer) {
    this.#explorer = explorer;
    const copy = (area, words) => h("button.lw-button", { type: "button", onclick: () => this.#copy(area, words) }, `Copy ${words}`);
    this.#sheet = h("dialog.lw-dialog", { "aria-label": "Share" },
      h("h2", {}, "Share this view"),
      h("p.lw-muted", {}, "Who opens this link where the same model is sees what you see: the same picture, the map, the pins and their path, the samples, the second model, the step of the training and the noise."),
      this.#link, copy(this.#link, "link"),
      h("p.lw-muted", {}, "In Python, from the project's folder:"),
      this.#python, copy(this.#python, "Python"),
      h("div.lw-sheet-end", {}, this.#said, closeButton()));
    this.elements = { tools: smallButton("Share", "A link to this view, and Python for it (L)", () => this.#show()), over: this.#sheet };
    this.keys = [{ key: "L", words: "Share: link and Python", run: () => this.#show() }];
  }

  #show() {
    const state = this.#explorer.linkState;
    this.#link.value = linkOf(window.location.href, state);
    this.#python.value = pythonOf(state);
    this.#said.textContent = "";
    this.#sheet.showModal();
  }

  async #copy(area, words) {
    area.select();
    try {
      await navigator.clipboard.writeText(area.value);
      this.#said.textContent = `The ${words} is on the clipboard.`;
    } catch {
      this.#said.textContent = "The browser does not let this page write to the clipboard; the text is selected: press Ctrl+C.";
    }
  }
}
