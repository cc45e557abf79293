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
  #awaited = new Map(); // kind -> id of the message that the page has not taken yet
  #element;

  /** element: says in `data-kept` whether everything sent has arrived. */
  constructor(element) {
    this.#element = element;
    this.#tell();
  }

  /** The page has run: what it sends down holds what it knows. */
  update(data, setStateValue) {
    this.#set = setStateValue;
    // Another latent space, or a server that has forgotten us: the explorer sends anew what still counts.
    if (data.model !== this.#model || data.session !== this.#name) this.#awaited.clear();
    [this.#name, this.#model] = [data.session, data.model];
    for (const [kind, id] of this.#awaited) if (data.taken[kind] === id) this.#awaited.delete(kind);
    this.#tell();
  }

  commit(z, posterior) {
    this.#send("commit", { z: [...z], posterior });
    this.#await("commit");
  }

  keepPins(pins) {
    this.#send("pins", { pins });
    this.#await("pins");
  }

  compare(compared) {
    this.#send("compared", { compared });
    this.#await("compared");
  }

  /** A wish that only the page can fulfil: "test_image", "same_image", "refresh". */
  ask(what, more = {}) {
    this.#send(what, more);
  }

  /** The newest message of a kind stays in the component's state until the next one: the page takes it over once, by its id. */
  #send(kind, more) {
    this.#count += 1;
    this.#set(kind, { id: this.#id, session: this.#name, model: this.#model, ...more });
  }

  close() {
    clearTimeout(this.#timer);
  }

  get #id() {
    return `${this.#mine}-${this.#count}`;
  }

  /** The message just sent is not forgotten before the page has taken it. */
  #await(kind) {
    this.#awaited.set(kind, this.#id);
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
