// What a picture looks like: its lightness, its border, its ink. The rules are those of vae_core/images/detect_ink.py.

import { averaged } from "./resize.js";

const CONTRAST = 16; // of 256 levels: less than this is one flat tone
const THUMB = 64; // pixels a side, averaged down to: what noise cannot sway
const SPECKLED = 128; // pixels of the shorter side from which single specks of a photograph are not ink

/** Mean lightness in [0, 1] of what is not transparent in an RGBA picture; 0 where everything is. */
export function lightnessOfOpaque({ data }) {
  let [sum, weight] = [0, 0];
  for (let i = 0; i < data.length; i += 4) {
    const grey = (data[i] * 19595 + data[i + 1] * 38470 + data[i + 2] * 7471 + 0x8000) >> 16;
    sum += (grey / 255) * data[i + 3];
    weight += data[i + 3];
  }
  return weight === 0 ? 0 : sum / weight;
}

/** Whether the border is lighter than the middle of the picture's range; one flat tone counts as what it is. */
export function darkOnLight(picture) {
  const thumb = thumbOf(picture);
  const [least, most] = rangeOf(thumb.data);
  const [low, high] = most - least >= CONTRAST ? [least, most] : [0, 255];
  return medianOf(frameOf(thumb)) > (low + high) / 2;
}

/** [lightness of the background with its unevenness, of the brightest ink]; on a light background the whole range. */
export function levelsOf(picture) {
  const thumb = thumbOf(picture);
  const [least, most] = rangeOf(thumb.data);
  if (darkOnLight(picture)) return [least, most];
  const border = frameOf(thumb);
  const paper = medianOf(border);
  return [Math.min(percentile(border, 0.95), paper + 0.4 * (most - paper)), most];
}

/** The box [left, top, right, bottom] around what is clearly lighter than the border; null where nothing is. */
export function inkBox(picture) {
  const { width, height } = picture;
  const { data } = Math.min(width, height) >= SPECKLED ? despeckled(picture) : picture;
  const paper = medianOf(frameOf({ width, height, channels: 1, data }));
  const [, high] = rangeOf(data);
  if (high - paper < CONTRAST) return null;
  const least = paper + 0.1 * (high - paper);
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let i = 0; i < data.length; i += 1) {
    if (data[i] <= least) continue;
    const [x, y] = [i % width, Math.floor(i / width)];
    if (x < left) left = x;
    if (x >= right) right = x + 1;
    if (y < top) top = y;
    if (y >= bottom) bottom = y + 1;
  }
  return [left, top, right, bottom];
}

/** The outermost values of a grey picture. */
export function frameOf({ width, height, data }) {
  return Array.from(data).filter((_, i) => i < width || i >= width * (height - 1) || i % width === 0 || i % width === width - 1);
}

export function medianOf(values) {
  return percentile(values, 0.5);
}

function percentile(values, share) {
  const ordered = Array.from(values).sort((a, b) => a - b);
  const at = share * (ordered.length - 1);
  const low = Math.floor(at);
  return ordered[low] + (at - low) * ((ordered[low + 1] ?? ordered[low]) - ordered[low]);
}

function rangeOf(values) {
  let [low, high] = [255, 0];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

function thumbOf(picture) {
  return averaged(picture, Math.min(THUMB, picture.width), Math.min(THUMB, picture.height));
}

/** The median over each pixel and its eight neighbours. */
function despeckled({ width, height, channels, data }) {
  const made = new Uint8Array(data.length);
  const near = new Uint8Array(9);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      for (let k = 0; k < 9; k += 1) {
        const row = Math.min(height - 1, Math.max(0, y + Math.floor(k / 3) - 1));
        near[k] = data[row * width + Math.min(width - 1, Math.max(0, x + (k % 3) - 1))];
      }
      made[y * width + x] = near.sort()[4];
    }
  }
  return { width, height, channels, data: made };
}
