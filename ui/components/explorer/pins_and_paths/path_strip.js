// What a path is like: painted as a strip of its pictures and bars of how much they change, and in numbers and words.
// path: {z, pictures, changes, typical, said} as from connection/query_connection.js.

import { fitted } from "../elements.js";
import { drawTint } from "../map/background.js";
import { UNUSUAL } from "../picture/likeness.js";
import { drawAnswer, ratioOf } from "../renderer/renderer.js";

const GAP = 1; // px between bars where there is room
const MOST_POINTS = 240;
const LEG = 60; // steps between two stops, where they are few

/** Its pictures side by side, with the tint of what is unlike the data over them. */
export function paintStrip(canvas, { pictures, typical }) {
  const { context, width, height } = fitted(canvas);
  const frames = Math.max(2, Math.min(pictures.length, Math.round(width / (height * ratioOf(pictures[0])))));
  frameIndices(pictures.length, frames).forEach((index, i) => {
    const [from, to] = [Math.round((i * width) / frames), Math.round(((i + 1) * width) / frames)];
    drawAnswer(context, pictures[index], [from, 0, to - from, height], true);
  });
  typical.forEach((share, i) => {
    const [from, to] = [(i * width) / typical.length, ((i + 1) * width) / typical.length];
    drawTint(context, share, [from, 0, to - from, height]);
  });
}

/** Bars on a scale from 0 to `highest`, in the canvas's own text colour. */
export function paintChanges(canvas, changes, highest) {
  const { context, width, height } = fitted(canvas);
  context.fillStyle = getComputedStyle(canvas).color;
  changes.forEach((change, i) => {
    const [from, to] = [(i * width) / changes.length, ((i + 1) * width) / changes.length];
    const tall = highest > 0 ? Math.max(1, (height * change) / highest) : 1;
    context.fillRect(from, height - tall, to - from > 3 ? to - from - GAP : to - from, tall);
  });
}

export function clear(canvas) {
  const { context, width, height } = fitted(canvas);
  context.clearRect(0, 0, width, height);
}

/** How many points a path through so many stops has: enough to play it smoothly. */
export function pointsOf(stops) {
  return 1 + (stops - 1) * Math.min(LEG, Math.floor((MOST_POINTS - 1) / (stops - 1)));
}

/** {length, largest, uneven, off, said}: sum and largest of the changes, largest over mean, share of unusual points. */
export function figuresOf({ changes, typical, said }) {
  const length = changes.reduce((sum, change) => sum + change, 0);
  const largest = Math.max(...changes, 0);
  const known = typical.filter(Number.isFinite);
  const off = known.length === 0 ? null : known.filter((share) => share < UNUSUAL).length / known.length;
  return { length, largest, uneven: length > 0 ? (largest * changes.length) / length : 1, off, said };
}

export function figureWords({ length, uneven, off, said }) {
  return `length ${length.toFixed(1)} · largest step ${uneven.toFixed(1)} × the mean${off === null ? "" : ` · ${shareWords(off, said)}`}`;
}

function shareWords(off, said) {
  const share = `${Math.max(1, Math.round(100 * off))} %`;
  if (said) return off === 0 ? "looks like the data all the way" : `${share} unusual or unlike the data`;
  return off === 0 ? "near real codes all the way" : `${share} far from real codes`;
}

/** Indices of `frames` pictures out of `count`, both ends included. */
export function frameIndices(count, frames) {
  if (frames <= 1) return [0];
  return Array.from({ length: frames }, (_, i) => Math.round((i * (count - 1)) / (frames - 1)));
}
