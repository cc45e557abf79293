// A pointer tells of many movements between two frames. The first is acted on at once, so that its picture is asked for early;
// of those that follow only the newest, in the next frame.

export class Frames {
  #act;
  #newest = null;
  #frame = null;

  constructor(act) {
    this.#act = act;
  }

  push(what) {
    this.#newest = what;
    if (this.#frame === null) this.#next();
  }

  /** What waits is not acted on any more. */
  drop() {
    this.#newest = null;
  }

  #next() {
    const what = this.#newest;
    this.#newest = null;
    this.#frame = what === null ? null : requestAnimationFrame(() => this.#next());
    if (what !== null) this.#act(what);
  }
}
