// The line under the columns: pins, the path through the chosen ones, its export, and draws from the prior.

import { h } from "../elements.js";
import { Asides } from "../connection/query_connection.js";
import { Exports } from "./export_menu.js";
import { Pins } from "./pins.js";
import { Samples } from "./prior_samples.js";
import { Scrubber } from "./path_player.js";
import { Thumbs } from "./pin_row.js";
import { Ways } from "./path_kinds.js";

const NONE = "Press Pin to keep a picture here. Two pins make a path between them.";
const ONE = "Now move on and press Pin again: two pins make a path.";
const CHOOSE = "Choose two pins for a path: press the circles on them.";

export class Tray {
  #on;
  #url = "";
  #model = "";
  #asides = null; // opened when something is asked for the first time
  #pins = new Pins();
  #thumbs;
  #scrubber;
  #ways;
  #exports;
  #samples;
  #plane = h("button.lw-button.lw-small", { type: "button", hidden: "", title: "Turn the map to the plane through the three chosen pins", onclick: () => this.#span() }, "Plane");
  #said = h("p.lw-said", { role: "status", hidden: "" });
  #heard = h("span.lw-heard", { role: "status" }); // for those who do not see the tray

  /** on: {place() -> {z, label}, preview(z, start), goTo(z, start), playing(), changed(), map} */
  constructor(on) {
    this.#on = on;
    this.#thumbs = new Thumbs(this.#pins, {
      go: (pin, start) => on.goTo([...pin.z], start),
      toggle: (id) => this.#change(() => this.#pins.toggle(id) || this.#say("A path goes through 12 pins at most; leave one out first.")),
      move: (id, place) => this.#change(() => this.#pins.move(id, place)),
      remove: (id) => this.#change(() => this.#pins.remove(id)),
    });
    this.#scrubber = new Scrubber({ preview: on.preview, commit: on.goTo, playing: on.playing });
    this.#ways = new Ways({
      changed: (walk, kind, words) => this.#showPath(walk, kind, words),
      waiting: (words) => this.#scrubber.wait(words),
      unfolded: (open) => this.element.parentElement?.classList.toggle("lw-comparing", open),
    });
    this.#exports = new Exports({ path: () => this.#path(), say: (words) => this.#say(words) });
    this.#samples = new Samples({ explore: (z, start) => on.goTo(z, start), pin: (z, label) => this.#add(z, label) });
    this.element = this.#build();
    this.#ways.open(() => this.#connection());
  }

  #build() {
    const samples = h("button.lw-button.lw-small", { type: "button", title: "A grid of random pictures: draws from the prior", onclick: () => this.#samples.open(this.#connection()) }, "Samples");
    const controls = h("div.lw-tray-controls", {},
      h("div.lw-tray-line", {}, this.#scrubber.play, this.#ways.select, this.#ways.button),
      h("div.lw-tray-line", {}, this.#exports.element, samples, this.#plane));
    const row = h("div.lw-tray-row", {}, h("span.lw-muted.lw-tray-name", { "aria-hidden": "true", title: "Pictures that you keep; a path leads through those with a number" }, "Pins"), this.#thumbs.element, h("span.lw-muted.lw-arrow", { "aria-hidden": "true" }, "→"), this.#scrubber.element, controls);
    return h("section.lw-tray", { "aria-label": "Pins and paths" }, row, this.#ways.panel, this.#said, this.#heard, this.#samples.dialog);
  }

  /** Another model. pins: rows as from Pins.toState, of this session or of the link; link: see readLink. */
  open(url, model, pins, link = {}) {
    this.close();
    [this.#url, this.#model] = [url, model];
    this.#samples.close();
    this.#say("");
    if (link.path) this.#ways.prefer(link.path);
    if (link.samples) this.#samples.prefer(link.samples);
    this.#ways.open(() => this.#connection());
    this.adopt(pins);
  }

  /** The page has other pins: one came from another page. */
  adopt(pins) {
    this.#pins.adopt(pins);
    this.#thumbs.forget();
    this.#draw();
  }

  /** The model's file was replaced: the same points, other pictures. */
  refresh() {
    this.#thumbs.forget();
    this.#ways.open(() => this.#connection());
    this.#draw();
  }

  /** The theme changed, perhaps: what is painted takes its colours anew. */
  repaint() {
    this.#ways.repaint();
  }

  /** Pins where the person stands, or where the path is being played. */
  pin() {
    const played = this.#scrubber.stop();
    if (played) this.#on.goTo(played, performance.now());
    const { z, label } = this.#on.place();
    this.#say(this.#add(z, label));
  }

  get rows() {
    return this.#pins.toState();
  }

  /** What a link needs to restore this tray. */
  linkState() {
    return { pins: this.rows, path: this.#ways.walk && this.#ways.choice, samples: this.#samples.choice };
  }

  standing(z) {
    this.#scrubber.standing(z);
  }

  /** Ends playing; the point it had reached, or null. */
  stop() {
    return this.#scrubber.stop();
  }

  close() {
    this.stop();
    this.#asides?.close();
    this.#asides = null;
  }

  #connection() {
    this.#asides ??= new Asides(this.#url);
    return this.#asides;
  }

  #add(z, label) {
    const { pin, words } = this.#pins.add(z, label);
    if (words === "") {
      this.#changed();
      this.#heard.textContent = `Pinned ${label} as pin ${this.#pins.number(pin.id)}.`;
    }
    if (pin) this.#thumbs.point(pin.id);
    return words;
  }

  #change(what) {
    this.#say("");
    what();
    this.#changed();
  }

  #changed() {
    this.#draw();
    this.#on.changed();
  }

  #draw() {
    const { list, stops } = this.#pins;
    this.element.classList.toggle("lw-empty", list.length === 0);
    this.#thumbs.draw();
    this.#on.map.showPins(list.map(({ z }) => z));
    this.#ways.through(stops);
    this.#plane.hidden = stops.length !== 3 || stops[0].length < 3; // two dimensions are one plane
    if (stops.length < 2) this.#showPath(null, "", list.length === 0 ? NONE : list.length === 1 ? ONE : CHOOSE);
    this.#fetch();
  }

  #span() {
    const { stops, numbers } = this.#pins;
    this.#say(this.#on.map.span(stops, `through pins ${numbers.join(", ")}`));
  }

  async #fetch() {
    const missing = this.#thumbs.missing;
    if (missing.length === 0) return;
    const pictures = await this.#connection().pictures("pins", missing.map(({ z }) => z), 0);
    if (pictures === null) return;
    missing.forEach(({ id }, i) => this.#thumbs.picture(id, pictures[i]));
    this.#thumbs.draw();
  }

  #showPath(walk, kind, words) {
    this.#scrubber.show(walk, kind, words);
    this.#exports.enable(walk !== null);
    this.#on.map.showPath(walk?.z ?? []);
  }

  #path() {
    const { walk, kind } = this.#ways;
    return walk && { model: this.#model, kind, z: walk.z };
  }

  #say(words) {
    this.#said.textContent = words;
    this.#said.hidden = words === "";
  }
}
