// Arrays as NumPy keeps them: .npy files in a zip archive, not compressed.

/** A .npy file; descr: NumPy's name of the type, "<f4" for float32 and "|u1" for bytes. */
export function npyOf(descr, shape, values) {
  const words = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape.join(", ")},), }`;
  const length = 64 * Math.ceil((10 + words.length + 1) / 64);
  const file = new Uint8Array(length + values.byteLength);
  file.set([0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, (length - 10) & 255, (length - 10) >> 8]);
  file.set(new TextEncoder().encode(`${words.padEnd(length - 11)}\n`), 10);
  file.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), length);
  return file;
}

const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function crc32(bytes) {
  let value = -1;
  for (const byte of bytes) value = TABLE[(value ^ byte) & 255] ^ (value >>> 8);
  return ~value >>> 0;
}

/** files: {name: Uint8Array} */
export function zipOf(files) {
  const [parts, index] = [[], []];
  let at = 0;
  for (const [name, bytes] of Object.entries(files)) {
    const title = new TextEncoder().encode(name);
    const facts = [0x00210000, crc32(bytes), bytes.length, bytes.length]; // 1 January 1980, the first day that a zip knows
    parts.push(record(0x04034b50, [20, 0, 0], facts, [title.length, 0]), title, bytes);
    index.push(record(0x02014b50, [20, 20, 0, 0], facts, [title.length, 0, 0, 0, 0, 0, 0], at), title);
    at += 30 + title.length + bytes.length;
  }
  const size = index.reduce((sum, part) => sum + part.length, 0);
  const count = index.length / 2;
  const end = new Uint8Array(22);
  const view = new DataView(end.buffer);
  view.setUint32(0, 0x06054b50, true);
  [count, count].forEach((value, i) => view.setUint16(8 + 2 * i, value, true));
  [size, at].forEach((value, i) => view.setUint32(12 + 4 * i, value, true));
  return joinedBytes([...parts, ...index, end]);
}

/** Signature, 16-bit fields, 32-bit fields, 16-bit fields; with an offset, that of a file in the index. */
function record(signature, before, facts, after, offset = null) {
  const bytes = new Uint8Array(4 + 2 * (before.length + after.length) + 4 * facts.length + (offset === null ? 0 : 4));
  const view = new DataView(bytes.buffer);
  let at = 4;
  view.setUint32(0, signature, true);
  for (const value of before) view.setUint16((at += 2) - 2, value, true);
  for (const value of facts) view.setUint32((at += 4) - 4, value, true);
  for (const value of after) view.setUint16((at += 2) - 2, value, true);
  if (offset !== null) view.setUint32(at, offset, true);
  return bytes;
}

function joinedBytes(parts) {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
