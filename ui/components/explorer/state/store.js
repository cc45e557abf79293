// Where an explorer stands, in one place. The parts read it and are told of every change; none of them keeps a copy.

export class Store {
  committed = { z: [], posterior: null }; // what the page, the address and undo know
  held = []; // z of the sliders: the committed one, unless they are on the way to another
  shown = []; // z of the picture: the held one, or another that is only looked at
  step = null; // of the training whose weights draw it; null: the model as it is
  noise = null; // seed of the noise that is drawn on the picture; null: its mean
  cause = { by: "page" }; // of the last change: {by, index (of a dimension), at (when a person's event was, ms)}
  #tell;

  /** tell(what, store): "moved", or "committed" */
  constructor(tell) {
    this.#tell = tell;
  }

  /** Where a movement begins and the map has its cross: on a path that is being played, but not where one only looks. */
  get here() {
    return this.cause.by === "path" ? this.shown : this.held;
  }

  /** The sliders are on the way to another z. */
  move(z, cause) {
    [this.held, this.shown, this.cause] = [z, z, cause];
    this.#tell("moved", this);
  }

  /** Another z is looked at: the pointer is over the map, a path is played. */
  look(z, cause) {
    [this.shown, this.cause] = [z, cause];
    this.#tell("moved", this);
  }

  /** The same z as the model drew it at another step of its training. */
  travel(step, cause) {
    [this.step, this.cause] = [step, cause];
    this.#tell("moved", this);
  }

  /** Nothing else is looked at any more. */
  back() {
    this.look(this.held, { by: "back" });
  }

  commit(z, posterior, cause) {
    this.committed = { z, posterior };
    [this.held, this.shown, this.cause] = [z, z, cause];
    this.#tell("committed", this);
  }
}
