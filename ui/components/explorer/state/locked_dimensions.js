// Which dimensions are locked or muted. Locked: nothing moves it. Muted: it stands at zero and its value is kept for later.

export class LockedDimensions {
  #locked = new Set();
  #muted = new Map(); // dimension -> value before

  isLocked(index) {
    return this.#locked.has(index);
  }

  isMuted(index) {
    return this.#muted.has(index);
  }

  /** Whether exactly the others are muted. */
  isSolo(index, size) {
    return size > 1 && this.#muted.size === size - 1 && !this.#muted.has(index);
  }

  state(index) {
    return { locked: this.isLocked(index), muted: this.isMuted(index) };
  }

  lock(index, locked) {
    this.#locked[locked ? "add" : "delete"](index);
  }

  /** z with the dimension at zero, or with its old value back. */
  mute(z, index, muted) {
    const next = [...z];
    if (muted && !this.#muted.has(index)) {
      this.#muted.set(index, z[index]);
      next[index] = 0;
    } else if (!muted && this.#muted.has(index)) {
      next[index] = this.#muted.get(index);
      this.#muted.delete(index);
    }
    return next;
  }

  /** z with every other dimension at zero, or with all of them back. */
  solo(z, index, solo) {
    let next = solo ? this.mute(z, index, false) : [...z];
    for (let other = 0; other < z.length; other += 1) {
      if (other !== index) next = this.mute(next, other, solo);
    }
    return next;
  }

  /** `wish` where a dimension is free to move, z where it is held. */
  keep(z, wish) {
    return wish.map((value, i) => (this.isLocked(i) || this.isMuted(i) ? z[i] : value));
  }

  /** z came from elsewhere (a test image, a pin): what was muted is heard again. */
  release() {
    this.#muted.clear();
  }
}
