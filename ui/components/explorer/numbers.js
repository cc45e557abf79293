// What a slider spans. A range is state of its own: it grows to hold a value and is the data's own again when the value is back, both
// between drags only, so that dragging cannot change it.

const STEPS = 100; // arrow keys: fine steps over the range
const COARSE_STEPS = 10; // with Shift

/** The range of a dimension, widened where needed to hold `values`. */
export function widened({ low, high }, values) {
  return { low: Math.min(low, ...values), high: Math.max(high, ...values) };
}

/** The range after a new value: `base` where that holds it, else what there was, widened. */
export function refitted(base, range, value) {
  return value >= base.low && value <= base.high ? base : widened(widened(base, [range.low, range.high]), [value]);
}

/** Where value lies in the range, 0..1. */
export function fraction({ low, high }, value) {
  return (value - low) / (high - low);
}

/** The size of one key press. */
export function keyStep({ low, high }, coarse) {
  return rounded((high - low) / (coarse ? COARSE_STEPS : STEPS)) || 0.001;
}

export function clamped({ low, high }, value) {
  return Math.min(high, Math.max(low, value));
}

/** Three decimals: finer than a pixel of any slider, and short in the address. */
export function rounded(value) {
  return Math.round(value * 1000) / 1000;
}

/** A value typed by a person, or null when it is not a number. A comma counts as a decimal point. */
export function parsed(text) {
  const cleaned = text.trim().replace("−", "-").replace(",", ".");
  const value = Number(cleaned);
  return cleaned !== "" && Number.isFinite(value) && Math.abs(value) <= 1000 ? value : null;
}

export function shown(value) {
  return (Object.is(value, -0) ? 0 : value).toFixed(2).replace("-0.00", "0.00").replace("-", "−");
}

/** One draw from N(0, 1) (Box and Muller 1958). */
export function normal(random = Math.random) {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
