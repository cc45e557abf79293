// Walks one slider to and fro through its range. Who asks for less motion gets still pictures, one after the other.

const PERIOD = 6000; // ms for once to and fro
const STILLS = 16; // positions of a period when motion is unwelcome

export class Animation {
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
      step(middle + half * Math.sin(phase + 2 * Math.PI * turn), now);
      this.#frame = requestAnimationFrame(tick);
    };
    this.#frame = requestAnimationFrame(tick);
  }

  stop() {
    if (this.#frame !== null) cancelAnimationFrame(this.#frame);
    this.#frame = null;
  }
}
