// What a path is like, in numbers and words. walk: {z, pictures, changes, typical, said} as from Asides.walk.

import { UNUSUAL } from "../picture/likeness.js";

const MOST_POINTS = 240;
const LEG = 60; // steps between two stops, where they are few

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
