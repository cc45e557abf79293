// The files of the page, by their names: beside it on the server that it came from, or in the page itself where it is a single file.

/** The bytes of a file, an ArrayBuffer; throws a sentence. */
export async function bytesOf(file) {
  const inline = document.querySelector(`script[data-file="${CSS.escape(file)}"]`);
  if (inline !== null) return Uint8Array.from(atob(inline.textContent), (letter) => letter.charCodeAt(0)).buffer;
  const response = await fetch(new URL(file.split("/").map(encodeURIComponent).join("/"), document.baseURI));
  if (!response.ok) throw new Error(`${file} cannot be read (${response.status})`);
  return response.arrayBuffer();
}

export async function jsonOf(file) {
  return JSON.parse(new TextDecoder().decode(await bytesOf(file)));
}
