// The kinds of path through the chosen pins: which one is taken, and all of them side by side.

import { h } from "../elements.js";
import { onResize } from "../timers.js";
import { clear, figuresOf, figureWords, paintChanges, paintStrip, pointsOf } from "./path_strip.js";

const LONG = {
  linear: "Linear (lerp): straight through the latent space",
  spherical: "Spherical (slerp): along the sphere, where a Gaussian has its mass",
  geodesic: "Geodesic: the path on which the picture changes least",
};
const COUNTS = ["No", "One", "Two", "Three"];
const SEARCHING = "Looking for the path on which the picture changes least…";
const ENTRIES = { linear: "Computing the path…", spherical: "Computing the path…", geodesic: SEARCHING };

export class PathKinds {
  #on;
  #all; // kinds that can be asked for
  #offered; // those that the model can answer: a geodesic follows the decoder's gradients
  #queries = null;
  #stops = [];
  #found = new Map(); // kind -> path, or null while it is under way
  #failed = new Map(); // kind -> words
  #asked = 0; // grows with every change, so that late answers are dropped
  #title = h("b");
  #even = h("input", { type: "checkbox", onchange: () => this.#restart() });
  #rows = new Map(); // kind -> {lane, choose, strip, changes, words}

  /** kinds: those on offer, of KINDS in connection/binary_messages.js; on: {changed(path | null, kind, words), waiting(words), unfolded()} */
  constructor(kinds, on, signal) {
    [this.#all, this.#offered, this.#on] = [kinds, kinds, on];
    this.select = h("select.lw-select.lw-kind", { "aria-label": "kind of path", title: "The kind of path from pin to pin", onchange: () => this.#choose(this.select.value) });
    for (const kind of kinds) this.select.append(h("option", { value: kind, title: LONG[kind] }, kind));
    this.button = h("button.lw-button.lw-small", { type: "button", "aria-expanded": "false", title: "All kinds of path side by side", onclick: () => this.#fold() }, "Compare");
    this.panel = h("section.lw-compare", { "aria-label": "Paths compared", hidden: "" },
      h("div.lw-compare-head", {},
        h("span", {}, this.#title),
        h("span.lw-muted.lw-grow", {}, "bars: how much the picture changes at each step, all to one scale"),
        h("label.lw-check", { title: "Space the steps so that each changes the picture equally" }, this.#even, "equal perceptual steps")),
      h("div.lw-lanes", { role: "radiogroup", "aria-label": "kind of path" }, ...kinds.map((kind) => this.#row(kind))));
    onResize(this.panel, () => this.repaint(), signal);
    this.#mark();
  }

  get kind() {
    return this.select.value;
  }

  get path() {
    return this.#found.get(this.kind) ?? null;
  }

  /** {kind, even}: what a person chose. */
  get choice() {
    return { kind: this.kind, even: this.#even.checked };
  }

  /** The choice of a link. */
  prefer({ kind, even }) {
    if (this.#all.includes(kind)) this.select.value = kind;
    this.#even.checked = even;
    this.#mark();
  }

  /** Another model, or the same with new weights: queries() answers; gradients: whether its decoder has any. */
  open(queries, gradients = true) {
    this.#queries = queries;
    this.#offer(this.#all.filter((kind) => gradients || kind !== "geodesic"));
    this.#stops = [];
    this.#restart();
  }

  #offer(kinds) {
    this.#offered = kinds;
    this.#title.textContent = `${COUNTS[kinds.length]} paths through the chosen pins`;
    for (const option of this.select.options) option.hidden = option.disabled = !kinds.includes(option.value);
    for (const [kind, { lane }] of this.#rows) lane.hidden = !kinds.includes(kind);
    if (!kinds.includes(this.kind)) this.select.value = kinds[0];
    this.#mark();
  }

  /** The points the path goes through. */
  through(stops) {
    if (JSON.stringify(stops) === JSON.stringify(this.#stops)) return;
    this.#stops = stops;
    this.#restart();
  }

  #restart() {
    this.#asked += 1;
    this.#found.clear();
    this.#failed.clear();
    this.button.disabled = this.#stops.length < 2;
    if (this.button.disabled && !this.panel.hidden) this.#fold();
    this.#ask();
    this.repaint();
    this.#tell();
  }

  #ask() {
    if (this.#stops.length < 2) return;
    const open = !this.panel.hidden;
    for (const kind of this.#offered) if ((open || kind === this.kind) && !this.#found.has(kind)) this.#find(kind);
  }

  async #find(kind) {
    this.#found.set(kind, null);
    const [asked, queries] = [this.#asked, this.#queries()];
    const path = await queries.path(`path ${kind}`, this.#stops, { kind, even: this.#even.checked, count: pointsOf(this.#stops.length) });
    if (asked !== this.#asked) return;
    this.#found.set(kind, path);
    if (path === null) this.#failed.set(kind, `This path could not be computed: ${queries.refusal || "the connection was closed"}.`);
    this.repaint();
    if (kind === this.kind) this.#tell();
  }

  #tell() {
    if (this.#stops.length < 2) return; // who has the pins says what is missing
    const failed = this.#failed.get(this.kind);
    if (this.path || failed) this.#on.changed(this.path, this.kind, failed ?? "");
    else this.#on.waiting(ENTRIES[this.kind]);
  }

  #choose(kind) {
    this.select.value = kind;
    this.#mark();
    this.#ask();
    this.#tell();
  }

  #fold() {
    this.panel.hidden = !this.panel.hidden;
    this.button.setAttribute("aria-expanded", String(!this.panel.hidden));
    this.#on.unfolded(!this.panel.hidden);
    this.#ask();
    this.repaint();
    if (!this.panel.hidden) this.panel.scrollIntoView({ block: "nearest" });
  }

  #row(kind) {
    const row = {
      choose: h("button.lw-lane-name", { type: "button", role: "radio", title: LONG[kind], onclick: () => this.#choose(kind), onkeydown: (event) => this.#key(event, kind) }, kind),
      strip: h("canvas.lw-lane-strip", { "aria-hidden": "true", onclick: () => this.#choose(kind) }),
      changes: h("canvas.lw-lane-changes", { "aria-hidden": "true" }),
      words: h("span.lw-muted.lw-lane-words", { title: "Length: how much the picture changes on the whole path. The largest step against the mean: 1 is perfectly even" }),
    };
    row.lane = h("div.lw-lane", { "data-kind": kind }, row.choose, h("div.lw-lane-pictures", {}, row.strip, row.changes), row.words);
    this.#rows.set(kind, row);
    return row.lane;
  }

  #key(event, kind) {
    const step = { ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = this.#offered[(this.#offered.indexOf(kind) + step + this.#offered.length) % this.#offered.length];
    this.#choose(next);
    this.#rows.get(next).choose.focus();
  }

  #mark() {
    for (const [kind, { choose }] of this.#rows) {
      choose.setAttribute("aria-checked", String(kind === this.kind));
      choose.tabIndex = kind === this.kind ? 0 : -1;
    }
  }

  repaint() {
    if (this.panel.hidden) return;
    const highest = Math.max(0, ...[...this.#found.values()].filter(Boolean).map((path) => figuresOf(path).largest));
    for (const [kind, row] of this.#rows) {
      const path = this.#found.get(kind);
      row.words.textContent = path ? figureWords(figuresOf(path)) : this.#failed.get(kind) ?? ENTRIES[kind];
      if (path) {
        paintStrip(row.strip, path);
        paintChanges(row.changes, path.changes, highest);
      } else [row.strip, row.changes].forEach(clear);
    }
  }
}
