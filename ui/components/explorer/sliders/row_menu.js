// The menu of one row of the rail: lock, solo, mute to zero, animate.

import { h } from "../elements.js";

const ITEMS = {
  lock: ["Lock", "Nothing moves this dimension until it is unlocked"],
  solo: ["Solo (others to zero)", "Set every other dimension to zero; again brings them back"],
  mute: ["Mute to zero", "Set this dimension to zero; again brings it back"],
  animate: ["Animate", "Move this dimension to and fro"],
};
const GAP = 4; // px between the name and its menu

export class RowMenu {
  #anchor = null; // the name that opened it
  #outside = (event) => !this.element.contains(event.target) && !this.#anchor.contains(event.target) && this.close();
  #scrolled = () => this.#place(this.#anchor.getBoundingClientRect()); // the rows have a scroll bar of their own

  /** on: {choose(what, index)} with what = lock | solo | mute | animate */
  constructor(on, signal) {
    signal.addEventListener("abort", () => this.close(), { once: true });
    this.element = h("div.lw-menu.lw-row-menu", { role: "menu", hidden: "" });
    this.choose = on.choose;
    this.element.addEventListener("keydown", (event) => this.#key(event));
    this.element.addEventListener("focusout", ({ relatedTarget }) => relatedTarget && !this.element.contains(relatedTarget) && relatedTarget !== this.#anchor && this.close());
  }

  /** state: {lock, solo, mute, animate}: which are on */
  open(index, anchor, state) {
    const again = this.#anchor === anchor;
    this.close();
    if (again) return;
    this.#anchor = anchor;
    const items = Object.entries(ITEMS).map(([what, [label, words]]) =>
      h("button", { type: "button", role: "menuitemcheckbox", tabindex: "-1", "aria-checked": String(state[what]), title: words, onclick: () => this.#pick(what, index) }, h("i", { "aria-hidden": "true" }, state[what] ? "✓" : ""), label));
    this.element.setAttribute("aria-label", anchor.textContent);
    this.element.replaceChildren(...items);
    this.element.hidden = false;
    anchor.setAttribute("aria-expanded", "true");
    this.#place(anchor.getBoundingClientRect());
    document.addEventListener("pointerdown", this.#outside);
    document.addEventListener("scroll", this.#scrolled, true);
    items[0].focus({ preventScroll: true });
  }

  close() {
    if (this.#anchor === null) return;
    document.removeEventListener("pointerdown", this.#outside);
    document.removeEventListener("scroll", this.#scrolled, true);
    this.element.hidden = true;
    this.#anchor.setAttribute("aria-expanded", "false");
    this.#anchor = null;
  }

  /** Under the name, or over it where the window ends. */
  #place(name) {
    const frame = this.element.offsetParent?.getBoundingClientRect() ?? { left: 0, top: 0 };
    const below = name.bottom + GAP + this.element.offsetHeight <= window.innerHeight;
    const top = below ? name.bottom + GAP : name.top - GAP - this.element.offsetHeight;
    this.element.style.left = `${name.left - frame.left}px`;
    this.element.style.top = `${top - frame.top}px`;
  }

  #pick(what, index) {
    this.#leave();
    this.choose(what, index);
  }

  /** Closed, with the focus where it came from. */
  #leave() {
    const anchor = this.#anchor;
    this.close();
    anchor?.focus();
  }

  #key(event) {
    const items = [...this.element.children];
    const at = items.indexOf(document.activeElement);
    if (event.key === "Tab") return this.#leave(); // and the browser goes on from there
    if (event.key === "Escape") this.#leave();
    else if (event.key === "ArrowDown") items[(at + 1) % items.length].focus();
    else if (event.key === "ArrowUp") items[(at - 1 + items.length) % items.length].focus();
    else if (event.key === "Home") items[0].focus();
    else if (event.key === "End") items.at(-1).focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
