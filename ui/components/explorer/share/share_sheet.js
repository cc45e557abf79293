// The Share sheet: a link to what a person sees, and, where a server answers, Python that draws the same picture, the networks as files
// for other programs, and the model as a page without a server.

import { closeButton, download, h, smallButton } from "../elements.js";
import { linkOf, pythonOf } from "./link.js";
import { Publish } from "./publish.js";

export class ShareSheet {
  #explorer;
  #link = h("textarea.lw-code", { readonly: "", rows: "3", "aria-label": "link to this view" });
  #python = h("textarea.lw-code", { readonly: "", rows: "6", "aria-label": "Python that draws this picture" });
  #inPython; // what stands about it
  #publish = null;
  #said = h("span.lw-muted", { role: "status" });
  #sheet;
  #networks; // absent where there are none to be had

  constructor(explorer) {
    this.#explorer = explorer;
    const copy = (area, words) => h("button.lw-button", { type: "button", onclick: () => this.#copy(area, words) }, `Copy ${words}`);
    this.#networks = h("div.lw-networks", {},
      h("p.lw-muted", {}, "The network itself, for other programs and languages (ONNX):"),
      this.#saveButton("decoder"), this.#saveButton("encoder"));
    this.#inPython = h("div", {}, h("p.lw-muted", {}, "In Python, from the project's folder:"), this.#python, copy(this.#python, "Python"));
    if (explorer.answers.can.publish) this.#publish = new Publish(explorer);
    this.#sheet = h("dialog.lw-dialog", { "aria-label": "Share" },
      h("h2", {}, "Share this view"),
      h("p.lw-muted", {}, "Who opens this link where the same model is sees what you see: the same picture, the map, the pins and their path, the samples, the second model, the step of the training and the noise."),
      this.#link, copy(this.#link, "link"),
      this.#inPython, this.#networks, ...(this.#publish === null ? [] : [this.#publish.element]),
      h("div.lw-sheet-end", {}, this.#said, closeButton()));
    const words = this.#publish === null ? "A link to this view (L)" : "A link to this view, Python for it, or a page of its own (L)";
    this.elements = { tools: smallButton("Share", words, () => this.#show()), over: this.#sheet };
    this.keys = [{ key: "L", words: "Share: a link to this view", run: () => this.#show() }];
  }

  #show() {
    const state = this.#explorer.linkState;
    this.#link.value = linkOf(window.location.href, state);
    this.#python.value = pythonOf(state);
    this.#inPython.hidden = state.file === "";
    this.#publish?.show(this.#explorer.data);
    this.#said.textContent = "";
    const { training, encodes } = this.#explorer.data;
    this.#networks.hidden = training || !this.#explorer.answers.can.networks; // weights that change are no file
    this.#networks.querySelector("[data-part=encoder]").hidden = !encodes;
    this.#sheet.showModal();
  }

  #saveButton(part) {
    return h("button.lw-button", { type: "button", "data-part": part, onclick: ({ currentTarget }) => this.#save(part, currentTarget) }, `Download ${part}`);
  }

  async #save(part, button) {
    const { model } = this.#explorer.data;
    button.disabled = true;
    this.#said.textContent = `Writing the ${part}. The first time this takes some seconds.`;
    try {
      const bytes = await this.#explorer.answers.network(model, part, this.#explorer.signal);
      download(new Blob([bytes]), `${model.replace(/[^\w.-]+/g, "-")}${part === "encoder" ? "-encoder" : ""}.onnx`);
      this.#said.textContent = `The ${part} is saved: ${(bytes.byteLength / 1e6).toFixed(1)} MB.`;
    } catch (error) {
      this.#said.textContent = error instanceof TypeError ? "The server does not answer. Try again in a moment." : error.message;
    }
    button.disabled = false;
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
