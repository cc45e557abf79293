// The renderer of pictures: {kind: "pixels", height, width, channels, pixels}, uint8 in rows, grey or RGB, enlarged without smoothing.

import { h } from "../elements.js";

const STOPS = [ // even steps of lightness, the colours of the Encode page's error map (ui/encode/posterior_charts.py)
  [0, 0, 4], [40, 11, 84], [101, 21, 110], [159, 42, 99], [212, 72, 66], [245, 125, 21], [250, 193, 39], [252, 255, 164],
];
const HEAT = heat(); // 256 colours: one for each difference of two 8-bit values
const stamp = document.createElement("canvas");
const memories = new WeakMap(); // canvas -> {image, words}: the memory that it is painted from

export const pixels = {
  surface() {
    const element = h("canvas", { role: "img", width: 28, height: 28 });
    return { element, paint: (picture) => fill(element, picture) };
  },
  ratio: ({ width, height }) => width / height,
  /** In the middle of the box, square. A picture taller than the box is smoothed if `smooth` says so, else it stays crisp. */
  draw(context, picture, [x, y, boxWidth, boxHeight], smooth) {
    const { width, height } = picture;
    fill(stamp, picture);
    const size = Math.min(boxWidth / width, boxHeight / height);
    context.imageSmoothingEnabled = smooth && width > boxHeight;
    context.fillStyle = "#000";
    context.fillRect(x, y, boxWidth, boxHeight);
    context.drawImage(stamp, x + (boxWidth - size * width) / 2, y + (boxHeight - size * height) / 2, size * width, size * height);
  },
  thumb: fill,
  url(picture) {
    const canvas = document.createElement("canvas");
    fill(canvas, picture);
    return canvas.toDataURL();
  },
  difference,
};

/** The picture's own pixels, all of the canvas. */
function fill(canvas, { height, width, channels, pixels }) {
  const { image, words } = memoryOf(canvas, height, width);
  if (channels === 1) {
    for (let i = 0; i < words.length; i += 1) words[i] = 0xff000000 | (pixels[i] * 0x010101);
  } else {
    for (let i = 0, j = 0; i < words.length; i += 1, j += 3) {
      words[i] = 0xff000000 | (pixels[j + 2] << 16) | (pixels[j + 1] << 8) | pixels[j];
    }
  }
  contextOf(canvas).putImageData(image, 0, 0);
}

function contextOf(canvas) {
  return canvas.getContext("2d", { alpha: false, willReadFrequently: canvas === stamp });
}

function memoryOf(canvas, height, width) {
  const known = memories.get(canvas);
  if (known?.image.height === height && known.image.width === width) return known;
  [canvas.width, canvas.height] = [width, height];
  const image = contextOf(canvas).createImageData(width, height);
  const memory = { image, words: new Uint32Array(image.data.buffer) };
  memories.set(canvas, memory);
  return memory;
}

/** |a - b| of each pixel as a colour on the fixed scale 0 to 1, and its mean: {answer, mean, same}; null where they are not of one size. */
function difference(a, b) {
  if (a.height !== b.height || a.width !== b.width || a.channels !== b.channels) return null;
  const { height, width, channels } = a;
  const pixels = new Uint8Array(3 * height * width);
  let total = 0;
  for (let i = 0; i < height * width; i += 1) {
    let sum = 0; // over the channels, as the error map does
    for (let j = i * channels; j < (i + 1) * channels; j += 1) sum += Math.abs(a.pixels[j] - b.pixels[j]);
    total += sum;
    const colour = 3 * Math.round(sum / channels);
    pixels[3 * i] = HEAT[colour];
    pixels[3 * i + 1] = HEAT[colour + 1];
    pixels[3 * i + 2] = HEAT[colour + 2];
  }
  return { answer: { kind: "pixels", height, width, channels: 3, pixels }, mean: total / (255 * height * width * channels), same: total === 0 };
}

function heat() {
  const colours = new Uint8Array(3 * 256);
  for (let value = 0; value < 256; value += 1) {
    const place = (value / 255) * (STOPS.length - 1);
    const low = Math.min(STOPS.length - 2, Math.floor(place));
    for (let c = 0; c < 3; c += 1) colours[3 * value + c] = Math.round(STOPS[low][c] + (place - low) * (STOPS[low + 1][c] - STOPS[low][c]));
  }
  return colours;
}
