// Behind each slider: where it leads. Decoded pictures along the dimension at the current z, and the data's own spread on it.

import { fitted } from "../elements.js";
import { drawPicture } from "../map/background.js";

const FRAMES = 7;
const SIDE = 32; // px asked for; a track is about as high
const BINS = 40;
const MOST = 512; // pictures in one question

export class Filmstrips {
  #rail = null;
  #asides = null;
  #z = [];
  #histograms = new Map(); // slider -> shares of the data, 0..1, with the range they were counted in
  #strips = new Map(); // slider -> {pictures, range} last painted
  #started = 0;

  open(rail, asides) {
    this.#rail = rail;
    this.#asides = asides;
    this.#histograms.clear();
    this.#strips.clear();
  }

  /** The data's spread along every dimension, from the encoded images. */
  count({ means, latentDim, count }) {
    for (const dimension of this.#rail.dimensions) {
      const slider = this.#rail.slider(dimension);
      const range = slider.home;
      const bins = new Float32Array(BINS);
      for (let i = 0; i < count; i += 1) {
        const share = (means[i * latentDim + dimension] - range.low) / (range.high - range.low);
        if (share >= 0 && share < 1) bins[Math.floor(share * BINS)] += 1;
      }
      const highest = Math.max(...bins, 1);
      this.#histograms.set(slider, { range, bins: bins.map((bin) => bin / highest) });
      this.#paint(slider);
    }
  }

  /** z moves along one dimension (null: all): what the other strips show is no longer where they lead. */
  stale(index) {
    for (const { slider } of this.#rail?.visible ?? []) slider.film.classList.toggle("lw-stale", slider.index !== index);
  }

  /** Asks for fresh strips at z. */
  refresh(z) {
    this.#z = [...z];
    this.#started = performance.now();
    this.#ask(); // of several releases in a row the connection only asks for the newest
  }

  async #ask() {
    if (this.#rail === null || this.#asides === null) return; // not open yet: opening asks by itself
    const rows = this.#rail.visible.map((row) => ({ ...row, range: { ...row.slider.range } }));
    const [rail, started, most] = [this.#rail, this.#started, Math.floor(MOST / FRAMES)];
    for (let done = 0; done < rows.length; done += most) {
      if (!(await this.#askFor(rows.slice(done, done + most)))) return;
      if (rail !== this.#rail || started !== this.#started) return; // another model, or a newer point
    }
    if (rows.length > 0) performance.measure("film-refresh", { start: started, end: performance.now() });
  }

  /** Strips of some rows; false when a newer question came first. */
  async #askFor(rows) {
    const points = rows.flatMap(({ along, range }) => framesOf(range).map((value) => along(this.#z, value)));
    const rail = this.#rail;
    const pictures = await this.#asides.pictures("film", points, SIDE);
    if (pictures === null || rail !== this.#rail) return false;
    rows.forEach(({ slider, range }, i) => {
      this.#strips.set(slider, { range, pictures: pictures.slice(i * FRAMES, (i + 1) * FRAMES) });
      this.#paint(slider);
      slider.film.classList.remove("lw-stale");
    });
    return true;
  }

  #paint(slider) {
    const { range } = slider;
    const { context, width, height } = fitted(slider.film);
    const strip = this.#strips.get(slider);
    if (strip) paintFrames(context, strip, range, width, height);
    const histogram = this.#histograms.get(slider);
    if (histogram) paintHistogram(context, histogram, range, width, height);
  }
}

/** The middles of FRAMES equal parts of a range. */
export function framesOf({ low, high }) {
  return Array.from({ length: FRAMES }, (_, i) => low + ((high - low) * (i + 0.5)) / FRAMES);
}

function paintFrames(context, { pictures, range: painted }, range, width, height) {
  const at = (value) => ((value - range.low) / (range.high - range.low)) * width;
  context.imageSmoothingEnabled = false;
  pictures.forEach((picture, i) => {
    const [from, to] = [i, i + 1].map((k) => at(painted.low + ((painted.high - painted.low) * k) / FRAMES));
    drawPicture(context, picture, [from, 0, to - from + 1, height]);
  });
}

function paintHistogram(context, { bins, range: counted }, range, width, height) {
  const at = (value) => ((value - range.low) / (range.high - range.low)) * width;
  context.fillStyle = "rgba(138, 162, 255, 0.75)";
  bins.forEach((bin, i) => {
    const [from, to] = [i, i + 1].map((k) => at(counted.low + ((counted.high - counted.low) * k) / BINS));
    const tall = 0.3 * height * bin;
    context.fillRect(from, height - tall, Math.max(1, to - from - 0.5), tall);
  });
}
