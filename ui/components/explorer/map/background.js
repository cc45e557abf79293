// What lies under the points: decoded pictures, the aggregate posterior's density, or a tint where the data is thin.
// Rendered for the part of the plane that is in view, kept in map coordinates, and shown stretched until a sharp one has come.

import { DENSITIES, LIKENESS } from "../connection/binary_messages.js";
import { normalQuantile, normalShare } from "../format_numbers.js";
import { UNLIKE, UNUSUAL } from "../picture/likeness.js";
import { drawAnswer } from "../renderer/renderer.js";
import { Timer } from "../timers.js";

const CELL = 26; // px: about the size at which a digit can still be read
const MOST = 20; // cells along one side
const LARGEST = 1.5; // cells: no picture is drawn larger, however far apart they lie
const CLOSEST = 15; // px between two pictures in the prior's middle, where they lie closest
const HEIGHT = 1 / Math.sqrt(2 * Math.PI); // of N(0, 1) there
const FIELD = 28; // densities along one side
const LARGEST_QUESTION = 500_000; // bytes, a little less than the server takes: with very many dimensions the field is coarser
const PART = 64; // places compared with the data in one question: those about where one stands go in between
const AGAIN = 1000; // ms until a model that is still being measured is asked again
const AT_REST = 140; // ms without movement before a new one is asked for: the strips behind the sliders come first

const NATS = 4; // shown for each dimension below the highest in view, and at least twice as many: farther down all is dark
export const RAMP = [[10, 10, 28], [38, 38, 104], [76, 98, 214], [142, 164, 255], [232, 238, 255]]; // of a density, from dark to light

export const BACKGROUNDS = {
  manifold: "manifold",
  quantiles: "manifold, prior quantiles",
  density: "density of codes",
  holes: "holes",
  none: "nothing",
};

export class Background {
  kind = "manifold";
  range = null; // of the log densities that are shown, [low, high] in nats
  told = ""; // of holes: "told", "unsaid" (the tint tells the distance only), "unmeasured", "comparing" or "measuring" until it is known
  #canvas = document.createElement("canvas");
  #bounds = null; // of what #canvas shows, in map coordinates
  #timer;
  #wanted = null; // {plane, viewport} to be rendered
  #turn = 0; // grows with each rendering, so that an older one ends
  #onChange;
  #queries = null;

  constructor(onChange, signal) {
    this.#onChange = onChange;
    this.#timer = new Timer(() => this.#render(this.#wanted.plane, this.#wanted.viewport), signal);
  }

  /** Other weights of the same model: what is shown stays until theirs has come. */
  renew(queries) {
    this.#queries = queries;
  }

  connect(queries) {
    this.#queries = queries;
    this.#bounds = null;
    this.range = null;
  }

  clear() {
    this.#timer.stop();
    this.#turn += 1;
    this.#bounds = null;
  }

  /** Another kind, at once. */
  choose(kind, plane, viewport) {
    this.kind = kind;
    this.clear();
    this.refresh(plane, viewport, 0);
  }

  /** Whether there is nothing yet of what is to be shown. */
  get awaited() {
    return this.kind !== "none" && this.#bounds === null;
  }

  /** Asks for a sharp rendering of what is in view, once nothing moves any more. */
  refresh(plane, viewport, delay = AT_REST) {
    this.#timer.stop();
    if (this.kind === "none" || this.#queries === null) return;
    this.#wanted = { plane, viewport };
    this.#timer.set(delay);
  }

  draw(context, viewport) {
    if (this.kind === "none" || this.#bounds === null) return;
    const [left, top] = viewport.toScreen([this.#bounds.left, this.#bounds.top]);
    const [right, bottom] = viewport.toScreen([this.#bounds.right, this.#bounds.bottom]);
    context.imageSmoothingEnabled = this.kind === "density";
    context.drawImage(this.#canvas, left, top, right - left, bottom - top);
  }

  async #render(plane, viewport) {
    const { bounds } = viewport;
    const turn = (this.#turn += 1);
    const started = performance.now();
    let painted = false;
    for await (const paint of this.kind === "density" ? this.#density(plane, bounds) : this.#pictures(plane, bounds, viewport)) {
      if (turn !== this.#turn) return;
      paint();
      this.#bounds = bounds;
      this.#onChange();
      painted = true;
    }
    if (painted) performance.measure("map-background", { start: started, end: performance.now() });
  }

  /** What paints it, as soon as it is known: the pictures, and for holes the same again with their tint, part by part. */
  async *#pictures(plane, bounds, viewport) {
    const { width, height } = viewport;
    const { kind } = this;
    const grid = kind === "quantiles" ? quantileGrid(plane, bounds, viewport) : evenGrid(bounds, viewport);
    const points = grid.map(({ place }) => plane.latent(place));
    const pictures = await this.#queries.pictures("background", points, CELL);
    if (pictures === null) return;
    const tint = [];
    for (;;) {
      yield () => {
        this.#paintPictures(width, height, pictures, grid, tint);
        this.told = toldBy(tint, points.length);
        if (this.told === "measuring") this.refresh(plane, viewport, AGAIN);
      };
      if (kind !== "holes" || toldBy(tint, points.length) !== "comparing") return;
      const part = await this.#queries.places("tint", points.slice(tint.length, tint.length + PART), LIKENESS);
      if (part === null) return;
      tint.push(...part);
    }
  }

  #paintPictures(width, height, pictures, grid, tint) {
    const context = this.#blank(width, height);
    pictures.forEach((picture, i) => drawAnswer(context, picture, grid[i].box));
    tint.forEach(({ typical }, i) => drawTint(context, typical, grid[i].box));
  }

  async *#density(plane, bounds) {
    const latentDim = plane.origin.length;
    const side = Math.min(FIELD, Math.floor(Math.sqrt(LARGEST_QUESTION / (4 * latentDim))));
    const [across, up] = [evenEdges(bounds.left, bounds.right, side), evenEdges(bounds.top, bounds.bottom, side)];
    const places = await this.#queries.places("background", up.middles.flatMap((b) => across.middles.map((a) => plane.latent([a, b]))), DENSITIES);
    if (places === null) return;
    yield () => {
      const context = this.#blank(side, side);
      const image = context.createImageData(side, side);
      const values = places.map((place) => place.logAggregate);
      this.range = rangeOf(values, latentDim);
      values.forEach((value, i) => image.data.set([...colourOf(value, this.range), 255], 4 * i));
      context.putImageData(image, 0, 0);
    };
  }

  #blank(width, height) {
    this.#canvas.width = width;
    this.#canvas.height = height;
    return this.#canvas.getContext("2d");
  }
}

/** What is known once these places of `count` have been compared with the data. */
function toldBy(tint, count) {
  const verdict = tint[0]?.verdict;
  if (verdict === "measuring" || verdict === "unmeasured") return verdict;
  if (tint.length < count) return "comparing";
  return verdict === "unsaid" ? verdict : "told";
}

/** [{place, box}]: where pictures are decoded, in map coordinates, and where each is painted, [x, y, width, height] in pixels. */
function evenGrid(bounds, { width, height }) {
  const [columns, rows] = cellsOf(width, height);
  const [across, up] = [evenEdges(bounds.left, bounds.right, columns), evenEdges(bounds.top, bounds.bottom, rows)];
  const x = across.edges.map((_, i) => Math.round((i * width) / columns));
  const y = up.edges.map((_, i) => Math.round((i * height) / rows));
  return up.middles.flatMap((b, j) => across.middles.map((a, i) => ({ place: [a, b], box: [x[i], y[j], x[i + 1] - x[i], y[j + 1] - y[j]] })));
}

/** The same at places of equal probability under the prior, each picture around its own place. */
export function quantileGrid(plane, bounds, viewport) {
  const [columns, rows] = cellsOf(viewport.width, viewport.height);
  const [a, b] = plane.coordinates(plane.origin.map(() => 0)); // the prior's middle
  const spaced = (from, to, middle, most) => {
    const share = Math.abs(normalShare(to - middle) - normalShare(from - middle)); // of the prior, in view
    const n = Math.max(2, Math.min(most, Math.round((share * viewport.scale) / (HEIGHT * CLOSEST))));
    return quantileEdges(from - middle, to - middle, n).middles.map((value) => value + middle);
  };
  const across = spaced(bounds.left, bounds.right, a, columns);
  const up = spaced(bounds.top, bounds.bottom, b, rows);
  const [widths, heights] = [roomOf(across), roomOf(up)].map((rooms) => rooms.map((room) => Math.min(room * viewport.scale, LARGEST * CELL)));
  return up.flatMap((y, j) => across.map((x, i) => {
    const [left, top] = viewport.toScreen([x, y]);
    return { place: [x, y], box: [left - widths[i] / 2, top - heights[j] / 2, widths[i], heights[j]] };
  }));
}

function cellsOf(width, height) {
  return [width, height].map((size) => Math.max(2, Math.min(MOST, Math.round(size / CELL))));
}

/** How far each of several rising or falling values lies from the nearer one of its neighbours. */
function roomOf(values) {
  const gaps = values.slice(1).map((value, i) => Math.abs(value - values[i]));
  return values.map((_, i) => Math.min(gaps[i - 1] ?? Infinity, gaps[i] ?? Infinity));
}

/** n cells of equal width: {edges (n + 1), middles (n)}. */
export function evenEdges(from, to, n) {
  const edges = Array.from({ length: n + 1 }, (_, i) => from + ((to - from) * i) / n);
  return { edges, middles: edges.slice(1).map((edge, i) => (edge + edges[i]) / 2) };
}

/** n cells that hold equal shares of the prior N(0, 1) between `from` and `to`; the middles are each cell's median. */
export function quantileEdges(from, to, n) {
  const [p, q] = [normalShare(from), normalShare(to)];
  const at = (share) => normalQuantile(p + (q - p) * share);
  const edges = Array.from({ length: n + 1 }, (_, i) => (i === 0 ? from : i === n ? to : at(i / n)));
  return { edges, middles: Array.from({ length: n }, (_, i) => at((i + 0.5) / n)) };
}

const tintOf = (strength) => `rgba(232, 89, 12, ${0.18 + 0.44 * strength})`;

/** The tint of a picture in the middle of what each verdict means, for a key. */
export const TINTS = { unusual: tintOf(1 - (UNUSUAL + UNLIKE) / (2 * UNUSUAL)), unlike: tintOf(1 - UNLIKE / (2 * UNUSUAL)) };

/** Orange over a box where pictures are less like the data than nearly all test images: from `UNUSUAL` per cent down to none. */
export function drawTint(context, typical, box) {
  const strength = Math.min(1, Math.max(0, 1 - typical / UNUSUAL));
  if (!(strength > 0)) return; // NaN: not known
  context.fillStyle = tintOf(strength);
  context.fillRect(...box);
}

/** The range of log densities that is told apart, [low, high] in nats. */
export function rangeOf(values, latentDim) {
  const high = Math.max(...values);
  return [Math.max(Math.min(...values), high - Math.max(2 * NATS, NATS * latentDim)), high];
}

/** [r, g, b] of a log density in a range. */
export function colourOf(value, [low, high]) {
  const share = high > low ? Math.min(1, Math.max(0, (value - low) / (high - low))) : 1;
  const at = share * (RAMP.length - 1);
  const i = Math.min(RAMP.length - 2, Math.floor(at));
  return RAMP[i].map((from, c) => Math.round(from + (at - i) * (RAMP[i + 1][c] - from)));
}
