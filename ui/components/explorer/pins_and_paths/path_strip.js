// Paints a path: its pictures side by side with the tint of what is unlike the data over them, and how much the picture changes at each step.

import { fitted } from "../elements.js";
import { drawPicture, drawTint } from "../map/background.js";
import { frameIndices } from "./path_figures.js";

const GAP = 1; // px between bars where there is room

export function paintStrip(canvas, { pictures, typical }) {
  const { context, width, height } = fitted(canvas);
  const [first] = pictures;
  const frames = Math.max(2, Math.min(pictures.length, Math.round((width * first.height) / (height * first.width))));
  context.imageSmoothingEnabled = first.width > height;
  frameIndices(pictures.length, frames).forEach((index, i) => {
    const [from, to] = [Math.round((i * width) / frames), Math.round(((i + 1) * width) / frames)];
    drawPicture(context, pictures[index], [from, 0, to - from, height]);
  });
  typical.forEach((share, i) => {
    const [from, to] = [(i * width) / typical.length, ((i + 1) * width) / typical.length];
    drawTint(context, share, [from, 0, to - from, height]);
  });
}

/** Bars on a scale from 0 to `highest`, in the canvas's own text colour. */
export function paintChanges(canvas, changes, highest) {
  const { context, width, height } = fitted(canvas);
  context.fillStyle = getComputedStyle(canvas).color;
  changes.forEach((change, i) => {
    const [from, to] = [(i * width) / changes.length, ((i + 1) * width) / changes.length];
    const tall = highest > 0 ? Math.max(1, (height * change) / highest) : 1;
    context.fillRect(from, height - tall, to - from > 3 ? to - from - GAP : to - from, tall);
  });
}

/** One picture over a whole canvas. */
export function paintThumb(canvas, picture) {
  canvas.width = picture.width;
  canvas.height = picture.height;
  drawPicture(canvas.getContext("2d"), picture, [0, 0, picture.width, picture.height]);
}

export function clear(canvas) {
  const { context, width, height } = fitted(canvas);
  context.clearRect(0, 0, width, height);
}
