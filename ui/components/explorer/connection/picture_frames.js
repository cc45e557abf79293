// The frames of /live (see ui/server/live_route.py), both ways. Everything is little endian.

export const DECODE = 1;
export const HELLO = 2;

/** A request: u8 kind, 3 bytes zero, u32 sequence number, float32 z. */
export function encodeRequest(sequence, z) {
  const frame = new ArrayBuffer(8 + 4 * z.length);
  const view = new DataView(frame);
  view.setUint8(0, DECODE);
  view.setUint32(4, sequence, true);
  for (let i = 0; i < z.length; i += 1) view.setFloat32(8 + 4 * i, z[i], true);
  return frame;
}

/** Any frame of the server; throws on one that contradicts itself. */
export function decodeFrame(buffer) {
  const view = new DataView(buffer);
  const kind = view.getUint8(0);
  const channels = view.getUint8(1);
  if (kind === HELLO) {
    return {
      kind,
      channels,
      latentDim: view.getUint16(2, true),
      height: view.getUint16(4, true),
      width: view.getUint16(6, true),
      device: new TextDecoder().decode(new Uint8Array(buffer, 8)),
    };
  }
  const height = view.getUint16(8, true);
  const width = view.getUint16(10, true);
  const pixels = new Uint8Array(buffer, 12);
  if (kind !== DECODE || pixels.length !== height * width * channels) {
    throw new Error(`a frame of kind ${kind} with ${pixels.length} pixels for ${height}x${width}x${channels}`);
  }
  return { kind, sequence: view.getUint32(4, true), height, width, channels, pixels };
}
