// Timers, pauses and observers that end with a signal: whoever starts one cannot forget to stop it.

/** One timer: set again, it forgets what it was set to before. */
export class Timer {
  #act;
  #signal;
  #id = null;

  constructor(act, signal) {
    [this.#act, this.#signal] = [act, signal];
    signal.addEventListener("abort", () => this.stop(), { once: true });
  }

  set(ms) {
    this.stop();
    if (this.#signal.aborted) return;
    this.#id = setTimeout(() => {
      this.#id = null;
      this.#act();
    }, ms);
  }

  /** As set, unless it is running already. */
  setOnce(ms) {
    if (this.#id === null) this.set(ms);
  }

  stop() {
    clearTimeout(this.#id);
    this.#id = null;
  }
}

/** Resolves after so many ms, or as soon as the signal says that nobody waits any more. */
export function pause(ms, signal) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done); // or a signal that lives long would keep every pause
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}

/** Calls `act` whenever the element has another size. */
export function onResize(element, act, signal) {
  const observer = new ResizeObserver(act);
  observer.observe(element);
  signal.addEventListener("abort", () => observer.disconnect(), { once: true });
}

/** A controller of its own that ends with the signal at the latest. */
export function within(signal) {
  const controller = new AbortController();
  signal.addEventListener("abort", () => controller.abort(signal.reason), { once: true, signal: controller.signal });
  return controller;
}
