// What a path is like, in numbers and words. walk: {z, pictures, changes, percentiles} as from Asides.walk.

const THIN = 95; // percentiles of the data's own distances, as in vae_core/whereabouts.py
const HOLE = 99.5;
const MOST_POINTS = 240;
const LEG = 60; // steps between two stops, where they are few

/** How many points a path through so many stops has: enough to play it smoothly. */
export function pointsOf(stops) {
  return 1 + (stops - 1) * Math.min(LEG, Math.floor((MOST_POINTS - 1) / (stops - 1)));
}

/** {length, largest, uneven, off}: sum and largest of the changes, largest over mean, share of points where the data is thin. */
export function figuresOf({ changes, percentiles }) {
  const length = changes.reduce((sum, change) => sum + change, 0);
  const largest = Math.max(...changes, 0);
  const known = percentiles.filter(Number.isFinite);
  const off = known.length === 0 ? null : known.filter((percentile) => percentile > THIN).length / known.length;
  return { length, largest, uneven: length > 0 ? (largest * changes.length) / length : 1, off };
}

export function figureWords({ length, uneven, off }) {
  const whereabouts = off === null ? "" : off === 0 ? " · all on the data" : ` · ${Math.max(1, Math.round(100 * off))} % off the data`;
  return `length ${length.toFixed(1)} · largest step ${uneven.toFixed(1)} × the mean${whereabouts}`;
}

export function verdictOf(percentile) {
  if (!Number.isFinite(percentile)) return "";
  if (percentile > HOLE) return "hole";
  return percentile > THIN ? "thin" : "on the data";
}

/** Indices of `frames` pictures out of `count`, both ends included. */
export function frameIndices(count, frames) {
  if (frames <= 1) return [0];
  return Array.from({ length: frames }, (_, i) => Math.round((i * (count - 1)) / (frames - 1)));
}
