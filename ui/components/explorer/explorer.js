// One explorer on the page: its state, its parts, and what tells them of each other.
//
// A part is a class that is made with the explorer. Of the following it has what it needs, and nothing else is asked of it:
//
//   elements            {place: element, or a list of them}; the places are those of layout.js
//   keys                [{key, words, run}], see help/keyboard_shortcuts.js
//   attach(root)        all elements are on the page, under this one
//   update(data, send)  the page has run; send: Streamlit's setStateValue
//   open(model)         another model, or newer weights of the same one: see #open
//   encoded(images)     the model's encoded images have come, none if it has no encoder: see answers/encoded_images.js
//   moved(store)        another z is shown, and nothing committed: see state/store.js
//   committed(store)    another z is committed
//   refresh(store)      z is the same, but the server may answer otherwise now
//   renew(model)        z, sliders and plane are the same, but other weights of the open model draw: see `renew` below
//   painted(z, answer)  the large picture shows the answer at z
//   linkState()         what a link has to hold to restore the part
//
// It reads `explorer.store`, reaches others as `explorer.parts`, asks `explorer.answers` (answers/server_answers.js) for what is drawn
// and known, and gives `explorer.signal` to every listener, timer and connection, so that all of them end with the explorer.

import { noImages } from "./answers/encoded_images.js";
import { buildLayout } from "./layout.js";
import { rounded } from "./format_numbers.js";
import { PARTS } from "./list_of_parts.js";
import { readLink } from "./share/link.js";
import { Store } from "./state/store.js";
import { within } from "./timers.js";

export class Explorer {
  parts = {};
  model = null; // the open one: see #open
  data = null; // what the page last sent
  store = new Store((what, store) => this.tell(what, store));
  #life = new AbortController();
  #roots; // its elements on the page
  #arrived = window.location.href; // with what a link asks for; the address itself only keeps the model and z
  #focused = null; // what last had the focus

  /** answers: where answers come from */
  constructor(parent, answers) {
    this.answers = answers;
    for (const [name, Part] of Object.entries(PARTS)) this.parts[name] = new Part(this);
    this.#roots = buildLayout(Object.values(this.parts));
    parent.append(...this.#roots);
    for (const root of this.#roots) root.addEventListener("focusin", ({ target }) => (this.#focused = target));
    this.tell("attach", this.#roots[0]);
  }

  /** Ends with the explorer. */
  get signal() {
    return this.#life.signal;
  }

  /** Calls this method of every part that has it. */
  tell(what, ...given) {
    for (const part of Object.values(this.parts)) part[what]?.(...given);
  }

  /** What the page knows now: called on every Streamlit run, and again whenever the theme changes. Newer weights, which bring other
   *  sliders, wait until a slider in the hand is let go. */
  update(data, send) {
    const { rail, picture, tray } = this.parts;
    const last = this.data;
    if (rail.inHand && last?.model === data.model && last.version !== data.version) {
      rail.whenLetGo(() => this.update(data, send));
      return;
    }
    this.data = data;
    this.tell("update", data, send);
    if (last === null || !picture.opened || differs(last, data)) this.#open(data, false);
    else {
      if (last.version !== data.version) this.#open(data, true);
      if (last.session !== data.session) this.#comeBack(data);
      else if (data.revision > last.revision) this.#adopt(data);
      if (data.pinsRevision > last.pinsRevision) tray.adopt(data.pins ?? []);
    }
    if (picture.silent) picture.paintSent();
  }

  /** Another place on the page, as it is; what had the focus gets it back. */
  moveTo(parent) {
    const focused = this.#focused;
    
    parent.className = this.#roots[0].parentElement?.className ?? parent.className; // says what is unfolded
    const dialogs = this.#roots.flatMap((root) => [...root.querySelectorAll("dialog[open]")]);
    parent.append(...this.#roots);
    for (const dialog of dialogs) {
      dialog.close(); // out of the document it has left the screen, though it still says that it is open
      dialog.showModal();
    }
    if (document.activeElement === document.body || dialogs.some((dialog) => dialog.contains(focused))) focused?.focus();
    this.parts.address.write(); // on the way from another page Streamlit has written its own
  }

  close() {
    this.#life.abort();
    for (const root of this.#roots) root.remove();
  }

  /** A person goes to another point; dimensions that are locked or muted stay where they are. */
  goTo(z, at = null) {
    this.jump(this.parts.rail.unlocked(z.map(rounded)), at);
  }

  /** The same to exactly this point: one that was committed before, or a pin. */
  jump(z, at = null, posterior = null) {
    this.store.commit(z, posterior, { by: "person", at });
  }

  /** What was moved is let go: z stays. */
  release(posterior = this.store.committed.posterior) {
    this.store.commit(this.store.held, posterior, { by: "release" });
  }

  /** Other weights of the open model draw: those of `store.step`, or newer ones of a run that goes on. */
  renew() {
    const { model, store } = this;
    if (store.step !== model.step) {
      if (model.queries !== model.now) model.queries.close();
      Object.assign(model, { step: store.step, queries: store.step === null ? model.now : this.#queries(model.name, store.step, model.signal) });
    }
    this.tell("renew", model);
  }

  #queries(name, step, signal) {
    return this.answers.queries(name, step, signal, () => this.tell("refresh", this.store));
  }

  /** A wish that only the page can fulfil, see state/page_messages.js. */
  ask(what, more = {}) {
    this.parts.animation.stop();
    this.parts.messages.ask(what, more);
  }

  /** Everything that a link holds. */
  get linkState() {
    const { model, hash, file } = this.data;
    return Object.assign({ model, hash, file, z: this.store.held }, ...Object.values(this.parts).map((part) => part.linkState?.()));
  }

  /** `model`: {data, name, step (of its training, null: as it is), queries (see answers/server_answers.js), now (the same of the
   *  model as it is), images (see encoded), again (only the weights are new), link (see readLink), signal (ends with it)}; a link
   *  counts once, for the model that it opens. */
  #open(data, again) {
    const link = again ? this.linkState : this.model === null ? readLink(this.#arrived, data.z.length) : {};
    this.model?.life.abort();
    const life = within(this.signal);
    const now = this.#queries(data.model, null, life.signal);
    if (!again) this.store.step = null;
    this.model = { data, name: data.model, step: null, queries: now, now, images: null, again, link, life, signal: life.signal };
    this.tell("open", this.model);
    if (again) this.tell("refresh", this.store);
    else this.#adopt(data);
    if (this.store.step !== null) this.renew();
    this.#fetchImages(this.model);
  }

  /** The encoded images, if the model has any: the map and what else needs them follow when they come. */
  async #fetchImages(model) {
    const { data, signal } = model;
    const start = performance.now();
    let images;
    try {
      images = data.encodes ? await this.answers.encodedImages(data, signal) : noImages(data);
    } catch (error) {
      if (!signal.aborted) this.parts.map.say(error.message);
      return;
    }
    if (signal.aborted) return;
    model.images = images;
    this.tell("encoded", images);
    requestAnimationFrame(() => performance.measure("map-open", { start, end: performance.now() }));
  }

  /** Takes over the point the page committed on its own (Encode, test image, another model). */
  #adopt(data) {
    this.store.commit([...data.z], data.posterior, { by: "page" });
  }

  /** The server has forgotten this session (it was restarted): what is on the screen is the truth. */
  #comeBack(data) {
    const { held, committed } = this.store;
    if (JSON.stringify(data.z) !== JSON.stringify(held) || committed.posterior !== null) this.release();
    this.parts.tray.comeBack();
  }
}

/** Whether these are two different latent spaces. */
function differs(last, data) {
  return last.model !== data.model || last.shape !== data.shape || last.dimensions.length !== data.dimensions.length;
}
