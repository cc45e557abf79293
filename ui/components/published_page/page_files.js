// The files of the page, by their names: beside it on the server that it came from, or in the page itself where it is a single file.

const kept = new Map(); // file -> promise of its bytes: what was read once is there without a network

/** The bytes of a file, an ArrayBuffer; throws a sentence. */
export function bytesOf(file) {
  const inline = document.querySelector(`script[data-file="${CSS.escape(file)}"]`);
  if (inline !== null) return Promise.resolve(Uint8Array.from(atob(inline.textContent), (letter) => letter.charCodeAt(0)).buffer);
  if (!kept.has(file)) {
    const found = fetched(file);
    kept.set(file, found);
    found.catch(() => kept.delete(file)); // to be tried again
  }
  return kept.get(file);
}

async function fetched(file) {
  const response = await fetch(new URL(file.split("/").map(encodeURIComponent).join("/"), document.baseURI));
  if (!response.ok) throw new Error(`${file} cannot be read (${response.status})`);
  return response.arrayBuffer();
}

/** Reads everything that the models of the page may want later, one after the other; then the page needs no network any more. */
export async function readAhead(data) {
  for (const name of data.page.models) {
    const { decoder, encoder, points, thumbnails } = await data.model(name);
    for (const part of [decoder, encoder, points, thumbnails]) if (part !== null) await bytesOf(part.file);
  }
}

export async function jsonOf(file) {
  return JSON.parse(new TextDecoder().decode(await bytesOf(file)));
}
