// The visitor's graphics card (WebGPU) for decoders that take long without it. Its runtime is another 7 MB, so that small decoders
// never ask for it.

import { BrowserDecoder } from "./browser_decoder.js";

const LONG = 4; // ms for a picture in WebAssembly

/** A proven decoder on the graphics card that is quicker than this one; null where there is none, and nothing of it is left then.
 *  given: see BrowserDecoder; prove(decoder): measures it, and throws where it draws something else. */
export async function quickerOnGpu(decoder, given, prove, signal) {
  if (decoder.milliseconds < LONG || !(await hasGpu())) return null;
  const other = new BrowserDecoder({ ...given, provider: "webgpu", threads: 1 }, signal);
  try {
    await other.open();
    await prove(other);
    if (other.milliseconds < decoder.milliseconds) return other;
  } catch {
    // it cannot be started or draws something else: the other one goes on
  }
  other.close();
  return null;
}

/** Whether there is one: a processor in its place is slower than WebAssembly. */
async function hasGpu() {
  const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
  return Boolean(adapter) && !(adapter.info?.isFallbackAdapter ?? adapter.isFallbackAdapter ?? false);
}
