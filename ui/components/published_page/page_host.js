// What Streamlit and its session are to the explorer in the app, without a server: it hands over what there is to show, takes over what
// a person commits, and answers their wishes.

import { rounded } from "../explorer/format_numbers.js";
import { className } from "../explorer/map/caption.js";
import { readArrival } from "./arrival.js";

export class PageHost {
  #explorer;
  #data; // StaticData
  #view = null; // what the explorer was last given
  #pins = new Map(); // model -> pins, as the explorer sends them
  #opened = () => {};
  #asked = 0; // how often a model was asked for: the newest wins

  constructor(explorer, data) {
    [this.#explorer, this.#data] = [explorer, data];
  }

  /** run(name, model) is called when a model of the page is shown. */
  onOpen(run) {
    this.#opened = run;
  }

  /** Shows what the address asks for, or the page's first model; say(sentence) tells where that cannot be. */
  async arrive(href, say) {
    const wanted = readArrival(href, this.#data.page.models);
    const model = await this.#data.model(wanted.model);
    const { z, words } = wanted.placeIn(model.view);
    say([wanted.words, words].filter(Boolean).join(" "));
    await this.open(wanted.model, { ...(z === null ? {} : { z, posterior: null, picture: null }), compared: wanted.compared });
  }

  /** Another model of the page; given: what is to be otherwise than it opens by itself. */
  async open(name, given = {}) {
    this.#asked += 1;
    const mine = this.#asked;
    const model = await this.#data.model(name);
    if (mine !== this.#asked) return;
    const { acknowledged = {}, compared = null } = this.#view ?? {};
    this.#show({ ...model.view, acknowledged, compared, pins: this.#pins.get(name) ?? null, ...given });
    this.#opened(name, model);
  }

  /** The same once more: the theme has changed. */
  again() {
    if (this.#view !== null) this.#show(this.#view);
  }

  #show(view) {
    this.#view = { ...view };
    this.#explorer.update(this.#view, (kind, message) => this.#hear(kind, message));
  }

  /** A message of the explorer, see state/page_messages.js there. It is answered when the explorer is done with sending. */
  #hear(kind, message) {
    setTimeout(async () => {
      if (message.model !== this.#view.model) return;
      const change = await this.#take(kind, message);
      if (message.model !== this.#view.model) return; // another one was opened meanwhile
      this.#show({ ...this.#view, ...change, acknowledged: { ...this.#view.acknowledged, [kind]: message.id } });
    });
  }

  async #take(kind, message) {
    if (kind === "commit") return { z: message.z, posterior: message.posterior, picture: null };
    if (kind === "compared") return { compared: message.compared };
    if (kind === "test_image") return this.#testImage();
    if (kind === "pins") this.#pins.set(message.model, message.pins);
    return kind === "pins" ? { pins: message.pins } : {};
  }

  /** The code of a test image of the page, with its uncertainty. */
  async #testImage() {
    const { model: name, classes, revision } = this.#view;
    const images = await (await this.#data.model(name)).encodedImages();
    const index = Math.floor(Math.random() * images.count);
    const part = (values) => Array.from(values.subarray(index * images.latentDim, (index + 1) * images.latentDim));
    const [mu, std] = [part(images.means), part(images.stds)];
    const posterior = { mu, std, index, label: imageTitle(images.numbers[index], className(classes, images.labels[index])) };
    return { z: mu.map(rounded), posterior, picture: null, revision: revision + 1 };
  }
}

/** "test image 7 (an 8)" */
function imageTitle(number, name) {
  return name === null ? `test image ${number}` : `test image ${number} (${/^[aeio8]/i.test(name) ? "an" : "a"} ${name})`;
}
