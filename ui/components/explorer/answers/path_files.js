// A path as a file that is made in the page: the same pictures, sizes and times as those of vae_core/images/export_formats.py.

import { gifOf } from "./gif.js";
import { npyOf, zipOf } from "./npz.js";
import { drawAnswer } from "../renderer/renderer.js";

const SHOWN = 280; // px: small pictures are enlarged to about this, in whole steps, without smoothing
const SHEET_SIDE = 84; // px, the same on a sheet
const MOST_PIXELS = 48_000_000; // of all pictures of one file, enlarged
const SECONDS = 3; // a film lasts one way
const GAP = 2; // px between the pictures of a sheet

/** {kind: (z, pictures) -> Blob or its promise} */
export const PATH_FILES = { gif: film, sheet, npz: numbers };

/** A film to and fro that repeats for ever. */
function film(z, pictures) {
  const order = [...pictures, ...pictures.slice(1, -1).reverse()];
  const hundredths = Math.max(2, Math.round((100 * SECONDS) / pictures.length)); // viewers show a GIF that asks for less five times as slowly
  return new Blob([gifOf(order, times(pictures, SHOWN), hundredths)], { type: "image/gif" });
}

/** All pictures in rows on one PNG, about square. */
function sheet(z, pictures) {
  const scale = times(pictures, SHEET_SIDE);
  const [height, width] = [pictures[0].height * scale + GAP, pictures[0].width * scale + GAP];
  const columns = Math.ceil(Math.sqrt(pictures.length));
  const rows = Math.ceil(pictures.length / columns);
  const canvas = Object.assign(document.createElement("canvas"), { width: columns * width - GAP, height: rows * height - GAP });
  const context = canvas.getContext("2d");
  context.fillRect(0, 0, canvas.width, canvas.height);
  pictures.forEach((picture, i) => drawAnswer(context, picture, [(i % columns) * width, Math.floor(i / columns) * height, width - GAP, height - GAP]));
  return new Promise((made) => canvas.toBlob(made, "image/png"));
}

/** `z` (K, D) and `pictures` (K, H, W, C) for NumPy. */
function numbers(z, pictures) {
  const { height, width, channels } = pictures[0];
  const pixels = new Uint8Array(pictures.length * height * width * channels);
  pictures.forEach((picture, i) => pixels.set(picture.pixels, i * height * width * channels));
  const files = {
    "z.npy": npyOf("<f4", [z.length, z[0].length], Float32Array.from(z.flat())),
    "pictures.npy": npyOf("|u1", [pictures.length, height, width, channels], pixels),
  };
  return new Blob([zipOf(files)], { type: "application/zip" });
}

/** How often each pixel is repeated, so that a picture has about `side` pixels and all together not too many. */
function times(pictures, side) {
  const { height, width } = pictures[0];
  return Math.max(1, Math.min(Math.round(side / Math.max(height, width)), Math.floor(Math.sqrt(MOST_PIXELS / (pictures.length * height * width)))));
}
