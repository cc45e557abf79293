// "Export": the path as a film, a sheet of pictures, or numbers.

import { download, h } from "../elements.js";

const FILES = [
  ["gif", "gif", "GIF", "to and fro, repeats"],
  ["mp4", "mp4", "MP4", "H.264, once"],
  ["sheet", "png", "Contact sheet", "PNG, all pictures"],
  ["npz", "npz", "NPZ", "z and pictures for NumPy"],
];

export class ExportMenu {
  #on;
  #answers;
  #button = h("button.lw-button.lw-small", { type: "button", "aria-haspopup": "menu", "aria-expanded": "false", disabled: "", onclick: () => this.#open(this.#menu.hidden) }, "Export ▾");
  #menu = h("div.lw-menu", { role: "menu", hidden: "" });
  #outside = (event) => this.element.contains(event.target) || this.#open(false);

  /** what: "path" or "training"; on: {path(): {model, kind, z, through (see ui/server/export_route.py)} | null, say(words)} */
  constructor(what, answers, on, signal) {
    [this.#answers, this.#on] = [answers, on];
    this.#button.title = `Save the ${what} as a film, a sheet of pictures, or numbers`;
    this.#menu.setAttribute("aria-label", `Export the ${what}`);
    signal.addEventListener("abort", () => this.#open(false), { once: true });
    for (const [file, ending, name, words] of FILES.filter(([file]) => answers.can.files.includes(file))) {
      const item = h("button", { type: "button", role: "menuitem", tabindex: "-1", "data-what": file, onclick: () => this.#save(file, ending) }, h("b", {}, name), h("span.lw-muted", {}, words));
      this.#menu.append(item);
    }
    this.element = h("span.lw-menu-place", { onkeydown: (event) => this.#key(event) }, this.#button, this.#menu);
  }

  enable(possible) {
    this.#button.disabled = !possible;
    if (!possible) this.#open(false);
  }

  #open(open) {
    this.#menu.hidden = !open;
    this.#button.setAttribute("aria-expanded", String(open));
    document[open ? "addEventListener" : "removeEventListener"]("pointerdown", this.#outside);
    if (open) this.#menu.firstElementChild.focus();
  }

  #key(event) {
    if (this.#menu.hidden) return;
    const items = [...this.#menu.children];
    const at = items.indexOf(document.activeElement);
    if (event.key === "ArrowDown") items[(at + 1) % items.length].focus();
    else if (event.key === "ArrowUp") items[(at - 1 + items.length) % items.length].focus();
    else if (event.key === "Escape") this.#close();
    else if (event.key === "Tab") return this.#open(false);
    else return;
    event.preventDefault();
  }

  #close() {
    this.#open(false);
    this.#button.focus();
  }

  async #save(what, ending) {
    const path = this.#on.path();
    this.#close();
    if (path === null) {
      this.#on.say("The path is still being computed.");
      return;
    }
    this.#button.textContent = "Exporting…";
    this.#button.disabled = true;
    try {
      download(await this.#answers.file(path, what), `${path.model.replace(/[^\w.-]+/g, "-")}-${path.kind}.${ending}`);
      this.#on.say("");
    } catch (error) {
      this.#on.say(`The file could not be made: ${error.message}`);
    }
    this.#button.textContent = "Export ▾";
    this.#button.disabled = false;
  }
}
