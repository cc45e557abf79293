// The points as pixels: how large they are, and the canvas they are written to.

/** Points grow as the map comes closer, so that ten thousand leave the pictures visible and a few can be hit; `few`: they are but a sample. */
export function pointRadius(scale, ratio, few) {
  const size = scale < 110 ? 1 : scale < 350 ? 2 : 3;
  return Math.round((few ? Math.max(size, 2) : size) * ratio);
}

/** Pixels of the points on their own transparent canvas. */
export class PointLayer {
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
