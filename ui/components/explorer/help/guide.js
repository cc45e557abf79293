// Three moves for a newcomer, one after the other, in a line that takes no room from the page. A move is over when the person has made
// it; after the third, or when dismissed, the guide stays away in this browser until it is called back.

import { h, linkButton } from "../elements.js";
import { Timer } from "../timers.js";

const KEY = "latent-walk.guide";
const FAREWELL = 7000; // ms
const MOVES = [
  { what: "drag", words: "Drag a strip: a neural network draws what these numbers mean." },
  { what: "map", words: "Press on the map and drag: every place on it is a picture, too." },
  { what: "pins", words: "Press Pin, move on, and press Pin again: the line below leads from one picture to the other." },
];
const END = "That is all it takes. The link “guide” brings this back, and ? lists the keys.";

export class Guide {
  #done = new Set();
  #timer;
  #signal;
  #pins = 0;
  #root = null; // says in `data-guide` which move is next
  #count = h("b.lw-guide-count");
  #words = h("span");
  #next = h("button.lw-link", { type: "button", onclick: () => this.#skip() }, "Skip");
  #line;

  constructor({ signal }) {
    this.#signal = signal;
    this.#timer = new Timer(() => this.#leave(), signal);
    const close = h("button.lw-link.lw-guide-close", { type: "button", "aria-label": "Close the guide", title: "Close the guide", onclick: () => this.#leave() }, "×");
    this.#line = h("div.lw-guide", { role: "status", "data-testid": "guide", hidden: "" }, this.#count, this.#words, this.#next, close);
    this.elements = { "picture heading": linkButton("guide", "Three moves to begin with", () => this.#show()), over: this.#line };
  }

  /** Watches the page for the first two moves; whoever has the pins tells of the third. */
  attach(root) {
    this.#root = root;
    const made = ({ target, type }) => {
      if (target.matches(".lw-slider") && type !== "pointerup") this.#made("drag");
      if (target.matches(".lw-map-canvas") && type !== "change") this.#made("map");
    };
    for (const type of ["change", "pointerup", "keyup"]) root.addEventListener(type, made, { signal: this.#signal });
    if (!known()) this.#show();
  }

  pinned(count) {
    if (count > 1 && count > this.#pins) this.#made("pins");
    this.#pins = count;
  }

  /** From the beginning. */
  #show() {
    this.#done.clear();
    this.#tell();
  }

  get #move() {
    const noMap = this.#root.querySelector(".lw-map-note:not([hidden])") !== null;
    return MOVES.findIndex(({ what }) => !this.#done.has(what) && !(what === "map" && noMap));
  }

  #made(what) {
    if (this.#line.hidden || this.#done.has(what)) return;
    this.#done.add(what);
    this.#tell();
  }

  #skip() {
    this.#done.add(MOVES[this.#move].what);
    this.#tell();
  }

  #tell() {
    this.#timer.stop();
    const move = this.#move;
    this.#line.hidden = false;
    this.#next.hidden = move < 0;
    this.#root.dataset.guide = MOVES[move]?.what ?? "end";
    this.#count.textContent = move < 0 ? "✓" : `${move + 1} of ${MOVES.length}`;
    this.#words.textContent = MOVES[move]?.words ?? END;
    if (move >= 0) return;
    remember();
    this.#timer.set(FAREWELL);
  }

  #leave() {
    this.#timer.stop();
    remember();
    this.#line.hidden = true;
    delete this.#root.dataset.guide;
  }
}

function known() {
  try {
    return localStorage.getItem(KEY) !== null;
  } catch {
    return false; // storage is switched off: the guide comes each time, and can be closed
  }
}

function remember() {
  try {
    localStorage.setItem(KEY, "seen");
  } catch {
    // as above
  }
}
