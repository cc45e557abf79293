// Remember, compare, share: undo and redo, A/B, snapshots, the link, and the keys for all of it.

import { h } from "../elements.js";
import { History } from "../state/undo.js";
import { Keys } from "../help/keys.js";
import { Sharing } from "../share/share_sheet.js";

const SAID = 4000; // ms

const ELSEWHERE = [
  { key: "← → ↑ ↓", words: "Move the slider or the point on the map that has the focus; with Shift in coarse steps" },
  { key: "0", words: "On a slider: set it to zero; a double click does the same. Home and End are its ends" },
  { key: "+ − 0", words: "On the map: zoom in, zoom out, show everything; Shift and drag moves it; two fingers do both" },
  { key: "← → Enter", words: "On the traversal: choose a picture, go there" },
  { key: "← → Space", words: "On a pin: the next one; on the path or off it. Enter goes there, Alt+← → moves it, Delete removes it" },
  { key: "← → Space", words: "On the path: step along it, with Shift in coarse steps; Space plays. Home and End are its ends" },
  { key: "Enter P", words: "In the samples: go to the picture, pin it" },
];

export class Tools {
  #history = new History();
  #page;
  #keys;
  #sharing;
  #undo;
  #redo;
  #swap;
  #said = h("p.lw-toast", { role: "status", hidden: "" });
  #saying = null; // timer

  /** page: {place(), goTo({z, posterior}), state(), picture(), remembered(place), reset(), random(), testImage(), animate(), present(), more: [{key, words, run}], buttons} */
  constructor(page) {
    this.#page = page;
    this.#sharing = new Sharing({ state: page.state, picture: page.picture, goTo: (z) => page.goTo({ z, posterior: null }) });
    const button = (label, words, run) => h("button.lw-button.lw-small", { type: "button", title: words, "aria-label": label.length > 2 ? null : words, onclick: run }, label);
    this.#undo = button("↶", "Undo (Ctrl+Z)", () => this.#go(this.#history.undo()));
    this.#redo = button("↷", "Redo (Ctrl+Y)", () => this.#go(this.#history.redo()));
    this.#swap = button("A/B", "Remember this picture as A, walk on to B, and go to and fro between the two (B)", () => this.#change());
    this.#keys = new Keys(this.#commands(), ELSEWHERE);
    this.element = h("div.lw-controls.lw-tools-row", {},
      this.#undo, this.#redo, this.#swap,
      ...(page.buttons ?? []),
      button("Gallery", "Your snapshots, with notes (G); S takes one", () => this.#sharing.showGallery()),
      button("Share", "A link to this view, and Python for it (L)", () => this.#sharing.showShare()),
      button("?", "The keys of this page (?)", () => this.#keys.show()));
    this.sheets = [this.#said, this.#keys.dialog, this.#sharing.shareSheet, this.#sharing.gallerySheet];
    this.#show();
  }

  openModel(model) {
    this.#history.clear();
    this.#sharing.openModel(model);
    this.#show();
  }

  /** A place was committed, by whatever way but undo and redo. */
  remember(place) {
    this.#history.add({ z: [...place.z], posterior: place.posterior });
    this.#page.remembered?.(place);
    this.#show();
  }

  destroy() {
    clearTimeout(this.#saying);
    this.#keys.destroy();
  }

  /** A sentence over the page that goes away by itself. */
  say(words) {
    clearTimeout(this.#saying);
    this.#said.textContent = words;
    this.#said.hidden = false;
    this.#saying = setTimeout(() => (this.#said.hidden = true), SAID);
  }

  #commands() {
    const page = this.#page;
    return [
      { key: "Ctrl+Z", words: "Undo", run: () => this.#go(this.#history.undo()) },
      { key: "Ctrl+Y", words: "Redo", run: () => this.#go(this.#history.redo()) },
      { key: "Ctrl+Shift+Z", run: () => this.#go(this.#history.redo()) },
      { key: "B", words: "Remember this picture as A, then go to and fro between A and where you are", run: () => this.#change() },
      { key: "R", words: "A random picture: a draw from the prior", run: page.random },
      { key: "T", words: "A random test image", run: page.testImage },
      { key: "O", words: "All dimensions to zero", run: page.reset },
      { key: "A", words: "Animate the highlighted slider, or stop", run: page.animate },
      ...(page.more ?? []),
      { key: "S", words: "Take a snapshot", run: async () => this.say(await this.#sharing.snap()) },
      { key: "F", words: "Present: the picture alone, as large as the window; Escape leaves", run: () => page.present() },
      { key: "G", words: "Gallery of snapshots", run: () => this.#sharing.showGallery() },
      { key: "L", words: "Share: link and Python", run: () => this.#sharing.showShare() },
      { key: "?", words: "These keys", run: () => this.#keys.show() },
    ];
  }

  #go(place) {
    if (place) this.#page.goTo(place);
    this.#show();
  }

  #change() {
    const here = this.#page.place();
    const there = this.#history.swap(here);
    if (there) this.#page.goTo(there);
    this.#show();
  }

  #show() {
    this.#undo.disabled = !this.#history.canUndo;
    this.#redo.disabled = !this.#history.canRedo;
    this.#swap.setAttribute("aria-pressed", String(this.#history.hasOther));
  }
}
