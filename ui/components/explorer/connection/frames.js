// Frames for many pictures, places, paths and draws (ui/server/live_route.py describes them), both ways. Little endian.

export const MANY = 3;
export const WHERE = 4;
export const WALK = 5;
export const SAMPLES = 6;
export const KINDS = ["linear", "spherical", "geodesic"];
export const VERDICTS = ["like", "unusual", "unlike", "unsaid", "measuring"];
export const DENSITIES = 1; // what is asked of places; 0 is everything
export const LIKENESS = 2;
const FIELDS = 8; // float32 for each place
const ERRORS = 4; // float32 before them
const BUSY = 7;
const EVEN = 0x80;

/** u8 kind, u8 zero, u16 side, u32 sequence, then every point as D x float32. */
export function encodeQuestion(kind, side, sequence, points) {
  const size = points[0].length;
  const frame = new ArrayBuffer(8 + 4 * size * points.length);
  head(frame, kind, side, sequence);
  const values = new Float32Array(frame, 8); // every machine a browser runs on is little endian
  points.forEach((point, i) => values.set(point, i * size));
  return frame;
}

/** A path of `count` points through `stops`. */
export function encodeWalk(sequence, stops, { kind, even, count }) {
  return encodeQuestion(WALK, KINDS.indexOf(kind) | (even ? EVEN : 0) | (count << 8), sequence, stops);
}

/** Seeded draws from the prior. */
export function encodeSamples(sequence, { count, seed, temperature, side }) {
  const frame = new ArrayBuffer(20);
  const view = head(frame, SAMPLES, side, sequence);
  view.setUint32(8, count, true);
  view.setUint32(12, seed, true);
  view.setFloat32(16, temperature, true);
  return frame;
}

/** {sequence, result}; null for a greeting. */
export function decodeAnswer(buffer) {
  const view = new DataView(buffer);
  const kind = view.getUint8(0);
  const answer = (result) => ({ sequence: view.getUint32(4, true), result });
  if (kind === MANY) return answer(pictures(view, buffer, 12));
  if (kind === WHERE) return answer(places(new Float32Array(buffer, 8)));
  if (kind === WALK || kind === SAMPLES) return answer(way(view, buffer, kind === WALK));
  return null;
}

/** {sequence, wait} of a question that the server has no time for now, wait in ms; null for any other frame. */
export function readBusy(buffer) {
  const view = new DataView(buffer);
  return view.getUint8(0) === BUSY ? { sequence: view.getUint32(4, true), wait: view.getUint16(2, true) } : null;
}

function head(frame, kind, side, sequence) {
  const view = new DataView(frame);
  view.setUint8(0, kind);
  view.setUint16(2, side, true);
  view.setUint32(4, sequence, true);
  return view;
}

function pictures(view, buffer, start) {
  const channels = view.getUint8(1);
  const count = view.getUint16(2, true);
  const height = view.getUint16(8, true);
  const width = view.getUint16(10, true);
  const size = height * width * channels;
  const at = (i) => ({ height, width, channels, pixels: new Uint8Array(buffer, start + i * size, size) });
  return Array.from({ length: count }, (_, i) => at(i));
}

/** {z, pictures}, for a walk also {changes, typical, said}. */
function way(view, buffer, walked) {
  const count = view.getUint16(2, true);
  const size = view.getUint16(12, true);
  const floats = new Float32Array(buffer, 16, count * (size + (walked ? 2 : 0)));
  const z = Array.from({ length: count }, (_, i) => Array.from(floats.subarray(i * size, (i + 1) * size)));
  const found = { z, pictures: pictures(view, buffer, 16 + 4 * floats.length) };
  if (!walked) return found;
  const column = (i) => Array.from(floats.subarray(count * (size + i), count * (size + i + 1)));
  return { ...found, changes: column(0).slice(1), typical: column(1), said: view.getUint16(14, true) === 1 };
}

/** The model's measure and each place: {auc, missed, midpointsTaken, farTaken} are the same for all. */
function places(values) {
  const [auc, missed, midpointsTaken, farTaken] = values.subarray(0, ERRORS);
  const errors = { auc, missed, midpointsTaken, farTaken };
  return Array.from({ length: (values.length - ERRORS) / FIELDS }, (_, i) => {
    const start = ERRORS + i * FIELDS;
    const [distance, nearer, cycle, logPrior, logAggregate, denser, typical, verdict] = values.subarray(start, start + FIELDS);
    return { distance, nearer, cycle, logPrior, logAggregate, denser, typical, verdict: VERDICTS[verdict], errors };
  });
}
