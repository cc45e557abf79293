// Paths through points of a latent space, linear or spherical; vae_core/latent/paths.py says why they are made so, and also finds
// geodesics, for which it needs the decoder's gradients. tests/js/test_browser_paths.py compares the two.

const FINE = 8; // times as many points as asked for when steps are to be equal
const PASS = 1 << 20; // numbers decoded at a time

/** {z, pictures, changes}: a path of `count` points through stops. meansOf(points): promise of {values (N x C x H x W), shape: [C, H, W]},
 *  or of null when nobody waits any more; then this is null. */
export async function pathThrough(meansOf, stops, { kind, even, count }) {
  let z = joined(stops.map((stop) => stop.map(Math.fround)), kind, count);
  if (even) {
    const fine = refined(z, (count - 1) * FINE + 1);
    const { changes = null } = (await walked(meansOf, fine)) ?? {};
    if (changes === null) return null;
    z = equalSteps(fine, changes, count);
  }
  z = z.map((point) => point.map(Math.fround));
  const found = await walked(meansOf, z, true);
  return found && { z, ...found };
}

/** {pictures (if kept), changes: how much each picture differs from the one before} */
async function walked(meansOf, points, keep = false) {
  const [pictures, changes] = [[], []];
  let [last, size] = [null, 1];
  for (let at = 0; at < points.length; ) {
    const found = await meansOf(points.slice(at, at + size));
    if (found === null) return null;
    const { values, shape } = found;
    const length = shape[0] * shape[1] * shape[2];
    for (let i = 0; i < values.length; i += length) {
      const mean = values.subarray(i, i + length);
      if (last !== null) changes.push(apart(last, mean));
      last = mean;
    }
    if (keep) pictures.push(...picturesOf(found));
    at += values.length / length;
    size = Math.max(1, Math.floor(PASS / length));
  }
  return { pictures, changes };
}

/** Means in [0, 1] as answers. */
export function picturesOf({ values, shape: [channels, height, width] }) {
  const area = height * width;
  return Array.from({ length: values.length / (channels * area) }, (_, i) => {
    const pixels = new Uint8ClampedArray(area * channels); // clips, and rounds halves to the even number, as NumPy does
    for (let p = 0; p < area; p += 1) {
      for (let c = 0; c < channels; c += 1) pixels[p * channels + c] = 255 * values[(i * channels + c) * area + p];
    }
    return { kind: "pixels", height, width, channels, pixels: new Uint8Array(pixels.buffer) };
  });
}

function apart(a, b) {
  let square = 0;
  for (let i = 0; i < a.length; i += 1) square += (a[i] - b[i]) ** 2;
  return Math.sqrt(square);
}

/** Segments of about equal numbers of points, joined without repeating the stops. */
export function joined(stops, kind, count) {
  const segment = kind === "spherical" ? spherical : linear;
  const marks = stops.map((_, i) => evenRound((i * (count - 1)) / (stops.length - 1)));
  const points = [stops[0]];
  for (let i = 1; i < stops.length; i += 1) points.push(...segment(stops[i - 1], stops[i], marks[i] - marks[i - 1] + 1).slice(1));
  return points;
}

/** To the nearest whole number, halves to the even one. */
function evenRound(value) {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

function linear(a, b, count) {
  return Array.from({ length: count }, (_, i) => a.map((start, d) => start + (i / (count - 1)) * (b[d] - start)));
}

/** Constant angular speed, with the norm going evenly from one's to the other's; where the angle is not defined the straight line. */
function spherical(a, b, count) {
  const [from, to] = [Math.hypot(...a), Math.hypot(...b)];
  if (Math.min(from, to) < 1e-9) return linear(a, b, count);
  const [u, v] = [a.map((value) => value / from), b.map((value) => value / to)];
  const angle = Math.acos(Math.min(1, Math.max(-1, u.reduce((sum, value, d) => sum + value * v[d], 0))));
  if (Math.sin(angle) < 1e-6) return linear(a, b, count);
  return Array.from({ length: count }, (_, i) => {
    const t = i / (count - 1);
    const [before, after] = [Math.sin((1 - t) * angle), Math.sin(t * angle)].map((part) => (part / Math.sin(angle)) * ((1 - t) * from + t * to));
    return u.map((value, d) => before * value + after * v[d]);
  });
}

/** `count` points at equal shares of the given ones' numbers on the same broken line. */
function refined(path, count) {
  return Array.from({ length: count }, (_, i) => at(path, (i * (path.length - 1)) / (count - 1)));
}

function at(path, place) {
  const before = Math.min(path.length - 2, Math.floor(place));
  return path[before].map((value, d) => value + (place - before) * (path[before + 1][d] - value));
}

/** Points on the same broken line at equal shares of the step lengths: the picture changes evenly. */
function equalSteps(path, lengths, count) {
  const travelled = [0];
  for (const length of lengths) travelled.push(travelled.at(-1) + length);
  const whole = travelled.at(-1);
  if (!(whole > 0)) return refined(path, count); // the picture never changes: even steps in z are as good as any
  let before = 0;
  return Array.from({ length: count }, (_, i) => {
    const wanted = (i * whole) / (count - 1);
    while (before < path.length - 2 && travelled[before + 1] < wanted) before += 1;
    const step = travelled[before + 1] - travelled[before];
    return at(path, before + (step > 0 ? Math.min(1, (wanted - travelled[before]) / step) : 0));
  });
}
