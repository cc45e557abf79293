// From a picture to what the encoder takes, in the default steps of vae_core/images/rotate_crop_resize.py: laid on a background, grey,
// inverted, levelled, placed, resized. Each step that does something is told with its picture.

import { darkOnLight, inkBox, levelsOf, lightnessOfOpaque } from "./detect_ink.js";
import { blank, reduced, resized, round } from "./resize.js";

const WORK = 1024; // pixels, longest side that the steps work on, and the two limits beside it: see decode_upload.py there
const SHORT = 256;
const WORK_PIXELS = 2_000_000;
const COLOURLESS = 2; // levels by which the channels of a grey picture may differ
const CONTRAST = 16; // of 256 levels: less than this is one flat tone

/** picture: RGBA. Returns {values (Float32Array C x H x W in [0, 1]), picture, steps: [{name, detail, picture}]}; ink: {share, centre} or null. */
export function preprocessed(picture, { height, width, channels, ink }) {
  const steps = [{ name: "your picture", detail: `${picture.width} × ${picture.height}`, picture }];
  const done = (made, name, detail) => {
    steps.push({ name, detail, picture: made });
    return made;
  };
  let now = flattened(small(picture), done);
  now = recoloured(now, channels, done);
  if (ink !== null && darkOnLight(now)) now = done(mapped(now, (value) => 255 - value), "inverted", "dark and light changed places");
  if (ink !== null) now = levelled(now, done);
  now = placed(now, { height, width, ink }, done);
  return { values: valuesOf(now), picture: now, steps };
}

function small(picture) {
  const { width, height } = picture;
  const factor = Math.min(Math.floor(Math.max(width, height) / WORK), Math.floor(Math.min(width, height) / SHORT));
  return reduced(picture, Math.max(factor, Math.floor(Math.sqrt(Math.floor((width * height) / WORK_PIXELS)))));
}

/** Transparent pixels get a background: black behind light content, white behind dark. */
function flattened(picture, done) {
  const opaque = picture.data.every((value, i) => i % 4 !== 3 || value === 255);
  const paper = opaque || lightnessOfOpaque(picture) >= 0.5 ? 0 : 255;
  const made = blank(picture.width, picture.height, 3);
  for (let i = 0; i < made.width * made.height; i += 1) {
    const alpha = picture.data[4 * i + 3] / 255;
    for (let c = 0; c < 3; c += 1) made.data[3 * i + c] = Math.round(alpha * picture.data[4 * i + c] + (1 - alpha) * paper);
  }
  return opaque ? made : done(made, `on ${paper === 0 ? "black" : "white"}`, "what was transparent");
}

function recoloured(picture, channels, done) {
  if (channels === 3) return picture;
  const made = blank(picture.width, picture.height, 1);
  let coloured = false;
  for (let i = 0; i < made.data.length; i += 1) {
    const [red, green, blue] = picture.data.subarray(3 * i, 3 * i + 3);
    made.data[i] = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16; // ITU-R 601-2
    coloured ||= Math.max(red, green, blue) - Math.min(red, green, blue) > COLOURLESS;
  }
  return coloured ? done(made, "grey", "its colours by their brightness") : made;
}

/** Grey paper to black and pale ink to white, by a straight line; a clean picture is left alone. */
function levelled(picture, done) {
  const [low, high] = levelsOf(picture);
  if (high - low < CONTRAST || (low <= 8 && high >= 230)) return picture;
  return done(stretched(picture, low, high), "levelled", `${Math.round(low)} becomes black, ${Math.round(high)} white`);
}

function placed(picture, { height, width, ink }, done) {
  if (picture.width === width && picture.height === height) return picture;
  let now = picture;
  if (ink !== null) now = croppedToInk(now, { height, width, ...ink }, done);
  else if (now.width * height !== now.height * width) now = cropped(now, largestBox(now, height, width), "the largest middle part of the right shape", done);
  if (now.width === width && now.height === height) return now;
  return done(resized(now, width, height), `${width} × ${height}`, `from ${now.width} × ${now.height}`);
}

function croppedToInk(picture, { height, width, share, centre }, done) {
  const box = inkBox(picture);
  if (box === null) return done(picture, "no ink", "nothing stands out, so nothing is cropped");
  const cut = cropped(picture, box, "to the ink", done);
  const scale = (share * Math.min(height, width)) / Math.max(cut.width, cut.height);
  const size = [cut.width, cut.height].map((side) => Math.max(1, round(side * scale)));
  const shrunk = resized(cut, ...size);
  const bright = stretched(shrunk, 0, Math.max(1, shrunk.data.reduce((a, b) => Math.max(a, b), 0))); // thin strokes fade when averaged down
  const made = pasted(bright, width, height, cornerOf(bright, height, width, centre));
  const where = centre === "mass" ? "centred by its mass" : "in the middle";
  return done(made, `${width} × ${height}`, `the ink fitted into ${Math.max(...size)} pixels, ${where}`);
}

function cropped(picture, [left, top, right, bottom], detail, done) {
  if (left === 0 && top === 0 && right === picture.width && bottom === picture.height) return picture;
  const made = blank(right - left, bottom - top, picture.channels);
  const length = made.width * made.channels;
  for (let y = 0; y < made.height; y += 1) {
    const from = ((top + y) * picture.width + left) * picture.channels;
    made.data.set(picture.data.subarray(from, from + length), y * length);
  }
  return done(made, "cropped", detail);
}

function pasted(picture, width, height, [left, top]) {
  const made = blank(width, height, picture.channels);
  const length = picture.width * picture.channels;
  for (let y = 0; y < picture.height; y += 1) {
    made.data.set(picture.data.subarray(y * length, (y + 1) * length), ((top + y) * width + left) * picture.channels);
  }
  return made;
}

/** Where its upper left corner goes so that its centre is the canvas's and all of it stays inside. */
function cornerOf({ width, height, data }, tall, wide, centre) {
  let [x, y, total] = [0, 0, 0];
  for (let i = 0; i < width * height; i += 1) {
    const weight = data[i];
    total += weight;
    x += weight * ((i % width) + 0.5);
    y += weight * (Math.floor(i / width) + 0.5);
  }
  const [middleX, middleY] = centre === "mass" && total > 0 ? [x / total, y / total] : [width / 2, height / 2];
  const inside = (value, most) => Math.min(Math.max(value, 0), most);
  return [inside(round(wide / 2 - middleX), wide - width), inside(round(tall / 2 - middleY), tall - height)];
}

function largestBox(size, height, width) {
  const scale = Math.min(size.width / width, size.height / height);
  const [w, h] = [Math.max(1, round(width * scale)), Math.max(1, round(height * scale))];
  const [left, top] = [Math.floor((size.width - w) / 2), Math.floor((size.height - h) / 2)];
  return [left, top, left + w, top + h];
}

/** `low` becomes 0 and `high` 255, by a straight line. */
function stretched(picture, low, high) {
  return mapped(picture, (value) => round(Math.min(Math.max((value - low) / (high - low), 0), 1) * 255));
}

function mapped(picture, change) {
  const table = Uint8Array.from({ length: 256 }, (_, value) => change(value));
  return { ...picture, data: picture.data.map((value) => table[value]) };
}

function valuesOf({ width, height, channels, data }) {
  const values = new Float32Array(width * height * channels);
  for (let i = 0; i < width * height; i += 1) for (let c = 0; c < channels; c += 1) values[c * width * height + i] = data[i * channels + c] / 255;
  return values;
}
