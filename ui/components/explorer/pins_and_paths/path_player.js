// The chosen path as one strip that can be moved along: dragging or playing shows its points, letting go commits one.

import { ToAndFro } from "../sliders/animation.js";
import { h } from "../elements.js";
import { rounded } from "../format_numbers.js";
import { Timer, onResize } from "../timers.js";
import { WORDS, verdictOf } from "../picture/likeness.js";
import { clear, paintStrip } from "./path_strip.js";

const COARSE = 5; // steps for an arrow key with Shift
const PATIENCE = 200; // ms that the last path stays while the next one is under way: most come sooner, and nothing flickers
const STEPS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 };

export class PathPlayer {
  #on;
  #path = null;
  #kind = "";
  #player = new ToAndFro();
  #waiting;
  #next = ""; // what is said when it has taken so long
  #held = false; // a key is down: committed when it is released
  #canvas = h("canvas.lw-strip", { "aria-hidden": "true" });
  #input = h("input.lw-scrub", { type: "range", min: "0", max: "0", step: "1", value: "0", "aria-label": "path", hidden: "", "data-testid": "path" });
  #words = h("p.lw-path-words");

  /** on: {look(z, at), commit(z, at)} */
  constructor(on, signal) {
    this.#on = on;
    signal.addEventListener("abort", () => this.#player.stop(), { once: true });
    this.#waiting = new Timer(() => this.show(null, "", this.#next), signal);
    this.play = h("button.lw-button.lw-small.lw-play", { type: "button", disabled: "", "aria-pressed": "false", "aria-label": "play the path", title: "Play the path to and fro (Space on the path)", onclick: () => this.toggle() }, "▶");
    this.element = h("div.lw-path", {}, this.#canvas, this.#input, this.#words);
    this.#listen();
    onResize(this.element, () => this.#paint(), signal);
  }

  /** A path is being computed: words say so if it takes a while. */
  wait(words) {
    this.stop();
    this.#input.setAttribute("aria-busy", "true"); // what is shown is the path before
    this.#next = words;
    this.#waiting.set(PATIENCE);
  }

  /** Shows a path (null: none, and words say why); the place on it stays the same share. */
  show(path, kind, words = "") {
    this.#waiting.stop();
    this.#input.setAttribute("aria-busy", "false");
    const share = this.#path === null ? 0 : this.#input.valueAsNumber / Number(this.#input.max);
    if (path === null) this.stop();
    this.#path = path;
    this.#kind = kind;
    this.#words.textContent = words;
    this.#input.hidden = path === null;
    this.play.disabled = path === null;
    if (path !== null) {
      this.#input.max = String(path.z.length - 1);
      this.#place(Math.round(share * (path.z.length - 1)));
    }
    this.#paint();
  }

  /** The person stands at z, however they came there: the handle fades when that is not its own place. */
  standing(z) {
    if (this.#path === null) return;
    const here = this.#path.z[this.#input.valueAsNumber];
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
    if (this.#path === null) return;
    const reached = this.stop();
    if (reached !== null) {
      this.#on.commit(reached, performance.now());
      return;
    }
    this.play.setAttribute("aria-pressed", "true");
    this.play.textContent = "■";
    const last = this.#path.z.length - 1;
    this.#player.start({ low: 0, high: 1 }, this.#input.valueAsNumber / last, (share, now) => this.#go(Math.round(share * last), now));
  }

  #here() {
    return this.#path.z[this.#input.valueAsNumber].map(rounded);
  }

  #go(index, start) {
    const before = this.#input.valueAsNumber;
    this.#place(index);
    if (this.#input.valueAsNumber === before && this.#player.running) return;
    this.#on.look(this.#here(), start);
  }

  #place(index) {
    const last = Number(this.#input.max);
    const at = Math.max(0, Math.min(last, index));
    this.#input.value = String(at);
    this.#input.classList.remove("lw-off");
    const verdict = this.#path.said ? WORDS[verdictOf(this.#path.typical[at])] : "";
    this.#input.setAttribute("aria-valuetext", [`step ${at + 1} of ${last + 1}`, this.#kind, verdict].filter(Boolean).join(", "));
  }

  #paint() {
    if (this.#path === null) clear(this.#canvas);
    else paintStrip(this.#canvas, this.#path);
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
