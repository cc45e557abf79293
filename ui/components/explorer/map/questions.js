// Frames for many pictures and for places (ui/live_questions.py), both ways. Little endian.

export const MANY = 3;
export const WHERE = 4;
export const VERDICTS = ["on the data", "thin", "hole"];
const FIELDS = 6; // float32 for each place

/** u8 kind, u8 zero, u16 side, u32 sequence, then every point as D x float32. */
export function encodeQuestion(kind, side, sequence, points) {
  const size = points[0].length;
  const frame = new ArrayBuffer(8 + 4 * size * points.length);
  const view = new DataView(frame);
  view.setUint8(0, kind);
  view.setUint16(2, side, true);
  view.setUint32(4, sequence, true);
  const values = new Float32Array(frame, 8); // every machine a browser runs on is little endian
  points.forEach((point, i) => values.set(point, i * size));
  return frame;
}

/** {sequence, result}; null for a greeting. */
export function decodeAnswer(buffer) {
  const view = new DataView(buffer);
  const kind = view.getUint8(0);
  if (kind === MANY) return { sequence: view.getUint32(4, true), result: pictures(view, buffer) };
  if (kind === WHERE) return { sequence: view.getUint32(4, true), result: places(new Float32Array(buffer.slice(8))) };
  return null;
}

function pictures(view, buffer) {
  const channels = view.getUint8(1);
  const count = view.getUint16(2, true);
  const height = view.getUint16(8, true);
  const width = view.getUint16(10, true);
  const size = height * width * channels;
  const at = (i) => ({ height, width, channels, pixels: new Uint8Array(buffer, 12 + i * size, size) });
  return Array.from({ length: count }, (_, i) => at(i));
}

function places(values) {
  return Array.from({ length: values.length / FIELDS }, (_, i) => {
    const [distance, percentile, logPrior, logAggregate, cycle, verdict] = values.subarray(i * FIELDS, (i + 1) * FIELDS);
    return { distance, percentile, logPrior, logAggregate, cycle, verdict: VERDICTS[verdict] };
  });
}
