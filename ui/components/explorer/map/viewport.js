// From map coordinates to pixels and back. The vertical axis points up. Knows nothing of what is drawn.

const CLOSEST = 4000; // pixels for one unit of z
const FARTHEST = 4;

export class Viewport {
  constructor(width, height) {
    this.width = width;
    this.height = height;
    this.centre = [0, 0];
    this.scale = 50; // pixels for one unit
  }

  toScreen([a, b]) {
    return [this.width / 2 + (a - this.centre[0]) * this.scale, this.height / 2 - (b - this.centre[1]) * this.scale];
  }

  toPlane([x, y]) {
    return [this.centre[0] + (x - this.width / 2) / this.scale, this.centre[1] - (y - this.height / 2) / this.scale];
  }

  /** Shows a square of half-width `radius` around `centre`. */
  fit(centre, radius) {
    this.centre = [...centre];
    this.scale = clampScale(Math.min(this.width, this.height) / 2 / radius);
  }

  /** [a, b, scale] for a link: the middle, and the share of the smaller side that one unit takes. */
  get place() {
    return [...this.centre, this.scale / Math.min(this.width, this.height)];
  }

  look([a, b, share]) {
    this.centre = [a, b];
    this.scale = clampScale(share * Math.min(this.width, this.height));
  }

  /** The same part of the map in another size. */
  resize(width, height) {
    this.scale = clampScale((this.scale * Math.min(width, height)) / Math.min(this.width, this.height));
    this.width = width;
    this.height = height;
  }

  panBy(dx, dy) {
    this.centre = [this.centre[0] - dx / this.scale, this.centre[1] + dy / this.scale];
  }

  /** Zooms so that the point under (x, y) stays where it is. */
  zoomAt([x, y], factor) {
    const before = this.toPlane([x, y]);
    this.scale = clampScale(this.scale * factor);
    const after = this.toPlane([x, y]);
    this.centre = [this.centre[0] + before[0] - after[0], this.centre[1] + before[1] - after[1]];
  }

  /** The shown part: {left, right, bottom, top} in map coordinates. */
  get bounds() {
    const [left, top] = this.toPlane([0, 0]);
    const [right, bottom] = this.toPlane([this.width, this.height]);
    return { left, right, bottom, top };
  }
}

function clampScale(scale) {
  return Math.min(CLOSEST, Math.max(FARTHEST, scale));
}
