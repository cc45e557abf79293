// The row of pins: thumbnails that can be gone to, put on the path, moved and removed, with pointer and keys.

import { h } from "../elements.js";
import { drawThumb } from "../renderer/renderer.js";
import { Timer } from "../timers.js";
import { dragToReorder } from "./drag_to_reorder.js";

const KEYS = "Arrows choose a pin, Enter goes there, Space puts it on the path or off, Alt with arrows moves it, Delete removes it";

export class PinRow {
  #on;
  #pins;
  #pictures = new Map(); // id -> picture
  #pointed;
  #current = null; // id of the one pin that Tab reaches

  /** on: {go(pin, start), toggle(id), move(id, place), remove(id)} */
  constructor(pins, on, signal) {
    this.#pins = pins;
    this.#on = on;
    this.element = h("ol.lw-pins", { "aria-label": "Pins" });
    this.#pointed = new Timer(() => this.element.querySelector(".lw-pointed")?.classList.remove("lw-pointed"), signal);
    dragToReorder(this.element, (item, place) => on.move(Number(item.dataset.pin), place), signal);
  }

  /** Pins without a picture yet. */
  get missing() {
    return this.#pins.list.filter(({ id }) => !this.#pictures.has(id));
  }

  picture(id, picture) {
    this.#pictures.set(id, picture);
  }

  forget() {
    this.#pictures.clear();
  }

  draw() {
    const focused = this.element.contains(document.activeElement) ? document.activeElement : null;
    const back = focused && { id: focused.closest("li").dataset.pin, role: focused.dataset.role };
    const place = focused ? [...this.element.children].indexOf(focused.closest("li")) : 0;
    if (this.#pins.number(this.#current) === 0) this.#current = this.#pins.list[0]?.id ?? null;
    this.element.replaceChildren(...this.#pins.list.map((pin) => this.#item(pin)));
    if (!back) return;
    const item = this.element.querySelector(`[data-pin="${back.id}"]`);
    (item ?? this.element.children[Math.min(place, this.element.children.length - 1)])?.querySelector(`[data-role="${item ? back.role : "go"}"]`)?.focus();
  }

  /** Brings a pin into view and says that it is the one. */
  point(id) {
    const item = this.element.querySelector(`[data-pin="${id}"]`);
    item?.scrollIntoView({ block: "nearest", inline: "nearest" });
    this.element.querySelector(".lw-pointed")?.classList.remove("lw-pointed");
    item?.classList.add("lw-pointed");
    this.#pointed.set(900);
  }

  #item(pin) {
    const number = this.#pins.number(pin.id);
    const stop = this.#pins.stop(pin.id);
    const canvas = h("canvas", { "aria-hidden": "true", width: 1, height: 1 });
    const picture = this.#pictures.get(pin.id);
    if (picture) drawThumb(canvas, picture);
    const go = h("button.lw-pin-go", {
      type: "button",
      "data-role": "go",
      "aria-label": `go to pin ${number}, ${pin.label}`,
      "aria-description": KEYS,
      title: `Pin ${number}, ${pin.label}: press to go there, drag to move it`,
      tabindex: pin.id === this.#current ? "0" : "-1",
      onfocus: (event) => this.#rove(pin.id, event.currentTarget),
      onclick: (event) => this.#on.go(pin, event.timeStamp),
      onkeydown: (event) => this.#key(event, pin.id),
    }, canvas);
    const choose = h("button.lw-pin-choose", {
      type: "button",
      "data-role": "choose",
      tabindex: "-1", // Space on the pin does the same
      "aria-pressed": String(pin.chosen),
      "aria-label": `path through pin ${number}`,
      title: pin.chosen ? `Stop ${stop} of the path; press to leave it out` : "Put it on the path",
      onclick: () => this.#on.toggle(pin.id),
    }, stop === null ? "" : String(stop));
    const remove = h("button.lw-pin-remove", {
      type: "button",
      "data-role": "remove",
      tabindex: "-1",
      "aria-label": `remove pin ${number}`,
      title: "Remove",
      onclick: () => this.#on.remove(pin.id),
    }, "×");
    return h("li.lw-pin", { "data-pin": pin.id }, go, choose, remove);
  }

  #key(event, id) {
    const place = this.#pins.number(id) - 1;
    if (event.key === "Delete" || event.key === "Backspace") this.#on.remove(id);
    else if (event.key === " ") this.#on.toggle(id);
    else if (event.key === "ArrowLeft" && !event.altKey) this.#focus(place - 1);
    else if (event.key === "ArrowRight" && !event.altKey) this.#focus(place + 1);
    else if (event.altKey && event.key === "ArrowLeft") this.#on.move(id, place - 1);
    else if (event.altKey && event.key === "ArrowRight") this.#on.move(id, place + 1);
    else return;
    event.preventDefault();
  }

  #focus(place) {
    this.element.children[place]?.querySelector('[data-role="go"]').focus();
  }

  #rove(id, button) {
    const last = this.element.querySelector('[data-role="go"][tabindex="0"]');
    if (last) last.tabIndex = -1;
    button.tabIndex = 0;
    this.#current = id;
  }
}
