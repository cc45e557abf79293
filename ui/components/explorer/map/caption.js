// What explains the map: under it what its points and its background are, how to read the background's colours, and where the person
// stands; on it the names of its axes and where the pointer is.

import { h } from "../elements.js";
import { FAR, WORDS } from "../picture/likeness.js";
import { RAMP, TINTS } from "./background.js";
import { EMBEDDINGS } from "./tsne_umap.js";
import { SAMPLE } from "./draw_points.js";

const THOUSANDS = new Intl.NumberFormat("en");
export const CAPTION = "lw-map-caption"; // its id
const TOUCH = "Tap to go there. Swipe sideways, or hold and drag, to move the point; two fingers move and zoom.";

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
    this.#points.textContent = cloud.count === 0 ? "No points: the model has no encoder, so no image has a code." : points ? `${pointWords({ shown: cloud.shown, count: cloud.count, flat, kind })}.` : "";
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
  if (told === "measuring" || told === "unmeasured") return [WORDS[told]];
  const part = (verdict, words) => h("span.lw-key-part", {}, h("i.lw-swatch", { style: `background:${TINTS[verdict]}` }), words, " ");
  if (told === "unsaid") return [part("unlike", FAR)];
  return ["unusual", "unlike"].map((verdict) => part(verdict, WORDS[verdict]));
}

/** What the two axes of a plane are called; none where distances and directions mean nothing. own: the words of a person's own plane. */
export function axisNames(choice, own = false) {
  if (own) return ["pin 1 to pin 2", "towards pin 3"];
  const [kind, first, second] = choice.split(":");
  if (kind === "pc") return [first, second].map((index) => `PC ${Number(index) + 1}`);
  return kind === "pair" ? [`z${first}`, `z${second}`] : [];
}

/** "PC 1 0.42 · PC 2 −1.10" */
function placeWords(names, coordinates) {
  return names.map((name, i) => `${name} ${coordinates[i].toFixed(2).replace("-", "−")}`).join(" · ");
}

/** What a label is called; null where the images have no classes. */
export function className(classes, label) {
  return classes.length === 0 ? null : (classes[label] ?? `${label}`);
}

/** "test image 5018, a 2"; name: of its class, or null */
export function imageWords(index, name) {
  if (name === null) return `test image ${index}`;
  return `test image ${index}, ${/^[aeiou8]/i.test(name) ? "an" : "a"} ${name}`;
}

/** What is said of the committed place. image: the words of the test image whose code it is, or null; near: of the nearest point, or null */
export function hereWords(names, coordinates, image, { near, flat }) {
  const place = coordinates && names.length > 0 ? placeWords(names, coordinates) : "";
  if (image !== null) return `You are at ${place && `${place}: `}${image}, its own z${flat || !place ? "" : ", not the plane's"}.`;
  const hint = near ? ` The nearest point is ${near}: Enter takes it.` : "";
  return place && `You are at ${place}.${hint}`;
}

/** What the points are. flat: the latent space itself is a plane */
export function pointWords({ shown, count, flat, kind }) {
  const some = shown < count ? `${THOUSANDS.format(shown)} of ${THOUSANDS.format(count)} test images` : `${THOUSANDS.format(count)} test images`;
  if (kind in EMBEDDINGS) return `Points: the codes of ${some}, where ${EMBEDDINGS[kind]} puts them`;
  return flat ? `Points: the codes of ${some}` : `Points: the codes of ${some}, projected onto this plane`;
}

function allWords(sampling, count, sample) {
  return sampling ? `show all ${THOUSANDS.format(count)}` : `show ${THOUSANDS.format(sample)}`;
}

/** What the background is; "" for none. */
function groundWords(kind, { flat, own }) {
  const where = flat ? "" : own ? " on the plane through three pins" : " on the slice through your point (+)";
  if (kind === "manifold" || kind === "holes") return `Background: what the decoder draws${where || " at each place"}`;
  if (kind === "quantiles") return `Background: what the decoder draws${where}, at steps of equal probability under the prior: close together where z is likely`;
  if (kind === "density") return `Background: how dense the codes of test images are${where}, log q(z)`;
  return "";
}
