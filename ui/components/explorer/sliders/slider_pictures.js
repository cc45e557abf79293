// Behind each slider: where it leads. Decoded pictures along the dimension at the current z, and the data's own spread on it.

import { fitted } from "../elements.js";
import { drawAnswer } from "../renderer/renderer.js";

const FRAMES = 7;
const SIDE = 32; // px asked for; a track is about as high
const BINS = 40;
const MOST = 512; // pictures in one question
const FADE_AGAIN = 150; // ms: pictures that came under way are faded again as soon

export class SliderPictures {
  #explorer;
  #histograms = new Map(); // slider -> shares of the data, 0..1, with the range they were counted in
  #strips = new Map(); // slider -> {pictures, range} last painted
  #faded = null; // {index, at}: z moves along this dimension (null: freely)
  #started = 0; // when the newest were asked for

  constructor(explorer) {
    this.#explorer = explorer;
  }

  open() {
    this.#histograms.clear();
    this.#strips.clear();
  }

  /** Other weights draw them. */
  renew() {
    this.refresh();
  }

  /** The data's spread along every dimension. */
  encoded({ means, latentDim, count }) {
    for (const dimension of this.#sliders.dimensions) {
      const slider = this.#sliders.slider(dimension);
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

  /** What the other strips show is no longer where they lead. Where one only looks, they still do. */
  moved({ cause: { by, index = null } }) {
    if (by === "back" && this.#faded !== null) this.refresh();
    else if (by !== "back" && by !== "look") this.#fade(index);
  }

  committed() {
    this.refresh();
  }

  /** Asks for pictures around where one stands; of several releases in a row the connection only asks for the newest. */
  async refresh() {
    const { model, store } = this.#explorer;
    this.#faded = null;
    this.#started = performance.now();
    const started = this.#started;
    const rows = this.#sliders.visible.map((row) => ({ ...row, range: { ...row.slider.range } }));
    const most = Math.floor(MOST / FRAMES);
    for (let done = 0; done < rows.length; done += most) {
      const answered = await this.#askFor(rows.slice(done, done + most), store.held, model.queries);
      if (!answered || model !== this.#explorer.model || started !== this.#started) return; // another model, or a newer point
    }
    if (rows.length > 0) performance.measure("film-refresh", { start: started, end: performance.now() });
  }

  get #sliders() {
    return this.#explorer.parts.rail.sliders;
  }

  /** Once for a movement and not at each of its events: every strip changes its class. */
  #fade(index) {
    const now = performance.now();
    if (this.#faded?.index === index && now - this.#faded.at < FADE_AGAIN) return;
    this.#faded = { index, at: now };
    for (const { slider } of this.#sliders.visible) slider.film.classList.toggle("lw-stale", slider.index !== index);
  }

  /** Whether they have come; not if newer ones were asked for first. */
  async #askFor(rows, z, queries) {
    const points = rows.flatMap(({ along, range }) => framesOf(range).map((value) => along(z, value)));
    const pictures = await queries.pictures("film", points, SIDE);
    if (pictures === null || queries !== this.#explorer.model.queries) return false;
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
function framesOf({ low, high }) {
  return Array.from({ length: FRAMES }, (_, i) => low + ((high - low) * (i + 0.5)) / FRAMES);
}

function paintFrames(context, { pictures, range: painted }, range, width, height) {
  const at = (value) => ((value - range.low) / (range.high - range.low)) * width;
  pictures.forEach((picture, i) => {
    const [from, to] = [i, i + 1].map((k) => at(painted.low + ((painted.high - painted.low) * k) / FRAMES));
    drawAnswer(context, picture, [from, 0, to - from + 1, height]);
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
