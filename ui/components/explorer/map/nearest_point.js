// Which point lies nearest to a place: the points sorted into square cells, so that a hundred thousand are not all looked at.

const PER_CELL = 4; // points in a cell on average

export class PointGrid {
  #at;
  #left = 0;
  #bottom = 0;
  #size = 1; // side of a cell, in map units
  #columns = 1;
  #rows = 1;
  #starts; // where each cell begins in #order, one more than there are cells
  #order; // numbers of the points, cell by cell

  /** at: coordinates, 2 for each point; numbers: of the points that are on the map */
  constructor(at, numbers) {
    this.#at = at;
    this.#lay(numbers);
    const cells = Uint32Array.from(numbers, (i) => this.#row(at[2 * i + 1]) * this.#columns + this.#column(at[2 * i]));
    this.#starts = new Uint32Array(this.#columns * this.#rows + 1);
    for (const cell of cells) this.#starts[cell + 1] += 1;
    for (let cell = 1; cell < this.#starts.length; cell += 1) this.#starts[cell] += this.#starts[cell - 1];
    const next = this.#starts.slice();
    this.#order = new Uint32Array(numbers.length);
    cells.forEach((cell, k) => {
      this.#order[next[cell]] = numbers[k];
      next[cell] += 1;
    });
  }

  /** The point nearest to (a, b) of those nearer than `reach` that `counts(number)` lets through, or null. */
  nearest([a, b], reach, counts) {
    let best = reach * reach;
    let found = null;
    const [from, to] = [this.#column(a - reach), this.#column(a + reach)];
    for (let row = this.#row(b - reach); row <= this.#row(b + reach); row += 1) {
      const end = this.#starts[row * this.#columns + to + 1]; // the cells of one row lie one after another
      for (let k = this.#starts[row * this.#columns + from]; k < end; k += 1) {
        const i = this.#order[k];
        const square = (this.#at[2 * i] - a) ** 2 + (this.#at[2 * i + 1] - b) ** 2;
        if (square >= best || !counts(i)) continue;
        best = square;
        found = i;
      }
    }
    return found;
  }

  #lay(numbers) {
    let [left, right, bottom, top] = [Infinity, -Infinity, Infinity, -Infinity];
    for (const i of numbers) {
      [left, right] = [Math.min(left, this.#at[2 * i]), Math.max(right, this.#at[2 * i])];
      [bottom, top] = [Math.min(bottom, this.#at[2 * i + 1]), Math.max(top, this.#at[2 * i + 1])];
    }
    if (numbers.length === 0) return;
    [this.#left, this.#bottom] = [left, bottom];
    const side = Math.ceil(Math.sqrt(numbers.length / PER_CELL)); // cells along the longer side
    this.#size = Math.max(right - left, top - bottom, 1e-6) / side;
    this.#columns = Math.floor((right - left) / this.#size) + 1;
    this.#rows = Math.floor((top - bottom) / this.#size) + 1;
  }

  #column(a) {
    return Math.max(0, Math.min(this.#columns - 1, Math.floor((a - this.#left) / this.#size)));
  }

  #row(b) {
    return Math.max(0, Math.min(this.#rows - 1, Math.floor((b - this.#bottom) / this.#size)));
  }
}
