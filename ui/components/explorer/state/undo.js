// Undo and redo over committed points, and the other of two places (A/B). Knows nothing of the page.

const MOST = 500; // committed points remembered

export class History {
  #places = [];
  #at = -1;
  #other = null; // B, while standing at A

  /** The person committed a place {z, posterior}; what was undone before is forgotten. */
  add(place) {
    if (this.#at >= 0 && same(this.#places[this.#at], place)) return;
    this.#places = [...this.#places.slice(0, this.#at + 1), place].slice(-MOST);
    this.#at = this.#places.length - 1;
  }

  get canUndo() {
    return this.#at > 0;
  }

  get canRedo() {
    return this.#at < this.#places.length - 1;
  }

  /** The place before, or null. */
  undo() {
    return this.canUndo ? this.#places[(this.#at -= 1)] : null;
  }

  redo() {
    return this.canRedo ? this.#places[(this.#at += 1)] : null;
  }

  /** Another model: its places mean nothing here. */
  clear() {
    this.#places = [];
    this.#at = -1;
    this.#other = null;
  }

  get hasOther() {
    return this.#other !== null;
  }

  /** Keeps this place as B the first time; afterwards changes places with it and returns where to go. */
  swap(place) {
    const there = this.#other;
    this.#other = place;
    return there;
  }
}

function same(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}
