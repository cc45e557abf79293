// onnxruntime-web as the page carries it: its module as an address, which a worker imports, and its WebAssembly as bytes.

/** The promise of {module (address), wasm (bytes)}, once for all models; runtime: of page.json. */
export async function runtimeOf({ module, wasm }, data) {
  const [code, program] = await Promise.all([data.bytes(module), data.bytes(wasm)]);
  return { module: URL.createObjectURL(new Blob([code], { type: "text/javascript" })), wasm: program };
}
