// Which dimensions are moving by themselves, one animation for each.

import { Animation } from "./animation.js";
import { rounded } from "../numbers.js";

export class Motions {
  #running = new Map(); // dimension -> Animation
  #on;

  /** on: {step(index, value, now), changed()} */
  constructor(on) {
    this.#on = on;
  }

  get any() {
    return this.#running.size > 0;
  }

  has(index) {
    return this.#running.has(index);
  }

  /** Moves a slider to and fro from `value` on. */
  start(slider, value) {
    const animation = new Animation();
    this.#running.set(slider.index, animation);
    this.#on.changed();
    animation.start(slider.range, value, (next, now) => {
      slider.set(rounded(next));
      this.#on.step(slider.index, rounded(next), now);
    });
  }

  /** Stops one dimension, or all of them. */
  stop(index = null) {
    for (const [key, animation] of this.#running) {
      if (index !== null && key !== index) continue;
      animation.stop();
      this.#running.delete(key);
    }
    this.#on.changed();
  }

  /** What the button says; `current` is the dimension it would start. */
  words(current) {
    const names = [...this.#running.keys()].map((index) => `z${index}`);
    return this.any ? `■ Stop ${names.join(", ")}` : `▶ Animate z${current}`;
  }
}
