// The line under the columns: pins, the path through the chosen ones, its export, and draws from the prior.

import { button, h } from "../elements.js";
import { rounded } from "../format_numbers.js";
import { ExportMenu } from "./export_menu.js";
import { PathKinds } from "./path_kinds.js";
import { PathPlayer } from "./path_player.js";
import { PinRow } from "./pin_row.js";
import { Pins } from "./pins.js";
import { PriorSamples } from "./prior_samples.js";

const NONE = "Press Pin to keep a picture here. Two pins make a path between them.";
const ONE = "Now move on and press Pin again: two pins make a path.";
const CHOOSE = "Choose two pins for a path: press the circles on them.";

export class Tray {
  #explorer;
  #queries = null; // of its own, opened when something is asked for the first time: long paths hold up nothing else
  #step = null; // of the training whose weights draw them
  #pins = new Pins();
  #row;
  #player;
  #kinds;
  #export;
  #samples;
  #element;
  #plane = h("button.lw-button.lw-small", { type: "button", hidden: "", title: "Turn the map to the plane through the three chosen pins", onclick: () => this.#span() }, "Plane");
  #said = h("p.lw-said", { role: "status", hidden: "" });
  #heard = h("span.lw-heard", { role: "status" }); // for those who do not see the tray

  constructor(explorer) {
    const { signal, store } = explorer;
    this.#explorer = explorer;
    const goTo = (z, at) => explorer.jump(z.map(rounded), at);
    this.#row = new PinRow(this.#pins, {
      go: (pin, at) => goTo(pin.z, at),
      toggle: (id) => this.#change(() => this.#pins.toggle(id) || this.#say("A path goes through 12 pins at most; leave one out first.")),
      move: (id, place) => this.#change(() => this.#pins.move(id, place)),
      remove: (id) => this.#change(() => this.#pins.remove(id)),
    }, signal);
    this.#player = new PathPlayer({ look: (z, at) => store.look(z, { by: "path", at }), commit: goTo }, signal);
    this.#kinds = new PathKinds(explorer.answers.can.paths, {
      changed: (path, kind, words) => this.#showPath(path, kind, words),
      waiting: (words) => this.#player.wait(words),
      unfolded: (open) => this.#element.parentElement?.classList.toggle("lw-comparing", open),
    }, signal);
    this.#export = new ExportMenu("path", explorer.answers, { path: () => this.#path, say: (words) => this.#say(words) }, signal);
    this.#samples = new PriorSamples({ explore: goTo, pin: (z, label) => this.#add(z, label) });
    this.#element = this.#build();
    const pin = button("Pin", "Keep this picture in the line below; two pins make a path (P)", () => this.#pin());
    pin.classList.add("lw-pin-here");
    this.elements = { buttons: pin, below: this.#element };
    this.keys = [{ key: "P", words: "Pin this point: keep it below, as a stop of a path", run: () => this.#pin() }];
  }

  #build() {
    const samples = h("button.lw-button.lw-small", { type: "button", title: "A grid of random pictures", onclick: () => this.#samples.open(this.#connection(), this.#explorer.model.data) }, "Samples");
    const controls = h("div.lw-tray-controls", {},
      h("div.lw-tray-line", {}, this.#player.play, this.#kinds.select, this.#kinds.button),
      h("div.lw-tray-line", {}, this.#export.element, samples, this.#plane));
    const row = h("div.lw-tray-row", {}, h("span.lw-muted.lw-tray-name", { "aria-hidden": "true", title: "Pictures that you keep; a path leads through those with a number" }, "Pins"), this.#row.element, h("span.lw-muted.lw-arrow", { "aria-hidden": "true" }, "→"), this.#player.element, controls);
    return h("section.lw-tray", { "aria-label": "Pins and paths" }, row, this.#kinds.panel, this.#said, this.#heard, this.#samples.dialog);
  }

  /** The pins that the session keeps of this model; on a page just opened by a link, those of the link. */
  open({ data, link, again }) {
    this.#player.stop();
    [this.#queries, this.#step] = [null, null];
    if (!again) {
      this.#samples.close();
      this.#say("");
      if (link.path) this.#kinds.prefer(link.path);
      if (link.samples) this.#samples.prefer(link.samples);
    }
    this.#kinds.open(() => this.#connection(), this.#explorer.model.data.gradients);
    this.adopt(again ? this.#pins.toState() : data.pins ?? link.pins ?? []);
    if (!again && data.pins === null && link.pins?.length > 0) this.#keep();
  }

  /** Other weights: the pins and the path are drawn by them. */
  renew({ step }) {
    if (step === this.#step) return; // newer ones of a run come every second or two: a path is not computed anew for each
    this.#step = step;
    this.#player.stop();
    this.#queries?.close();
    this.#queries = null;
    this.#kinds.open(() => this.#connection(), this.#explorer.model.data.gradients);
    this.adopt(this.#pins.toState());
  }

  /** The page has run, perhaps with another theme: what is painted takes its colours anew. */
  update() {
    this.#kinds.repaint();
  }

  moved({ cause }) {
    if (cause.by !== "path") this.#player.stop();
  }

  committed({ committed }) {
    this.#player.stop();
    this.#player.standing(committed.z);
  }

  linkState() {
    return { pins: this.#pins.toState(), path: this.#kinds.path && this.#kinds.choice, samples: this.#samples.choice };
  }

  /** The page has other pins: one came from another page. */
  adopt(pins) {
    this.#pins.adopt(pins);
    this.#row.forget();
    this.#draw();
  }

  /** The server has forgotten this session. */
  comeBack() {
    if (this.#pins.list.length > 0) this.#keep();
  }

  /** Pins where the person stands, or where the path is being played. */
  #pin() {
    const played = this.#player.stop();
    if (played) this.#explorer.jump(played, performance.now());
    const { held, committed } = this.#explorer.store;
    this.#say(this.#add(held, committed.posterior?.label ?? "point"));
  }

  #connection() {
    const { name, step, signal } = this.#explorer.model;
    this.#queries ??= this.#explorer.answers.queries(name, step, signal);
    return this.#queries;
  }

  #add(z, label) {
    const { pin, words } = this.#pins.add(z, label);
    if (words === "") {
      this.#changed();
      this.#heard.textContent = `Pinned ${label} as pin ${this.#pins.number(pin.id)}.`;
    }
    if (pin) this.#row.point(pin.id);
    return words;
  }

  #change(what) {
    this.#say("");
    what();
    this.#changed();
  }

  #changed() {
    this.#draw();
    this.#keep();
  }

  #keep() {
    this.#explorer.parts.messages.keepPins(this.#pins.toState());
    this.#explorer.parts.guide.pinned(this.#pins.list.length);
  }

  #draw() {
    const { list, stops } = this.#pins;
    this.#element.classList.toggle("lw-empty", list.length === 0);
    this.#row.draw();
    this.#explorer.parts.map.mark({ pins: list.map(({ z }) => z) });
    this.#kinds.through(stops);
    this.#plane.hidden = stops.length !== 3 || stops[0].length < 3; // two dimensions are one plane
    if (stops.length < 2) this.#showPath(null, "", list.length === 0 ? NONE : list.length === 1 ? ONE : CHOOSE);
    this.#fetch();
  }

  #span() {
    const { stops, numbers } = this.#pins;
    this.#say(this.#explorer.parts.map.span(stops, `through pins ${numbers.join(", ")}`));
  }

  async #fetch() {
    const missing = this.#row.missing;
    if (missing.length === 0) return;
    const pictures = await this.#connection().pictures("pins", missing.map(({ z }) => z), 0);
    if (pictures === null) return;
    missing.forEach(({ id }, i) => this.#row.picture(id, pictures[i]));
    this.#row.draw();
  }

  #showPath(path, kind, words) {
    this.#player.show(path, kind, words);
    this.#export.enable(path !== null);
    this.#explorer.parts.map.mark({ path: path?.z ?? [] });
  }

  get #path() {
    const { path, kind } = this.#kinds;
    return path && { model: this.#explorer.model.name, kind, z: path.z };
  }

  #say(words) {
    this.#said.textContent = words;
    this.#said.hidden = words === "";
  }
}
