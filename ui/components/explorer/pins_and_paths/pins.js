// The pinned points of one model, in order. Knows nothing of elements or sockets.

export const MOST = 24;
const MOST_STOPS = 12; // as many as a path goes through (vae_core/latent/paths.py)

export class Pins {
  #list = []; // [{id, z, label, chosen}]
  #next = 1;

  /** rows: [{z, label, chosen}] as from toState */
  adopt(rows) {
    this.#list = rows.slice(0, MOST).map(({ z, label, chosen }) => ({ id: this.#next++, z: [...z], label, chosen: Boolean(chosen) }));
  }

  get list() {
    return this.#list;
  }

  /** The points a path goes through, in order. */
  get stops() {
    return this.#list.filter(({ chosen }) => chosen).map(({ z }) => z);
  }

  /** The numbers in the row of the pins a path goes through. */
  get numbers() {
    return this.#list.filter(({ chosen }) => chosen).map(({ id }) => this.number(id));
  }

  /** Pins z: {pin, words}; pin is null, or the one that is there already, and words say why. */
  add(z, label) {
    const there = this.#list.find((pin) => pin.z.every((value, i) => value === z[i]));
    if (there) return { pin: there, words: `This point is pin ${this.number(there.id)} already.` };
    if (this.#list.length >= MOST) return { pin: null, words: `The tray holds ${MOST} pins; remove one first.` };
    const pin = { id: this.#next++, z: [...z], label, chosen: this.stops.length < MOST_STOPS };
    this.#list = [...this.#list, pin];
    return { pin, words: "" };
  }

  remove(id) {
    this.#list = this.#list.filter((pin) => pin.id !== id);
  }

  /** On the path or off it; false when the path has no room for another stop. */
  toggle(id) {
    const pin = this.#list.find((one) => one.id === id);
    if (!pin.chosen && this.stops.length >= MOST_STOPS) return false;
    pin.chosen = !pin.chosen;
    return true;
  }

  /** Moves a pin to another place in the row. */
  move(id, place) {
    const pin = this.#list.find((one) => one.id === id);
    const rest = this.#list.filter((one) => one.id !== id);
    const at = Math.max(0, Math.min(rest.length, place));
    this.#list = [...rest.slice(0, at), pin, ...rest.slice(at)];
  }

  /** 1 for the first pin of the row. */
  number(id) {
    return this.#list.findIndex((pin) => pin.id === id) + 1;
  }

  /** 1 for the first stop of the path, null for a pin that is not on it. */
  stop(id) {
    const at = this.#list.filter(({ chosen }) => chosen).findIndex((pin) => pin.id === id);
    return at < 0 ? null : at + 1;
  }

  toState() {
    return this.#list.map(({ z, label, chosen }) => ({ z: [...z], label, chosen }));
  }
}
