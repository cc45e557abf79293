// The chosen path as one strip that can be walked: dragging or playing previews, letting go commits.

import { Animation } from "../rail/animation.js";
import { h } from "../elements.js";
import { rounded } from "../numbers.js";
import { WORDS, verdictOf } from "../picture/likeness.js";
import { clear, paintStrip } from "./path_strip.js";

const COARSE = 5; // steps for an arrow key with Shift
const PATIENCE = 200; // ms that the last path stays while the next one is under way: most come sooner, and nothing flickers
const STEPS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 };

export class Scrubber {
  #on;
  #walk = null;
  #kind = "";
  #player = new Animation();
  #waiting = null; // timer of PATIENCE
  #held = false; // a key is down: committed when it is released
  #canvas = h("canvas.lw-strip", { "aria-hidden": "true" });
  #input = h("input.lw-scrub", { type: "range", min: "0", max: "0", step: "1", value: "0", "aria-label": "path", hidden: "", "data-testid": "path" });
  #words = h("p.lw-way-words");

  /** on: {preview(z, start), commit(z, start), playing()} */
  constructor(on) {
    this.#on = on;
    this.play = h("button.lw-button.lw-small.lw-play", { type: "button", disabled: "", "aria-pressed": "false", "aria-label": "play the path", title: "Play the path to and fro (Space on the path)", onclick: () => this.toggle() }, "▶");
    this.element = h("div.lw-way", {}, this.#canvas, this.#input, this.#words);
    this.#listen();
    new ResizeObserver(() => this.#paint()).observe(this.element);
  }

  /** A path is being computed: words say so if it takes a while. */
  wait(words) {
    this.stop();
    clearTimeout(this.#waiting);
    this.#input.setAttribute("aria-busy", "true"); // what is shown is the path before
    this.#waiting = setTimeout(() => this.show(null, "", words), PATIENCE);
  }

  /** Shows a path (null: none, and words say why); the place on it stays the same share. */
  show(walk, kind, words = "") {
    clearTimeout(this.#waiting);
    this.#input.setAttribute("aria-busy", "false");
    const share = this.#walk === null ? 0 : this.#input.valueAsNumber / Number(this.#input.max);
    if (walk === null) this.stop();
    this.#walk = walk;
    this.#kind = kind;
    this.#words.textContent = words;
    this.#input.hidden = walk === null;
    this.play.disabled = walk === null;
    if (walk !== null) {
      this.#input.max = String(walk.z.length - 1);
      this.#place(Math.round(share * (walk.z.length - 1)));
    }
    this.#paint();
  }

  /** The person stands at z, by whatever way: the handle fades when that is not its own place. */
  standing(z) {
    if (this.#walk === null) return;
    const here = this.#walk.z[this.#input.valueAsNumber];
    this.#input.classList.toggle("lw-off", !here.every((value, i) => Math.abs(value - z[i]) < 0.001));
  }

  /** Ends playing; the point it had reached, or null when nothing was playing. */
  stop() {
    if (!this.#player.running) return null;
    this.#player.stop();
    this.play.setAttribute("aria-pressed", "false");
    this.play.textContent = "▶";
    return this.#here();
  }

  toggle() {
    if (this.#walk === null) return;
    const reached = this.stop();
    if (reached !== null) {
      this.#on.commit(reached, performance.now());
      return;
    }
    this.#on.playing();
    this.play.setAttribute("aria-pressed", "true");
    this.play.textContent = "■";
    const last = this.#walk.z.length - 1;
    this.#player.start({ low: 0, high: 1 }, this.#input.valueAsNumber / last, (share, now) => this.#go(Math.round(share * last), now));
  }

  #here() {
    return this.#walk.z[this.#input.valueAsNumber].map(rounded);
  }

  #go(index, start) {
    const before = this.#input.valueAsNumber;
    this.#place(index);
    if (this.#input.valueAsNumber === before && this.#player.running) return;
    this.#on.preview(this.#here(), start);
  }

  #place(index) {
    const last = Number(this.#input.max);
    const at = Math.max(0, Math.min(last, index));
    this.#input.value = String(at);
    this.#input.classList.remove("lw-off");
    const verdict = this.#walk.said ? WORDS[verdictOf(this.#walk.typical[at])] : "";
    this.#input.setAttribute("aria-valuetext", [`step ${at + 1} of ${last + 1}`, this.#kind, verdict].filter(Boolean).join(", "));
  }

  #paint() {
    if (this.#walk === null) clear(this.#canvas);
    else paintStrip(this.#canvas, this.#walk);
  }

  #listen() {
    this.#input.addEventListener("input", (event) => {
      this.stop();
      this.#go(this.#input.valueAsNumber, event.timeStamp);
    });
    this.#input.addEventListener("change", (event) => this.#on.commit(this.#here(), event.timeStamp));
    this.#input.addEventListener("keydown", (event) => this.#key(event));
    this.#input.addEventListener("keyup", () => this.#letGo());
    this.#input.addEventListener("blur", () => this.#letGo());
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    let index = null;
    if (event.key === "Home") index = 0;
    else if (event.key === "End") index = Number(this.#input.max);
    else if (event.key in STEPS) index = this.#input.valueAsNumber + STEPS[event.key] * (event.shiftKey ? COARSE : 1);
    else if (event.key === " ") this.toggle();
    else return;
    event.preventDefault();
    if (index === null) return;
    this.stop();
    this.#held = true;
    this.#go(index, event.timeStamp);
  }

  #letGo() {
    if (!this.#held) return;
    this.#held = false;
    this.#on.commit(this.#here(), performance.now());
  }
}
