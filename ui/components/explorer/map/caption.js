// What explains the map: under it what its points and its background are, how to read the background's colours, and where the person
// stands; on it the names of its axes and where the pointer is.

import { h } from "../elements.js";
import { FAR, WORDS } from "../picture/likeness.js";
import { TINTS } from "./background.js";
import { RAMP } from "./density_colours.js";
import { SAMPLE } from "./points.js";
import { allWords, axisNames, pointWords, groundWords, hereWords, placeWords } from "./words.js";

export const CAPTION = "lw-map-caption"; // its id
const TOUCH = "Tap to go there. Swipe sideways, or hold and drag, to walk; two fingers move and zoom.";

export class Caption {
  #on;
  #names = []; // of the axes
  #flat = false;
  #points = h("span");
  #all = h("button.lw-link", { type: "button", hidden: "", onclick: () => this.#on.all() });
  #ground = h("span");
  #key = h("span.lw-key");
  #here = h("p.lw-here", { role: "status", "data-testid": "map-here" });
  #pointer = h("div.lw-map-at", { "aria-hidden": "true", hidden: "" });
  #axes = [h("span.lw-axis.lw-axis-x"), h("span.lw-axis.lw-axis-y")];

  /** on: {all()}: all points are wanted, or the sample again */
  constructor(on) {
    this.#on = on;
    this.element = h("div.lw-muted.lw-caption", { id: CAPTION, hidden: "" }, h("p", {}, this.#points, " ", this.#all), h("p", {}, this.#ground, " ", this.#key), h("p.lw-touch", {}, TOUCH), this.#here);
  }

  /** map: {points, cloud, kind (of the plane), background, flat, own, range (of a density, in nats), told, awaited (see Background)} */
  show({ points, cloud, kind, background, flat, own, range, told, awaited }) {
    this.element.hidden = false;
    this.#flat = flat;
    this.#names = axisNames(kind, own);
    this.#axes.forEach((element, i) => (element.textContent = this.#names[i] ?? ""));
    this.#points.textContent = points ? `${pointWords({ shown: cloud.shown, count: cloud.count, flat, kind })}.` : "";
    this.#all.hidden = !points || !cloud.canSample;
    this.#all.textContent = allWords(cloud.sampling, cloud.count, SAMPLE);
    const words = groundWords(background, { flat, own });
    this.#ground.textContent = words && `${words}.`;
    this.#key.replaceChildren(...(awaited && words ? ["drawing …"] : keyOf(background, range, told)));
  }

  /** What lies over the map. */
  get over() {
    return [...this.#axes, this.#pointer];
  }

  /** Where the pointer is on the plane; null: not on the map. */
  pointer(place) {
    this.#pointer.hidden = place === null || this.#names.length === 0;
    if (!this.#pointer.hidden) this.#pointer.textContent = placeWords(this.#names, place);
  }

  /** Says where the person stands. place: on the plane, or null; image, near: see hereWords */
  here(place, image, near) {
    this.#here.textContent = hereWords(this.#names, place, image, { near, flat: this.#flat });
  }
}

/** The background's colours and what each means. */
function keyOf(background, range, told) {
  if (background === "density" && range) {
    const [low, high] = range.map((value) => `${Math.round(value) || 0}`.replace("-", "−")); // never "-0"
    const colours = RAMP.map((colour) => `rgb(${colour})`).join(", ");
    return [h("span.lw-key-part", {}, low, h("i.lw-ramp", { style: `background:linear-gradient(to right, ${colours})` }), `${high} nats`)];
  }
  if (background !== "holes") return [];
  if (told === "comparing") return ["comparing with the data …"];
  if (told === "measuring") return [WORDS.measuring];
  const part = (verdict, words) => h("span.lw-key-part", {}, h("i.lw-swatch", { style: `background:${TINTS[verdict]}` }), words, " ");
  if (told === "unsaid") return [part("unlike", FAR)];
  return ["unusual", "unlike"].map((verdict) => part(verdict, WORDS[verdict]));
}
