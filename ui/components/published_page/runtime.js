// onnxruntime-web as the page carries it: its module as an address, which a worker imports, and its WebAssembly as bytes. The address
// holds the module itself: on a page that was opened from the disk a worker may import nothing else, not even a blob of the page's.

/** The promise of {module (address), wasm (bytes)}, once for all models; runtime: of page.json. */
export async function runtimeOf({ module, wasm }, data) {
  const [code, program] = await Promise.all([data.bytes(module), data.bytes(wasm)]);
  return { module: `data:text/javascript;charset=utf-8,${encodeURIComponent(new TextDecoder().decode(code))}`, wasm: program };
}
