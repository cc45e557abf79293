// Keys that work anywhere on the page, and the sheet that lists them.

import { h } from "./dom.js";

/** commands: [{key, words, run}]; a key is written as in KeyboardEvent.key, with "Ctrl+" and "Shift+" before it. */
export class Keys {
  #commands;
  #listener = (event) => this.#press(event);

  constructor(commands, more) {
    this.#commands = commands;
    const rows = [...commands.filter(({ words }) => words), ...more].map(({ key, words }) => h("tr", {}, h("th", {}, h("kbd", {}, key)), h("td", {}, words)));
    this.dialog = h("dialog.lw-dialog", { "aria-label": "Keys" }, h("h2", {}, "Keys"), h("table.lw-keys", {}, ...rows), closeButton());
    document.addEventListener("keydown", this.#listener);
  }

  show() {
    this.dialog.showModal();
  }

  destroy() {
    document.removeEventListener("keydown", this.#listener);
  }

  #press(event) {
    if (!this.dialog.isConnected || writing(event.target) || document.querySelector("dialog[open]")) return;
    const name = nameOf(event);
    const command = this.#commands.find(({ key }) => key.split(" or ").includes(name));
    if (!command) return;
    event.preventDefault();
    command.run(event);
  }
}

/** Whether keys belong to what the person is writing in. */
function writing(target) {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || (target.matches("input, textarea, select") && target.type !== "range" && target.type !== "checkbox");
}

export function nameOf({ key, ctrlKey, metaKey, shiftKey, altKey }) {
  if (altKey) return "";
  const letter = key.length === 1 ? key.toUpperCase() : key;
  const shift = shiftKey && /^[A-Z]$/.test(letter) ? "Shift+" : ""; // "?" needs Shift on many keyboards and is its own key
  return `${ctrlKey || metaKey ? "Ctrl+" : ""}${shift}${letter}`;
}

export function closeButton() {
  return h("button.lw-button", { type: "button", onclick: (event) => event.target.closest("dialog").close() }, "Close");
}
