// What the page's session knows of the explorer: everything a person commits is sent there, and comes back when it has arrived.

export class Session {
  #streamlit = null; // {setStateValue, setTriggerValue} of the latest run
  #model = "";
  #awaited = new Map(); // what was sent and has not come back yet -> as JSON
  #element;

  /** element: says in `data-kept` whether everything sent has arrived. */
  constructor(element) {
    this.#element = element;
    this.#tell();
  }

  /** The page has run: what it sends down holds what it knows. */
  update(data, streamlit) {
    this.#streamlit = streamlit;
    if (data.model !== this.#model) this.#awaited.clear(); // belonged to another latent space
    this.#model = data.model;
    for (const [what, json] of this.#awaited) if (JSON.stringify(data[what]) === json) this.#awaited.delete(what);
    this.#tell();
  }

  commit(z, posterior) {
    this.#await("z", z);
    this.#streamlit.setStateValue("commit", { model: this.#model, z: [...z], posterior });
  }

  keepPins(pins) {
    this.#await("pins", pins);
    this.#streamlit.setStateValue("pins", { model: this.#model, pins });
  }

  compare(compared) {
    this.#await("compared", compared);
    this.#streamlit.setStateValue("compared", { model: this.#model, compared });
  }

  /** A wish that only the page can fulfil: "test_image", "same_image", "refresh". */
  ask(what, more = {}) {
    this.#streamlit.setTriggerValue(what, { model: this.#model, ...more });
  }

  #await(what, value) {
    this.#awaited.set(what, JSON.stringify(value));
    this.#tell();
  }

  #tell() {
    this.#element.dataset.kept = String(this.#awaited.size === 0);
  }
}
