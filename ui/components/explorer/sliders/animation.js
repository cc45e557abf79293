// Dimensions that move by themselves, and the button for it. Who asks for less motion gets still pictures, one after the other.

import { button } from "../elements.js";
import { rounded } from "../format_numbers.js";

const PERIOD = 6000; // ms for once to and fro
const STILLS = 16; // positions of a period when motion is unwelcome

/** A number that goes to and fro through a range. */
export class ToAndFro {
  #frame = null;
  #calm = window.matchMedia("(prefers-reduced-motion: reduce)");

  get running() {
    return this.#frame !== null;
  }

  /** Calls step(value, now) on each frame, starting from `value` without a jump. */
  start({ low, high }, value, step) {
    const middle = (low + high) / 2;
    const half = (high - low) / 2;
    const phase = Math.asin(Math.max(-1, Math.min(1, (value - middle) / half)));
    let begin = null;
    const tick = (now) => {
      begin ??= now;
      let turn = (now - begin) / PERIOD;
      if (this.#calm.matches) turn = Math.floor(turn * STILLS) / STILLS;
      this.#frame = requestAnimationFrame(tick);
      step(middle + half * Math.sin(phase + 2 * Math.PI * turn), now);
    };
    this.#frame = requestAnimationFrame(tick);
  }

  stop() {
    if (this.#frame !== null) cancelAnimationFrame(this.#frame);
    this.#frame = null;
  }
}

export class Animation {
  #explorer;
  #running = new Map(); // dimension -> ToAndFro
  #button = button("Animate", "Move the highlighted dimension to and fro (A); again to stop", () => this.toggle());

  constructor(explorer) {
    this.#explorer = explorer;
    this.#button.classList.add("lw-animate");
    explorer.signal.addEventListener("abort", () => this.stop(), { once: true });
    this.elements = { buttons: this.#button };
    this.keys = [{ key: "A", words: "Animate the highlighted slider, or stop", run: () => this.toggle() }];
  }

  open({ again }) {
    if (!again) this.stop();
    this.show();
  }

  /** A dimension in the hand moves no longer by itself, and none does while a path is played. */
  moved({ cause: { by, index } }) {
    if (by === "slider" && this.has(index)) this.stop(index);
    if (by === "path" && this.#running.size > 0) this.stop();
  }

  committed({ cause: { by } }) {
    if (by !== "release") this.stop();
  }

  has(index) {
    return this.#running.has(index);
  }

  /** One dimension on or off; without one, the highlighted slider's, or all of them off. */
  toggle(index = null) {
    const { parts, store } = this.#explorer;
    if (index === null ? this.#running.size > 0 : this.has(index)) {
      this.stop(index);
      this.#explorer.release();
      return;
    }
    const slider = index === null ? parts.rail.sliders.current : parts.rail.sliders.slider(index);
    if (parts.rail.isFree(slider.index)) this.#start(slider, store.here[slider.index]);
  }

  /** One dimension, or all of them. */
  stop(index = null) {
    for (const [key, animation] of this.#running) {
      if (index !== null && key !== index) continue;
      animation.stop();
      this.#running.delete(key);
    }
    this.show();
  }

  /** What the button says: what would start, or what is moving. */
  show() {
    const names = [...this.#running.keys()].map((index) => `z${index}`).join(", ");
    this.#button.setAttribute("aria-pressed", String(names !== ""));
    this.#button.textContent = names ? `■ Stop ${names}` : `▶ Animate z${this.#explorer.parts.rail.sliders.current.index}`;
  }

  #start(slider, value) {
    const { store } = this.#explorer;
    const animation = new ToAndFro();
    this.#running.set(slider.index, animation);
    this.show();
    animation.start(slider.range, value, (next, now) => {
      slider.set(rounded(next));
      const z = store.here.map((old, i) => (i === slider.index ? rounded(next) : old));
      store.move(z, { by: "animation", index: slider.index, at: now });
    });
  }
}
