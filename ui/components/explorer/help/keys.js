// Keys that work anywhere on the page, and the sheet that lists them. Single letters can be switched off there (WCAG 2.1.4), for
// those who dictate or who hit keys by accident; the browser remembers it.

import { h } from "../elements.js";

const IN_FRONT = 'dialog:modal, [role="dialog"][aria-modal="true"]'; // keys are its own
const SWITCH = "latent-walk.letters"; // "off" in the browser's storage

/** commands: [{key, words, run}]; a key is written as in KeyboardEvent.key, with "Ctrl+" and "Shift+" before it. */
export class Keys {
  #commands;
  #letters = h("input", { type: "checkbox", onchange: () => remember(this.#letters.checked) });
  #listener = (event) => this.#press(event);

  constructor(commands, more) {
    this.#commands = commands;
    const rows = [...commands.filter(({ words }) => words), ...more].map(({ key, words }) => h("tr", {}, h("th", {}, h("kbd", {}, key)), h("td", {}, words)));
    this.dialog = h("dialog.lw-dialog", { "aria-label": "Keys" },
      h("h2.lw-quiet", { tabindex: "-1", autofocus: "" }, "Keys"), // else the first control would take the focus, and be scrolled to
      h("label.lw-check.lw-letters", {}, this.#letters, "Use single letters as keys (Ctrl+Z and Ctrl+Y always work)"),
      h("table.lw-keys", {}, ...rows), h("div.lw-sheet-end", {}, closeButton()));
    this.#letters.checked = remembered();
    window.addEventListener("keydown", this.#listener, true); // before Streamlit, which takes R for "run again"
  }

  show() {
    this.dialog.showModal();
  }

  destroy() {
    window.removeEventListener("keydown", this.#listener, true);
  }

  #press(event) {
    if (!this.dialog.isConnected || writing(event.target) || document.querySelector(IN_FRONT)) return;
    const name = nameOf(event);
    if (event.key.length === 1 && !name.startsWith("Ctrl+") && !this.#letters.checked) return;
    const command = this.#commands.find(({ key }) => key.split(" or ").includes(name));
    if (!command) return;
    event.preventDefault();
    event.stopPropagation();
    command.run(event);
  }
}

function remembered() {
  try {
    return localStorage.getItem(SWITCH) !== "off";
  } catch {
    return true; // storage is switched off
  }
}

function remember(on) {
  try {
    localStorage.setItem(SWITCH, on ? "on" : "off");
  } catch {
    // storage is switched off: it holds until the page is left
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
