// Keys that work anywhere on the page, and the sheet that lists them. Single letters can be switched off there (WCAG 2.1.4), for
// those who dictate or who hit keys by accident; the browser remembers it.

import { closeButton, h, smallButton } from "../elements.js";

const IN_FRONT = 'dialog:modal, [role="dialog"][aria-modal="true"]'; // keys are its own
const SWITCH = "latent-walk.letters"; // "off" in the browser's storage

const ELSEWHERE = [
  { key: "← → ↑ ↓", words: "Move the slider or the point on the map that has the focus; with Shift in coarse steps" },
  { key: "0", words: "On a slider: set it to zero; a double click does the same. Home and End are its ends" },
  { key: "+ − 0", words: "On the map: zoom in, zoom out, show everything; Shift and drag moves it; two fingers do both" },
  { key: "← → Enter", words: "On the traversal: choose a picture, go there" },
  { key: "← → Space", words: "On a pin: the next one; on the path or off it. Enter goes there, Alt+← → moves it, Delete removes it" },
  { key: "← → Space", words: "On the path: step along it, with Shift in coarse steps; Space plays. Home and End are its ends" },
  { key: "Enter P", words: "In the samples: go to the picture, pin it" },
];

export class Keys {
  #explorer;
  #commands = []; // [{key, words, run(event)}] of all parts; a key is written as in KeyboardEvent.key, with "Ctrl+" and "Shift+" before it
  #letters = h("input", { type: "checkbox", onchange: () => remember(this.#letters.checked) });
  #table = h("table.lw-keys");
  #sheet;

  constructor(explorer) {
    this.#explorer = explorer;
    this.#sheet = h("dialog.lw-dialog", { "aria-label": "Keys" },
      h("h2.lw-quiet", { tabindex: "-1", autofocus: "" }, "Keys"), // else the first control would take the focus, and be scrolled to
      h("label.lw-check.lw-letters", {}, this.#letters, "Use single letters as keys (Ctrl+Z and Ctrl+Y always work)"),
      this.#table, h("div.lw-sheet-end", {}, closeButton()));
    this.#letters.checked = remembered();
    this.keys = [{ key: "?", words: "These keys", run: () => this.#sheet.showModal() }];
    this.elements = { tools: smallButton("?", "The keys of this page (?)", () => this.#sheet.showModal()), over: this.#sheet };
    window.addEventListener("keydown", (event) => this.#press(event), { capture: true, signal: explorer.signal }); // before Streamlit, which takes R for "run again"
  }

  attach() {
    this.#commands = Object.values(this.#explorer.parts).flatMap(({ keys }) => keys ?? []);
    const rows = [...this.#commands.filter(({ words }) => words), ...ELSEWHERE];
    this.#table.replaceChildren(...rows.map(({ key, words }) => h("tr", {}, h("th", {}, h("kbd", {}, key)), h("td", {}, words))));
  }

  #press(event) {
    if (!this.#sheet.isConnected || writing(event.target) || document.querySelector(IN_FRONT)) return;
    const name = nameOf(event);
    if (event.key.length === 1 && !name.startsWith("Ctrl+") && !this.#letters.checked) return;
    const command = this.#commands.find(({ key }) => key === name);
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

function nameOf({ key, ctrlKey, metaKey, shiftKey, altKey }) {
  if (altKey) return "";
  const letter = key.length === 1 ? key.toUpperCase() : key;
  const shift = shiftKey && /^[A-Z]$/.test(letter) ? "Shift+" : ""; // "?" needs Shift on many keyboards and is its own key
  return `${ctrlKey || metaKey ? "Ctrl+" : ""}${shift}${letter}`;
}
