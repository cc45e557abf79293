// The frames of /live (ui/server/live_route.py describes them), both ways. Little endian. What an answer is made of is known here and to its
// renderer (renderer/), and nowhere else: everything between hands it on as it is.

const [PICTURE, GREETING, MANY, PLACES, PATH, SAMPLES, BUSY, TRAINING, DRAW, MOVING, MOVING_JPEG] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
export const KINDS = ["linear", "spherical", "geodesic"]; // of path
export const VERDICTS = ["like", "unusual", "unlike", "unsaid", "measuring", "unmeasured"];
export const DENSITIES = 1; // what is asked of places; 0 is everything
export const LIKENESS = 2;
const FIELDS = 8; // float32 for each place
const ERRORS = 4; // float32 before them
const EVEN = 0x80;

/** How answers are read, by the second byte of a model's greeting and of every frame with answers: (view, start, count) -> answers,
 *  each with its `kind`. 1 and 3 are pixels with so many channels. */
export const READERS = { 1: readPixels, 3: readPixels };

/** u8 kind, u24 zero or 1 + the step of a training, u32 sequence, u32 seed if the pixels are drawn with noise, float32 z. Without noise
 *  a newer one overtakes it, and it may come as a JPEG file. */
export function encodePicture(sequence, z, step = null, noise = null, jpeg = false) {
  const kind = noise !== null ? DRAW : jpeg ? MOVING_JPEG : MOVING;
  const frame = new ArrayBuffer((noise === null ? 8 : 12) + 4 * z.length);
  const view = new DataView(frame);
  view.setUint32(0, kind | ((step === null ? 0 : step + 1) << 8), true);
  view.setUint32(4, sequence, true);
  if (noise !== null) view.setUint32(8, noise, true);
  new Float32Array(frame, noise === null ? 8 : 12).set(z);
  return frame;
}

export function encodeMany(sequence, side, points) {
  return encodePoints(MANY, side, sequence, points);
}

export function encodePlaces(sequence, what, points) {
  return encodePoints(PLACES, what, sequence, points);
}

/** A path of `count` points through `stops`. */
export function encodePath(sequence, stops, { kind, even, count }) {
  return encodePoints(PATH, KINDS.indexOf(kind) | (even ? EVEN : 0) | (count << 8), sequence, stops);
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

/** One z at several steps of the training. */
export function encodeTraining(sequence, side, steps, z) {
  const frame = new ArrayBuffer(12 + 4 * (steps.length + z.length));
  head(frame, TRAINING, side, sequence).setUint32(8, steps.length, true);
  new Uint32Array(frame, 12, steps.length).set(steps);
  new Float32Array(frame, 12 + 4 * steps.length).set(z);
  return frame;
}

/** u8 kind, u8 zero, u16 option, u32 sequence, then every point as D x float32. */
function encodePoints(kind, option, sequence, points) {
  const size = points[0].length;
  const frame = new ArrayBuffer(8 + 4 * size * points.length);
  head(frame, kind, option, sequence);
  const values = new Float32Array(frame, 8); // every machine a browser runs on is little endian
  points.forEach((point, i) => values.set(point, i * size));
  return frame;
}

function head(frame, kind, option, sequence) {
  const view = new DataView(frame);
  view.setUint8(0, kind);
  view.setUint16(2, option, true);
  view.setUint32(4, sequence, true);
  return view;
}

/** {latentDim, device} of a greeting; null for any other frame. */
export function readGreeting(buffer) {
  const view = new DataView(buffer);
  if (view.getUint8(0) !== GREETING) return null;
  return { latentDim: view.getUint16(2, true), device: new TextDecoder().decode(new Uint8Array(buffer, 8)) };
}

/** {sequence, served: ms on the server, bytes, answer}, or `jpeg` in place of the answer: {height, width, channels, file}; throws on
 *  a frame that contradicts itself. */
export function readPicture(buffer) {
  const view = new DataView(buffer);
  const kind = view.getUint8(0);
  if (![PICTURE, MOVING, MOVING_JPEG].includes(kind)) throw new Error(`a frame of kind ${kind} where a picture was asked for`);
  const reply = { sequence: view.getUint32(4, true), served: view.getUint16(2, true) / 10, bytes: buffer.byteLength };
  if (kind !== MOVING_JPEG) return { ...reply, answer: answers(view, 8, 1)[0] };
  const [channels, height, width] = [view.getUint8(1), view.getUint16(8, true), view.getUint16(10, true)];
  return { ...reply, jpeg: { height, width, channels, file: new Uint8Array(buffer, 12) } };
}

/** {sequence, result} of what encodeMany, encodePlaces, encodePath, encodeSamples and encodeTraining ask. */
export function readAnswer(buffer) {
  const view = new DataView(buffer);
  const [kind, count] = [view.getUint8(0), view.getUint16(2, true)];
  const answer = (result) => ({ sequence: view.getUint32(4, true), result });
  if (kind === MANY || kind === TRAINING) return answer(answers(view, 8, count));
  if (kind === PLACES) return answer(places(new Float32Array(buffer, 8)));
  if (kind === PATH || kind === SAMPLES) return answer(path(view, count, kind === PATH));
  throw new Error(`a frame of kind ${kind} where an answer was awaited`);
}

/** {sequence, wait} of a question that the server has no time for now, wait in ms; null for any other frame. */
export function readBusy(buffer) {
  const view = new DataView(buffer);
  return view.getUint8(0) === BUSY ? { sequence: view.getUint32(4, true), wait: view.getUint16(2, true) } : null;
}

/** The answer that came with the page's data: {z, answer}, or null. */
export function readPagePicture({ picture, shape }) {
  if (!picture) return null;
  const [height, width, channels] = shape.split("x").map(Number);
  const pixels = Uint8Array.from(atob(picture.pixels), (letter) => letter.charCodeAt(0));
  return { z: picture.z, answer: { kind: "pixels", height, width, channels, pixels } };
}

/** `sizes`: where the frame tells how large each answer is; a path has its z between that and the answers, which begin at `start`. */
function answers(view, sizes, count, start = sizes + 4) {
  return READERS[view.getUint8(1)](view, sizes, count, start);
}

function readPixels(view, sizes, count, start) {
  const [channels, height, width] = [view.getUint8(1), view.getUint16(sizes, true), view.getUint16(sizes + 2, true)];
  const size = height * width * channels;
  if (view.byteLength - start !== count * size) {
    throw new Error(`a frame with ${view.byteLength - start} pixels for ${count} x ${height}x${width}x${channels}`);
  }
  return Array.from({ length: count }, (_, i) => ({ kind: "pixels", height, width, channels, pixels: new Uint8Array(view.buffer, start + i * size, size) }));
}

/** {z, pictures}, for a path also {changes, typical, said}. */
function path(view, count, figures) {
  const size = view.getUint16(12, true);
  const floats = new Float32Array(view.buffer, 16, count * (size + (figures ? 2 : 0)));
  const z = Array.from({ length: count }, (_, i) => Array.from(floats.subarray(i * size, (i + 1) * size)));
  const found = { z, pictures: answers(view, 8, count, 16 + 4 * floats.length) };
  if (!figures) return found;
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
