// Light or dark: as the visitor's system is, until they say otherwise. The colours are in page.css.

const KEY = "latent-walk.theme"; // "dark" | "light" in the browser's storage
const SYSTEM = window.matchMedia("(prefers-color-scheme: dark)");

export class Theme {
  #tell = () => {};

  constructor() {
    this.#show();
    SYSTEM.addEventListener("change", () => this.#show());
  }

  /** run() is called after every change. */
  onChange(run) {
    this.#tell = run;
  }

  turn() {
    remember(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
    this.#show();
  }

  #show() {
    document.documentElement.dataset.theme = chosen ?? (SYSTEM.matches ? "dark" : "light");
    this.#tell();
  }
}

let chosen = remembered();

function remembered() {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === "dark" || kept === "light" ? kept : null;
  } catch {
    return null; // storage is switched off, as in many frames
  }
}

function remember(theme) {
  chosen = theme;
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // it holds until the page is left
  }
}
