// What the page's session knows of the explorer: everything a person commits is sent there, and comes back when it has arrived.

const PATIENCE = 2500; // ms before asking for another run, twice as long each time: Streamlit drops what is sent while its server is away
const MOST_TRIES = 6; // what has not been taken by then is refused, and the page has said why

export class Session {
  #set = null; // setStateValue of the latest run
  #model = "";
  #name = ""; // of the session, so that a restarted server does not take old messages for new ones
  #mine = Math.random().toString(36).slice(2); // numbers of another explorer of this session are other numbers
  #count = 0;
  #tries = 0;
  #timer = null;
  #awaited = new Map(); // what was sent and has not come back yet -> as JSON
  #element;

  /** element: says in `data-kept` whether everything sent has arrived. */
  constructor(element) {
    this.#element = element;
    this.#tell();
  }

  /** The page has run: what it sends down holds what it knows. */
  update(data, setStateValue) {
    this.#set = setStateValue;
    this.#name = data.session;
    if (data.model !== this.#model) this.#awaited.clear(); // belonged to another latent space
    this.#model = data.model;
    for (const [what, json] of this.#awaited) if (JSON.stringify(data[what]) === json) this.#awaited.delete(what);
    this.#tell();
  }

  commit(z, posterior) {
    this.#await("z", z);
    this.#send("commit", { z: [...z], posterior });
  }

  keepPins(pins) {
    this.#await("pins", pins);
    this.#send("pins", { pins });
  }

  compare(compared) {
    this.#await("compared", compared);
    this.#send("compared", { compared });
  }

  /** A wish that only the page can fulfil: "test_image", "same_image", "refresh". */
  ask(what, more = {}) {
    this.#send(what, more);
  }

  /** The newest message of a kind stays in the component's state until the next one: the page takes it over once, by its id. */
  #send(kind, more) {
    this.#count += 1;
    this.#set(kind, { id: `${this.#mine}-${this.#count}`, session: this.#name, model: this.#model, ...more });
  }

  close() {
    clearTimeout(this.#timer);
  }

  #await(what, value) {
    this.#awaited.set(what, JSON.stringify(value));
    this.#tries = 0;
    this.#tell();
    this.#arm();
  }

  #arm() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#again(), PATIENCE * 2 ** this.#tries);
  }

  #again() {
    if (this.#awaited.size === 0 || this.#tries >= MOST_TRIES) return;
    this.#tries += 1;
    this.#send("refresh", {});
    this.#arm();
  }

  #tell() {
    this.#element.dataset.kept = String(this.#awaited.size === 0);
  }
}
