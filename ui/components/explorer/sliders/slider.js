// One row of the rail: a dimension's number, its slider, its value and its KL.

import { h } from "../elements.js";
import { parsed, rounded, shown } from "../format_numbers.js";

const THUMB = 4; // px, as in rail.css: the thumb's middle travels from THUMB/2 to width - THUMB/2
const STEPS = 100; // arrow keys: fine steps over the range
const COARSE_STEPS = 10; // with Shift
const STEP_KEYS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -1, PageUp: 1 };

export class Slider {
  #on;
  #home; // the range of the data
  #range; // on the screen: of the data, of the band, and of a value beyond both
  #value = 0;
  #held = false; // a key is down: committed when it is released
  #band = null; // {mu, std}

  /** dimension: {index, low, high, share, name, words}: share is the length of the bar (null: none), words its meaning;
   *  on: {input(index, value, start), release(), focus(index), menu(index, button)}; without `menu` the name is only a name */
  constructor(dimension, on) {
    this.index = dimension.index;
    this.#on = on;
    this.#home = { low: dimension.low, high: dimension.high };
    this.#range = this.#home;
    const name = dimension.name;
    this.input = h("input.lw-slider", { type: "range", "aria-label": name, step: "any", min: dimension.low, max: dimension.high });
    this.band = h("span.lw-band", { hidden: "" });
    this.film = h("canvas.lw-film", { "aria-hidden": "true" });
    this.zero = h("span.lw-zero");
    this.number = h("input.lw-value", { type: "text", inputmode: "decimal", "aria-label": `value of ${name}`, title: `The value of ${name}: type another one`, autocomplete: "off" });
    const kl = h("span.lw-kl", { title: dimension.words }, h("span.lw-kl-bar", { hidden: dimension.share === null ? "" : null, style: `width:${100 * dimension.share}%` }));
    const track = h("span.lw-track", {}, this.film, this.zero, this.band, this.input);
    this.name = on.menu ? this.#menuButton(name) : h("span.lw-name", { title: dimension.words }, name);
    this.element = h("div.lw-dim", { "data-dimension": this.index }, this.name, track, this.number, kl);
    this.#listen();
    this.#drawRange();
    this.set(0);
  }

  get range() {
    return this.#range;
  }

  /** The range of the data, whatever is shown. */
  get home() {
    return this.#home;
  }

  /** Shows a value; the range holds it, and is the data's own again when the value is back in it. */
  set(value) {
    this.#value = value;
    this.#fit();
    this.input.value = String(value);
    this.#write(value);
  }

  /** Draws mu +- one sigma to the slider's own scale, or nothing. */
  setBand(mu, std) {
    this.#band = mu === null ? null : { mu, std };
    this.band.hidden = mu === null;
    if (mu !== null) this.band.title = `The encoder's answer for this image: ${shown(mu)}, give or take ${std.toFixed(3)}`;
    this.#fit();
    this.#drawRange();
    this.input.value = String(this.#value);
  }

  /** A locked slider cannot be moved; a muted one stands at zero until it is heard again. */
  setState({ locked, muted }) {
    this.input.disabled = locked || muted;
    this.number.disabled = locked || muted;
    this.element.classList.toggle("lw-locked", locked);
    this.element.classList.toggle("lw-muted-row", muted);
  }

  mark(current) {
    this.element.classList.toggle("lw-current", current);
  }

  #menuButton(name) {
    return h("button.lw-name", {
      type: "button",
      "aria-label": `${name}: lock, solo, mute, animate`,
      "aria-haspopup": "menu",
      "aria-expanded": "false",
      title: `Lock, solo, mute or animate ${name}`,
      onclick: () => this.#on.menu(this.index, this.name),
    }, name);
  }

  /** Never while the pointer drags: what is under it must stay there. */
  #fit() {
    const base = this.#band === null ? this.#home : widened(this.#home, [this.#band.mu - this.#band.std, this.#band.mu + this.#band.std]);
    const range = refitted(base, this.#range, this.#value);
    if (range.low === this.#range.low && range.high === this.#range.high) return;
    this.#range = range;
    this.#drawRange();
  }

  #drawRange() {
    this.input.min = String(this.#range.low);
    this.input.max = String(this.#range.high);
    const zero = fraction(this.#range, 0);
    this.zero.hidden = zero < 0 || zero > 1;
    this.zero.style.left = place(zero);
    if (this.#band === null) return;
    this.band.style.left = place(fraction(this.#range, this.#band.mu - this.#band.std));
    const share = (2 * this.#band.std) / (this.#range.high - this.#range.low);
    this.band.style.width = `calc((100% - ${THUMB}px) * ${share})`;
  }

  #write(value) {
    const text = shown(value);
    if (document.activeElement !== this.number) this.number.value = text;
    this.input.setAttribute("aria-valuetext", text.replace("−", "minus "));
  }

  #listen() {
    const { input, number } = this;
    input.addEventListener("input", (event) => this.#move(rounded(input.valueAsNumber), event.timeStamp));
    input.addEventListener("change", () => {
      this.set(this.#value); // rounded, as it was sent
      this.#on.release();
    });
    input.addEventListener("focus", () => this.#on.focus(this.index));
    input.addEventListener("dblclick", (event) => this.#jump(0, event.timeStamp));
    input.addEventListener("keydown", (event) => this.#key(event));
    input.addEventListener("keyup", () => this.#letGo());
    input.addEventListener("blur", () => this.#letGo());
    number.addEventListener("focus", () => number.select());
    number.addEventListener("change", (event) => this.#typed(event.timeStamp));
    number.addEventListener("blur", () => this.#write(this.#value));
    number.addEventListener("keydown", (event) => event.key === "Enter" && number.blur());
  }

  #move(value, start) {
    this.#value = value;
    this.#write(value);
    this.#on.input(this.index, value, start);
  }

  #jump(value, start) {
    this.set(value);
    this.#on.input(this.index, value, start);
    this.#on.release();
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    let value = null;
    if (event.key === "Home") value = this.#range.low;
    else if (event.key === "End") value = this.#range.high;
    else if (event.key === "0") value = 0;
    else if (event.key in STEP_KEYS) {
      const coarse = event.shiftKey || event.key.startsWith("Page");
      value = clamped(this.#range, rounded(this.#value + STEP_KEYS[event.key] * keyStep(this.#range, coarse)));
    }
    if (value === null) return;
    event.preventDefault();
    this.#held = true;
    this.set(value);
    this.#on.input(this.index, value, event.timeStamp);
  }

  #letGo() {
    if (!this.#held) return;
    this.#held = false;
    this.#on.release();
  }

  #typed(start) {
    const value = parsed(this.number.value);
    if (value !== null) this.#jump(value, start);
  }
}

function place(share) {
  return `calc(${THUMB / 2}px + (100% - ${THUMB}px) * ${share})`;
}

// A range is state of its own: it grows to hold a value and is the data's own again when the value is back, both between drags only,
// so that dragging cannot change it.

/** The range of a dimension, widened where needed to hold `values`. */
export function widened({ low, high }, values) {
  return { low: Math.min(low, ...values), high: Math.max(high, ...values) };
}

/** The range after a new value: `base` where that holds it, else what there was, widened. */
function refitted(base, range, value) {
  return value >= base.low && value <= base.high ? base : widened(widened(base, [range.low, range.high]), [value]);
}

/** Where value lies in the range, 0..1. */
function fraction({ low, high }, value) {
  return (value - low) / (high - low);
}

/** The size of one key press. */
function keyStep({ low, high }, coarse) {
  return rounded((high - low) / (coarse ? COARSE_STEPS : STEPS)) || 0.001;
}

function clamped({ low, high }, value) {
  return Math.min(high, Math.max(low, value));
}
