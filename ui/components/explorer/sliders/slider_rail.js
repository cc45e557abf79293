// The rail: the sliders of the open model, and what can be done to one dimension: move, lock, mute, solo, animate.

import { h } from "../elements.js";
import { LockedDimensions } from "../state/locked_dimensions.js";
import { Directions, principalDirections } from "./principal_components.js";
import { RowMenu } from "./row_menu.js";
import { Sliders } from "./sliders.js";

const ORDER = ["most informative first", "The order of the rows: by KL, how much a dimension tells about an image, in nats; its bar is on the right"];
const PRIOR = ["ranges of the prior", "The model has no encoder, so nothing is known of the codes of images: each slider runs over 99 % of the prior N(0, 1)"];
const UNIFORM = ["ranges of the prior", "The decoder was trained on z drawn evenly from −1 to 1: each slider runs over this range"];
const TRAINING = ["ranges of the prior", "The model is being trained, so nothing about its dimensions stays as it is: each slider runs over 99 % of the prior N(0, 1) until the training ends"];
const CODES = ["ranges of the codes", "An autoencoder has no prior: each slider runs over 99 % of the codes of images, in their standard deviations, the widest direction of the codes first"];

export class Rail {
  sliders = null; // of the open model
  inHand = false; // a pointer is pressed on them
  #explorer;
  #later = null; // waits until they are let go
  #locks = new LockedDimensions();
  #order = h("span");
  #place = h("div.lw-rail-place");
  #menu;

  constructor(explorer) {
    const { signal } = explorer;
    this.#explorer = explorer;
    this.#menu = new RowMenu({ choose: (what, index) => this.#choose(what, index) }, signal);
    this.elements = { "rail heading": this.#order, rail: this.#place, over: this.#menu.element };
    this.#place.addEventListener("pointerdown", () => (this.inHand = true));
    for (const kind of ["pointerup", "pointercancel", "blur"]) window.addEventListener(kind, () => this.#letGo(), { signal });
  }

  /** Does it once no slider is in the hand. */
  whenLetGo(act) {
    this.#later = act;
  }

  open({ data, again, signal }) {
    const before = again ? { index: this.sliders.current.index, focused: document.activeElement === this.sliders.current.input } : null;
    if (!again) this.#locks = new LockedDimensions();
    this.sliders?.close();
    this.sliders = new Sliders(data.dimensions, {
      input: (index, value, at) => this.#move(index, value, at),
      release: () => this.#explorer.release(),
      focus: () => this.#explorer.parts.animation.show(),
      unfold: () => this.#explorer.parts.sliderPictures.refresh(),
      menu: (index, anchor) => this.#openMenu(index, anchor),
    }, signal, data.prior);
    this.#place.replaceChildren(this.sliders.element);
    [this.#order.textContent, this.#order.title] = data.uniform ? UNIFORM : !data.encodes ? PRIOR : data.training ? TRAINING : data.prior ? ORDER : CODES;
    this.sliders.select(before?.index ?? data.dimensions[0].index);
    if (before === null) return;
    const { held, committed } = this.#explorer.store;
    this.sliders.showLocks(this.#locks);
    this.sliders.showBand(committed.posterior);
    this.sliders.show(held);
    if (before.focused) this.sliders.current.input.focus();
  }

  encoded(images) {
    if (images.latentDim < 3 || images.count === 0) return;
    const { store } = this.#explorer;
    this.sliders.add(new Directions("principal components", principalDirections(images), {
      here: () => store.here,
      move: (z, at) => store.move(this.unlocked(z), { by: "direction", at }),
      release: () => this.#explorer.release(),
      unfold: () => this.#explorer.parts.sliderPictures.refresh(),
    }));
    this.sliders.showSections(store.held);
  }

  moved({ shown, cause: { by } }) {
    if (by === "slider" || by === "animation") this.sliders.showSections(shown); // its own slider is being moved
    else if (by === "map" || by === "path") this.sliders.follow(shown);
    else if (by !== "look" && by !== "training") this.sliders.show(shown);
  }

  committed({ committed: { z, posterior }, cause: { by } }) {
    if (by === "page") {
      this.#locks.release();
      this.sliders.showLocks(this.#locks);
    }
    this.sliders.showBand(posterior);
    if (by !== "release") this.sliders.show(z);
  }

  /** The wish where a dimension is free to move, what there is where it is locked or muted. */
  unlocked(wish) {
    return this.#locks.keep(this.#explorer.store.committed.z, wish);
  }

  /** Whether the dimension can be moved. */
  isFree(index) {
    const { locked, muted } = this.#locks.state(index);
    return !locked && !muted;
  }

  #move(index, value, at) {
    const { store } = this.#explorer;
    store.move(store.here.map((old, i) => (i === index ? value : old)), { by: "slider", index, at });
  }

  #openMenu(index, anchor) {
    const { locked, muted } = this.#locks.state(index);
    const solo = this.#locks.isSolo(index, this.#explorer.store.held.length);
    this.#menu.open(index, anchor, { lock: locked, mute: muted, solo, animate: this.#explorer.parts.animation.has(index) });
  }

  #choose(what, index) {
    const { store, parts } = this.#explorer;
    const locks = this.#locks;
    if (what === "animate") return parts.animation.toggle(index);
    let z = store.held;
    if (what === "lock") locks.lock(index, !locks.isLocked(index));
    if (what === "mute") z = locks.mute(z, index, !locks.isMuted(index));
    if (what === "solo") z = locks.solo(z, index, !locks.isSolo(index, z.length));
    this.sliders.showLocks(locks);
    if (what !== "lock") this.#explorer.jump(z, performance.now(), store.committed.posterior);
  }

  #letGo() {
    if (!this.inHand) return;
    this.inHand = false;
    const later = this.#later;
    this.#later = null;
    if (later) setTimeout(() => this.#explorer.signal.aborted || later()); // the slider commits first
  }
}
