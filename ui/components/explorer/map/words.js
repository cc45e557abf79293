// Sentences of the map.

import { EMBEDDINGS } from "./embedding.js";

const THOUSANDS = new Intl.NumberFormat("en");

/** What the two axes of a plane are called; none where distances and directions mean nothing. own: the words of a person's own plane. */
export function axisNames(choice, own = false) {
  if (own) return ["pin 1 to pin 2", "towards pin 3"];
  const [kind, first, second] = choice.split(":");
  if (kind === "pc") return [first, second].map((index) => `PC ${Number(index) + 1}`);
  return kind === "pair" ? [`z${first}`, `z${second}`] : [];
}

/** "PC 1 0.42 · PC 2 −1.10" */
export function placeWords(names, coordinates) {
  return names.map((name, i) => `${name} ${coordinates[i].toFixed(2).replace("-", "−")}`).join(" · ");
}

/** "test image 5018, a 2" */
export function imageWords(index, name) {
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

export function allWords(sampling, count, sample) {
  return sampling ? `show all ${THOUSANDS.format(count)}` : `show ${THOUSANDS.format(sample)}`;
}

/** What the background is; "" for none. */
export function groundWords(kind, { flat, own }) {
  const where = flat ? "" : own ? " on the plane through three pins" : " on the slice through your point (+)";
  if (kind === "manifold" || kind === "holes") return `Background: what the decoder draws${where || " at each place"}`;
  if (kind === "quantiles") return `Background: what the decoder draws${where}, at steps of equal probability under the prior: close together where z is likely`;
  if (kind === "density") return `Background: how dense the codes of all test images are${where}, log q(z)`;
  return "";
}
