// The menu of one row of the rail: lock, solo, mute to zero, animate.

import { h } from "./dom.js";

export class RowMenu {
  #anchor = null;

  /** on: {choose(what, index)} with what = lock | solo | mute | animate */
  constructor(on) {
    this.element = h("div.lw-menu", { role: "menu", hidden: "" });
    this.choose = on.choose;
    this.element.addEventListener("keydown", (event) => this.#key(event));
    document.addEventListener("pointerdown", (event) => !this.element.contains(event.target) && event.target !== this.#anchor && this.close());
  }

  /** state: {lock, solo, mute, animate}: which are on */
  open(index, anchor, state) {
    if (this.#anchor === anchor && !this.element.hidden) {
      this.close();
      return;
    }
    this.#anchor = anchor;
    const words = { lock: "Lock", solo: "Solo (others to zero)", mute: "Mute to zero", animate: "Animate" };
    const items = Object.entries(words).map(([what, label]) =>
      h("button", { type: "button", role: "menuitemcheckbox", "aria-checked": String(state[what]), onclick: () => this.#pick(what, index) }, `${state[what] ? "✓ " : ""}${label}`));
    this.element.replaceChildren(...items);
    this.element.hidden = false;
    const box = anchor.getBoundingClientRect();
    const frame = this.element.offsetParent?.getBoundingClientRect() ?? { left: 0, top: 0 };
    this.element.style.left = `${box.left - frame.left}px`;
    this.element.style.top = `${box.bottom - frame.top + 2}px`;
    items[0].focus();
  }

  close() {
    if (this.element.hidden) return;
    this.element.hidden = true;
    this.#anchor = null;
  }

  #pick(what, index) {
    const anchor = this.#anchor;
    this.close();
    anchor?.focus();
    this.choose(what, index);
  }

  #key(event) {
    const items = [...this.element.children];
    const at = items.indexOf(document.activeElement);
    if (event.key === "Escape") {
      const anchor = this.#anchor;
      this.close();
      anchor?.focus();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      items[(at + (event.key === "ArrowDown" ? 1 : items.length - 1)) % items.length].focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
