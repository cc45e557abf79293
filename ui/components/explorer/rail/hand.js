// Whether a pointer is pressed on something, so that what would take it out of the hand can wait.

export class Hand {
  down = false;
  later = null; // done once it is let go
  #gone = new AbortController();

  watch(element) {
    const { signal } = this.#gone;
    element.addEventListener("pointerdown", () => (this.down = true), { signal });
    for (const kind of ["pointerup", "pointercancel", "blur"]) window.addEventListener(kind, () => this.#letGo(), { signal });
  }

  close() {
    this.#gone.abort();
    this.later = null;
  }

  #letGo() {
    if (!this.down) return;
    this.down = false;
    const later = this.later;
    this.later = null;
    if (later) setTimeout(later); // the slider commits first
  }
}
