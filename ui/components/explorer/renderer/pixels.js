// The renderer of pictures: {kind: "pixels", height, width, channels, pixels}, uint8 in rows, grey or RGB, enlarged without smoothing.

import { h } from "../elements.js";
import { pixelDifference } from "./pixel_difference.js";

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
  difference: pixelDifference,
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
