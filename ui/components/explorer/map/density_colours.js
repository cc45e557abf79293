// The colours of a density: log q(z) over the part of the plane in view, from dark to light.

export const RAMP = [[10, 10, 28], [38, 38, 104], [76, 98, 214], [142, 164, 255], [232, 238, 255]];

const NATS = 4; // shown for each dimension below the highest in view, and at least twice as many: farther down all is dark

/** The range of log densities that is told apart, [low, high] in nats. */
export function rangeOf(values, latentDim) {
  const high = Math.max(...values);
  return [Math.max(Math.min(...values), high - Math.max(2 * NATS, NATS * latentDim)), high];
}

/** [r, g, b] of a log density in a range. */
export function colourOf(value, [low, high]) {
  const share = high > low ? Math.min(1, Math.max(0, (value - low) / (high - low))) : 1;
  const at = share * (RAMP.length - 1);
  const i = Math.min(RAMP.length - 2, Math.floor(at));
  return RAMP[i].map((from, c) => Math.round(from + (at - i) * (RAMP[i + 1][c] - from)));
}
