// What a person commits is sent to the page's session, and comes back when it has arrived there.

import { Timer } from "../timers.js";

const PATIENCE = 2500; // ms before asking for another run, twice as long each time: Streamlit drops what is sent while its server is away
const MOST_TRIES = 6; // what has not been acknowledged by then is refused, and the page has said why

export class PageMessages {
  #set = null; // setStateValue of the latest run
  #model = "";
  #name = ""; // of the session, so that a restarted server does not take old messages for new ones
  #mine = Math.random().toString(36).slice(2); // numbers of another explorer of this session are other numbers
  #count = 0;
  #tries = 0;
  #timer;
  #awaited = new Map(); // kind -> id of the message that the page has not acknowledged yet
  #root = null; // says in `data-kept` whether everything sent has arrived

  constructor({ signal }) {
    this.#timer = new Timer(() => this.#again(), signal);
  }

  attach(root) {
    this.#root = root;
    this.#tell();
  }

  /** The page has run: what it sends down holds what it knows. */
  update(data, setStateValue) {
    this.#set = setStateValue;
    // Another latent space, or a server that has forgotten us: the explorer sends anew what still counts.
    if (data.model !== this.#model || data.session !== this.#name) this.#awaited.clear();
    [this.#name, this.#model] = [data.session, data.model];
    for (const [kind, id] of this.#awaited) if (data.acknowledged[kind] === id) this.#awaited.delete(kind);
    this.#tell();
  }

  committed({ committed: { z, posterior }, cause }) {
    if (cause.by !== "page") this.#keep("commit", { z: [...z], posterior });
  }

  keepPins(pins) {
    this.#keep("pins", { pins });
  }

  compare(compared) {
    this.#keep("compared", { compared });
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

  get #id() {
    return `${this.#mine}-${this.#count}`;
  }

  /** Sent, and not forgotten before the page has acknowledged it. */
  #keep(kind, more) {
    this.#send(kind, more);
    this.#awaited.set(kind, this.#id);
    this.#tries = 0;
    this.#tell();
    this.#timer.set(PATIENCE);
  }

  #again() {
    if (this.#awaited.size === 0 || this.#tries >= MOST_TRIES) return;
    this.#tries += 1;
    this.#send("refresh", {});
    this.#timer.set(PATIENCE * 2 ** this.#tries);
  }

  #tell() {
    this.#root.dataset.kept = String(this.#awaited.size === 0);
  }
}
