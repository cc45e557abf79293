// Draws the map on two canvases: below the background and the points, above what moves with the pointer.

import { drawCross, drawMark, drawPath, drawPin, drawPosterior, drawPrior, drawUniformPrior } from "./draw_marks.js";

export class Painter {
  #ground;
  #overlay;
  #viewport;
  #layer = null;

  constructor(ground, overlay, viewport) {
    [this.#ground, this.#overlay, this.#viewport] = [ground, overlay, viewport];
  }

  /** Both canvases in another size, in CSS pixels. */
  resize(width, height) {
    const ratio = window.devicePixelRatio || 1;
    for (const canvas of [this.#ground, this.#overlay]) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    this.#layer = null;
  }

  get #ratio() {
    return this.#ground.width / this.#viewport.width;
  }

  /** map: {cloud (null: no model yet), background, plane, scattered (nothing but points), points (they are shown), prior (whether the model has one, or "uniform")} */
  ground({ cloud, background, plane, scattered, points, prior }) {
    const context = this.#ground.getContext("2d", { alpha: false });
    this.#start(context);
    context.fillStyle = "#000";
    context.fillRect(0, 0, this.#viewport.width, this.#viewport.height);
    if (cloud === null) return;
    if (!scattered) background.draw(context, this.#viewport);
    if (points || scattered) this.#drawPoints(context, cloud, scattered);
    if (!scattered && prior === "uniform") drawUniformPrior(context, this.#viewport, plane);
    else if (!scattered) drawPrior(context, this.#viewport, plane, prior ? "the prior" : "the fitted Gaussian");
    this.#ground.dataset.frames = String(Number(this.#ground.dataset.frames ?? 0) + 1);
  }

  /** map: as above, and {path, pins, posterior, cross (z), hovered (number of a point or null)} */
  marks({ cloud, plane, scattered, path, pins, posterior, cross, hovered }) {
    const pen = this.#overlay.getContext("2d");
    this.#start(pen);
    pen.clearRect(0, 0, this.#viewport.width, this.#viewport.height);
    if (cloud === null) return;
    if (scattered) this.#markPoints(pen, cloud, pins, cross);
    else {
      if (path.length > 1) drawPath(pen, this.#viewport, plane, path);
      for (const pin of pins) drawPin(pen, this.#viewport, plane, pin);
      if (posterior) drawPosterior(pen, this.#viewport, plane, posterior);
      drawCross(pen, this.#viewport, plane, cross);
    }
    if (hovered !== null) drawMark(pen, this.#viewport.toScreen(cloud.position(hovered)));
  }

  /** Without an inverse only those pins and that cross which are exactly one of the points: anything else has no place here. */
  #markPoints(pen, cloud, pins, cross) {
    for (const [mark, z] of [...pins.map((pin) => [drawPin, pin]), [drawCross, cross]]) {
      const index = cloud.find(z);
      if (index !== null) mark(pen, this.#viewport, { coordinates: () => cloud.position(index) }, z);
    }
  }

  #start(context) {
    context.setTransform(this.#ratio, 0, 0, this.#ratio, 0, 0);
  }

  #drawPoints(context, cloud, scattered) {
    const { width, height } = this.#ground;
    this.#layer ??= new PointLayer(width, height);
    const [x0, y0] = this.#viewport.toScreen([0, 0]);
    const scale = this.#viewport.scale * this.#ratio;
    const toPixels = { ax: x0 * this.#ratio, bx: scale, ay: y0 * this.#ratio, by: -scale };
    const radius = pointRadius(this.#viewport.scale * (scattered ? 2 : 1), this.#ratio, cloud.large);
    this.#layer.paint((words) => cloud.draw(words, width, height, toPixels, radius));
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(this.#layer.canvas, 0, 0);
    this.#start(context);
  }
}

/** Points grow as the map comes closer, so that ten thousand leave the pictures visible and a few can be hit; `few`: they are but a sample. */
function pointRadius(scale, ratio, few) {
  const size = scale < 110 ? 1 : scale < 350 ? 2 : 3;
  return Math.round((few ? Math.max(size, 2) : size) * ratio);
}

/** Pixels of the points on their own transparent canvas. */
class PointLayer {
  constructor(width, height) {
    this.width = width;
    this.height = height;
    this.canvas = document.createElement("canvas");
    this.canvas.width = width;
    this.canvas.height = height;
    this.pen = this.canvas.getContext("2d");
    this.image = this.pen.createImageData(width, height);
    this.words = new Uint32Array(this.image.data.buffer);
  }

  paint(write) {
    write(this.words);
    this.pen.putImageData(this.image, 0, 0);
  }
}
