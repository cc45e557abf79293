// Time: a model in training is followed as its weights change, and one that a run has trained can be seen as it was at any step.
//
// Dragging the slider asks for the same z at another step, over the socket of the large picture; the points of the map move with it.
// Once it rests, everything else that is drawn follows (`renew` of the explorer). What looks like the data is not measured there.

import { ExportMenu } from "../pins_and_paths/export_menu.js";
import { Timer, pause } from "../timers.js";
import { TimeSlider, nowWords } from "./time_slider.js";

const LOOK = 1000; // ms between two looks at a run that goes on
const STRIP = 300; // ms after a release: the pictures behind the sliders come first
const CALM = 3000; // ms at least between two drawings of all small pictures while the weights change
const SETTLE = 200; // ms
const SETTLED = 150; // ms after the last step: one key after the other opens nothing
const REST = 50; // such a drawing may take one part in so many of the time

export class Training {
  #explorer;
  #slider;
  #export;
  #state = null; // as from answers.trainingState
  #asked = null; // the step that a link names
  #codes = new Map(); // step -> {means, labels}
  #fetching = false;
  #strip;
  #settled;
  #drawn = 0; // when all small pictures may be drawn again, ms
  #root = null;

  constructor(explorer) {
    const { signal, store } = explorer;
    this.#explorer = explorer;
    this.#strip = new Timer(() => this.#drawStrip(), signal);
    this.#settled = new Timer(() => explorer.renew(), signal);
    this.#export = new ExportMenu("training", explorer.answers, { path: () => this.#film, say: (words) => words && explorer.parts.controls.say(words) }, signal);
    const on = { travel: (step, at) => this.#travel(step, at), settle: () => this.#settled.set(SETTLED), wanted: () => this.#fetchCodes() };
    this.#slider = new TimeSlider(on, this.#export.element, signal);
    this.elements = { picture: this.#slider.element };
    const move = (by) => (event) => this.#state?.snapshots.length > 0 && this.#slider.move(by, event.timeStamp);
    this.keys = [
      { key: ",", words: "Back through the training of the model, step by step", run: move(-1) },
      { key: ".", words: "On through the training, up to now", run: move(1) },
    ];
  }

  attach(root) {
    this.#root = root;
  }

  open({ again, data, link }) {
    if (!again) {
      this.#asked = link.step ?? null;
      this.#slider.stop();
      [this.#state, this.#codes] = [null, new Map()];
      this.#slider.offer([], "", null);
      this.#slider.show(new Map());
    }
    this.#mark();
    this.#strip.set(STRIP);
    if (data.run) this.#follow(this.#explorer.model);
    else this.#goWhereAsked([]);
  }

  /** The images as the open model sees them have come; where one stands they may lie elsewhere. */
  encoded() {
    const { data, store } = this.#explorer;
    if (data.training || store.step !== null) this.#showCodes();
  }

  committed() {
    this.#strip.set(STRIP);
  }

  async #follow(model) {
    const { signal } = model;
    while (!signal.aborted) {
      const state = document.visibilityState === "hidden" ? this.#state : await this.#explorer.answers.trainingState(model.name, signal);
      if (signal.aborted) return;
      if (state !== null) this.#hear(state);
      if (state !== null && !state.live) return;
      await pause(LOOK, signal);
    }
  }

  #hear(state) {
    const { data, store } = this.#explorer;
    const before = this.#state;
    this.#state = state;
    this.#goWhereAsked(state.snapshots);
    this.#slider.offer(state.snapshots, nowWords(state), store.step, state.none);
    this.#export.enable(state.snapshots.length > 0);
    if (before === null || before.snapshots.length !== state.snapshots.length) this.#strip.setOnce(STRIP);
    if (data.training && !state.live) this.#explorer.ask("refresh"); // the page has the model that the run leaves
    else if (state.live && before?.version !== state.version && store.step === null) this.#renewed(state);
  }

  /** Once, to the step that a link names. */
  #goWhereAsked(snapshots) {
    const step = this.#asked;
    this.#asked = null;
    if (step === null) return;
    if (!snapshots.some((one) => one.step === step)) return this.#explorer.parts.controls.say(`Of step ${step.toLocaleString("en")}, which the link asks for, there is no snapshot; this is the model as it is.`);
    this.#travel(step);
    this.#settled.set(0);
  }

  linkState() {
    return { step: this.#explorer.store.step };
  }

  /** Newer weights: the picture at once, the points of the map unless somebody holds something, everything else now and then. */
  async #renewed({ version }) {
    const { answers, data, model, parts, store } = this.#explorer;
    parts.picture.refresh(store);
    if (this.#held) return;
    const images = await answers.encodedImages({ ...data, version }, model.signal).catch(() => null);
    if (images === null || model.signal.aborted || store.step !== null || this.#held) return;
    model.images = { ...model.images, means: images.means, labels: images.labels };
    parts.map.recode(model.images);
    if (performance.now() < this.#drawn) return;
    const start = performance.now();
    this.#explorer.renew();
    this.#drawStrip();
    await pause(SETTLE, model.signal); // the map's background is asked for a little later
    await model.now.pictures("all drawn", [store.held], 8); // answered after all that
    const end = performance.now();
    this.#drawn = end + Math.max(CALM, REST * (end - start - SETTLE));
  }

  /** A pointer is pressed on the explorer. */
  get #held() {
    return this.#root?.matches(":active") ?? false;
  }

  #travel(step, at = null) {
    const { store } = this.#explorer;
    if (step === store.step) return;
    this.#fetchCodes();
    store.travel(step, { by: "training", at });
    this.#showCodes();
    this.#mark();
  }

  /** What is said of the model as it is does not hold for another step. */
  #mark() {
    this.#root?.classList.toggle("lw-past", this.#explorer.store.step !== null);
  }

  #showCodes() {
    const { data, model, parts, store } = this.#explorer;
    const codes = store.step === null ? model.images : this.#codes.get(store.step);
    if (codes) parts.map.recode(codes, data.training || store.step !== null);
  }

  /** Of the steps whose codes are not known yet; with them the server opens the snapshots. */
  async #fetchCodes() {
    const { answers, model } = this.#explorer;
    const last = this.#state?.snapshots.at(-1)?.step ?? -1;
    if (this.#fetching || this.#codes.has(last) || last < 0) return;
    this.#fetching = true;
    const found = await answers.trainingCodes(model.name, Math.max(-1, ...this.#codes.keys()), model.signal);
    this.#fetching = false;
    if (model.signal.aborted) return;
    for (const [step, codes] of found ?? []) this.#codes.set(step, codes);
    if (this.#explorer.store.step !== null) this.#showCodes();
  }

  /** The same z at the steps that the strip has room for. */
  async #drawStrip() {
    const { model, store } = this.#explorer;
    const [z, frames] = [store.held, this.#slider.frames];
    const steps = frames.filter((step) => step !== null);
    if (model === null || steps.length === 0) return;
    const past = await model.now.training("strip", z, steps, this.#slider.side);
    const now = past && (await model.now.pictures("strip now", [z], this.#slider.side));
    if (!now || model !== this.#explorer.model || z !== this.#explorer.store.held) return;
    this.#slider.show(new Map([...steps.map((step, i) => [step, past[i]]), [null, now[0]]]));
  }

  /** What the server makes a file of. */
  get #film() {
    const { model, store } = this.#explorer;
    return { model: model.name, kind: "training", z: [store.held], through: "training" };
  }
}
