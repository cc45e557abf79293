// Keeps `?model=NAME&z=...` in step with what is committed, without a trail of entries in the browser's history.

import { Timer } from "../timers.js";

const OURS = ["model", "z", "hash", "plane", "background", "view", "pins", "off", "path", "samples", "compare"]; // what a link holds is read once, then it is old
const SPAN = 30000; // ms over which addresses are counted
const MANY = 50; // in that time; after them one in each PAUSE
const PAUSE = 1000; // ms

/** The address of this model at this point; parameters of others stay. */
export function addressOf(href, model, z) {
  const url = new URL(href);
  const others = [...url.searchParams].filter(([key]) => !OURS.includes(key));
  const parts = others.map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`);
  const point = z.map((value) => String(Math.round(value * 10000) / 10000 || 0)).join(",");
  url.search = [`model=${encodeURIComponent(model)}`, `z=${point}`, ...parts].join("&"); // commas stay readable
  return url.href;
}

/** Writes the address: at once as a rule, but after many in a short time only now and then, because Safari throws at more than 100
 *  in 30 s. */
export class AddressBar {
  #explorer;
  #times = []; // when it was written lately, ms
  #wanted = null; // {pathname, model, z}
  #timer;

  constructor(explorer) {
    this.#explorer = explorer;
    this.#timer = new Timer(() => this.#flush(), explorer.signal);
  }

  committed() {
    this.write();
  }

  write() {
    const { data, store } = this.#explorer;
    this.#wanted = { pathname: window.location.pathname, model: data.model, z: store.committed.z };
    this.#times = this.#times.filter((time) => time > performance.now() - SPAN);
    if (this.#times.length < MANY) this.#flush();
    else this.#timer.setOnce(Math.max(0, this.#times.at(-1) + PAUSE - performance.now()));
  }

  #flush() {
    this.#timer.stop();
    const { pathname, model, z } = this.#wanted;
    const href = addressOf(window.location.href, model, z);
    if (href === window.location.href || pathname !== window.location.pathname) return; // what was not written belongs to another page
    this.#times.push(performance.now());
    try {
      window.history.replaceState(window.history.state, "", href);
    } catch {
      this.#timer.set(SPAN / 3); // the browser has had enough for now
    }
  }
}
