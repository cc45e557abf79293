// Numbers as people type and read them, and the standard normal distribution.

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

/** Phi(x), to 1.5e-7 (Abramowitz & Stegun 1964, 7.1.26). */
export function normalShare(x) {
  const t = 1 / (1 + (0.3275911 * Math.abs(x)) / Math.SQRT2);
  const poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const erf = 1 - poly * Math.exp((-x * x) / 2);
  return 0.5 * (1 + Math.sign(x) * erf);
}

/** The inverse of normalShare by bisection. */
export function normalQuantile(share) {
  let [low, high] = [-9, 9];
  for (let i = 0; i < 60; i += 1) {
    const middle = (low + high) / 2;
    if (normalShare(middle) < share) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
