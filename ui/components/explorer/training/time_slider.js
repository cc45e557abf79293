// The slider through a training: one z as each step draws it, side by side, and where one stands in it. Its right end is now.

import { fitted, h, linkButton } from "../elements.js";
import { frameIndices } from "../pins_and_paths/path_strip.js";
import { drawAnswer, ratioOf } from "../renderer/renderer.js";
import { Timer, onResize } from "../timers.js";

const SECONDS = 5; // a play from the first step to now, as long as a path to and fro
const QUICKEST = 60; // ms for a step
const CALM = 400; // the same for who asks for less motion
const PICTURE = 44; // px asked for

export class TimeSlider {
  #on;
  #stops = []; // [{step, epoch, quality}], rising; now comes after the last
  #now = ""; // what is said there
  #pictures = new Map(); // step (null: now) -> picture of one z
  #playing;
  #canvas = h("canvas.lw-strip", { "aria-hidden": "true" });
  #input = h("input.lw-scrub", { type: "range", min: "0", max: "0", step: "1", value: "0", "aria-label": "training", "data-testid": "training", title: "Drag back through the training: the same z as each step drew it (, and .)" });
  #play = h("button.lw-button.lw-small.lw-play", { type: "button", "aria-pressed": "false", "aria-label": "play the training", title: "Play the training from its beginning", onclick: () => this.toggle() }, "▶");
  #none = h("p.lw-muted", { hidden: "", "data-testid": "no-snapshots" });
  #words = h("span.lw-grow", { "data-testid": "training-step" }); // not read aloud by itself: while a run goes on it changes every second
  #back = linkButton("now", "Back to the model as it is", (event) => this.#go(this.#stops.length, event.timeStamp, true));

  /** on: {travel(step | null, at): while it moves, settle(): once it rests, wanted(): pictures are}; menu: stands beside the words */
  constructor(on, menu, signal) {
    this.#on = on;
    this.#playing = new Timer(() => this.#tick(), signal);
    this.element = h("div.lw-time", { role: "group", "aria-label": "Training", hidden: "" },
      this.#none,
      h("div.lw-time-line", {}, this.#play, h("div.lw-path.lw-time-strip", {}, this.#canvas, this.#input)),
      h("div.lw-time-line.lw-muted", {}, this.#words, this.#back, menu));
    this.#input.addEventListener("input", ({ timeStamp }) => this.#go(this.#input.valueAsNumber, timeStamp));
    this.#input.addEventListener("change", () => this.#on.settle());
    this.#canvas.parentElement.addEventListener("pointerenter", () => this.#on.wanted(), { signal });
    this.#input.addEventListener("focus", () => this.#on.wanted());
    onResize(this.element, () => this.#paint(), signal);
  }

  /** What there is to go to; where one stands stays. now: words; none: why there is nothing to go to, [words, a sentence] or [] */
  offer(stops, now, step, [none = "", more = ""] = []) {
    this.element.hidden = stops.length === 0 && none === "";
    this.element.classList.toggle("lw-time-none", stops.length === 0);
    this.#none.hidden = stops.length > 0;
    this.#none.textContent = none;
    this.#none.title = more;
    [this.#stops, this.#now] = [stops, now];
    this.#input.max = String(stops.length);
    this.#place(this.#indexOf(step));
    this.#paint();
  }

  /** The steps whose pictures the strip shows (null: now). */
  get frames() {
    const { clientWidth, clientHeight } = this.#canvas;
    if (clientWidth === 0 || this.#stops.length === 0) return [];
    const [first] = this.#pictures.values();
    const count = Math.round(clientWidth / (clientHeight * (first ? ratioOf(first) : 1)));
    return frameIndices(this.#stops.length + 1, Math.max(2, Math.min(count, this.#stops.length + 1))).map((i) => this.#stops[i]?.step ?? null);
  }

  /** pictures: Map of step (null: now) -> picture; those of another z go. */
  show(pictures) {
    this.#pictures = pictures;
    this.#paint();
  }

  get side() {
    return PICTURE;
  }

  /** One step to and fro, as the keys do. */
  move(by, at) {
    this.stop();
    this.#go(this.#input.valueAsNumber + by, at, true);
  }

  toggle() {
    if (this.stop()) return void this.#on.settle();
    this.#on.wanted();
    this.#play.setAttribute("aria-pressed", "true");
    this.#play.textContent = "■";
    if (this.#input.valueAsNumber === this.#stops.length) this.#travel(0, performance.now());
    this.#playing.set(this.#pace);
  }

  /** Whether it was playing. */
  stop() {
    const playing = this.#play.getAttribute("aria-pressed") === "true";
    this.#playing.stop();
    this.#play.setAttribute("aria-pressed", "false");
    this.#play.textContent = "▶";
    return playing;
  }

  get #pace() {
    if (window.matchMedia("(prefers-reduced-motion: reduce)").matches) return CALM;
    return Math.max(QUICKEST, (1000 * SECONDS) / (this.#stops.length + 1));
  }

  #tick() {
    const next = this.#input.valueAsNumber + 1;
    this.#travel(next, performance.now());
    if (next < this.#stops.length) this.#playing.set(this.#pace);
    else {
      this.stop();
      this.#on.settle();
    }
  }

  /** A person goes there. */
  #go(index, at, settled = false) {
    this.stop();
    this.#travel(index, at);
    if (settled) this.#on.settle();
  }

  #travel(index, at) {
    this.#place(index);
    this.#on.travel(this.#stops[this.#input.valueAsNumber]?.step ?? null, at);
  }

  #indexOf(step) {
    const index = step === null ? -1 : this.#stops.findIndex((stop) => stop.step >= step);
    return index < 0 ? this.#stops.length : index;
  }

  #place(index) {
    this.#input.value = String(index);
    const stop = this.#stops[this.#input.valueAsNumber];
    const words = stop ? stopWords(stop) : this.#now;
    this.#words.textContent = words;
    this.#words.title = stop?.quality ? `${words}, of 256 test images` : words;
    this.#input.setAttribute("aria-valuetext", words);
    this.#back.style.visibility = stop ? "visible" : "hidden"; // keeps its place
  }

  #paint() {
    const { context, width, height } = fitted(this.#canvas);
    const frames = this.frames;
    let picture = null; // until a step's own has come, the one before stands in its place
    frames.forEach((step, i) => {
      const [from, to] = [Math.round((i * width) / frames.length), Math.round(((i + 1) * width) / frames.length)];
      picture = this.#pictures.get(step) ?? picture;
      if (picture) drawAnswer(context, picture, [from, 0, to - from, height], true);
    });
  }
}

const THOUSANDS = new Intl.NumberFormat("en");

/** "step 1,024 · epoch 2.4 · ELBO −120.1" */
export function stopWords({ step, epoch, quality = "" }) {
  return [`step ${THOUSANDS.format(step)}`, `epoch ${epoch.toFixed(epoch < 1 ? 2 : 1)}`, quality.replace(" nats", "")].filter(Boolean).join(" · ");
}

/** The same of the model as it is. */
export function nowWords({ step, epoch }) {
  return `now: ${stopWords({ step, epoch })}`;
}
