// The map: a plane of the latent space in which every point decodes. Moving the pointer previews, leaving restores, a click or a
// drag commits. Draws only when something changed, at most once a frame.

import { h } from "../dom.js";
import { Background } from "./background.js";
import { Cloud } from "./cloud.js";
import { listen } from "./gestures.js";
import { drawCross, drawMark, drawPath, drawPin, drawPosterior, drawPrior } from "./overlay.js";
import { pairPlane, Plane } from "./plane.js";
import { buildToolbar } from "./toolbar.js";
import { Viewport } from "./viewport.js";

const REACH = 7; // px within which the pointer is on a point
const STEP = 0.02; // share of the map's width for one arrow key, five times as much with Shift
const MARGIN = 1.12;

export class LatentMap {
  #on;
  #canvas;
  #context;
  #overlay; // what moves with the pointer, on a canvas of its own: the pictures and points below stay as they are
  #stale = true; // the lower canvas has to be painted too
  #viewport = new Viewport(480, 480);
  #background;
  #cloud = null;
  #atlas = null; // {means, labels, classes, centre, axes, latentDim}
  #choice = "";
  #plane = null; // through the committed z
  #z = [];
  #shown = []; // where the cross is: the previewed or the committed point
  #posterior = null;
  #path = [];
  #pins = [];
  #points = true;
  #hovered = null; // index of the point under the pointer
  #frame = null;
  #image = null;

  /** on: {preview(z, start), restore(), commit(z, start), hover(index | null, [x, y])} */
  constructor(on) {
    this.#on = on;
    this.#canvas = h("canvas.lw-map-canvas", { tabindex: "0", role: "application", "data-testid": "map", "aria-label": "map of the latent space: arrow keys move, plus and minus zoom, 0 shows everything" });
    this.#context = this.#canvas.getContext("2d", { alpha: false });
    this.#overlay = h("canvas.lw-map-canvas.lw-map-overlay", { "aria-hidden": "true", "data-testid": "map-overlay" });
    this.#background = new Background(() => this.draw());
    this.toolbar = buildToolbar({
      plane: (choice) => this.#choose(choice),
      background: (kind) => this.#setBackground(kind),
      points: (shown) => this.#change(() => (this.#points = shown)),
      toggle: (label) => this.#change(() => this.#cloud?.hidden[this.#cloud.hidden.has(label) ? "delete" : "add"](label)),
    });
    this.tip = h("div.lw-tip", { hidden: "" });
    this.element = h("div.lw-map", {}, this.#canvas, this.#overlay, this.tip);
    this.#listen();
    new ResizeObserver(() => this.#resize()).observe(this.element);
  }


  /** A model's encoded images; `asides` answers for backgrounds; link: the view a link asks for. */
  open(atlas, asides, link) {
    this.#atlas = atlas;
    this.#cloud = new Cloud(atlas.means, atlas.labels, atlas.latentDim);
    this.#background.connect(asides);
    this.toolbar.offer(atlas);
    if (link.background) this.#background.kind = this.toolbar.chooseBackground(link.background);
    this.#choose(this.toolbar.prefer(link.plane));
    if (link.view) this.#move(() => this.#viewport.look(link.view));
  }

  /** What a link needs to restore this map; nothing while there is none. */
  linkState() {
    if (!this.#atlas) return {};
    return { plane: this.#choice, background: this.#background.kind, view: this.#viewport.place };
  }

  /** Shows the committed point and its posterior. */
  show(z, posterior) {
    this.#z = [...z];
    this.#shown = this.#z;
    this.#posterior = posterior;
    if (this.#atlas) this.#settlePlane();
    this.draw();
  }

  /** Moves the cross without committing: a slider is being dragged. */
  follow(z) {
    this.#shown = z;
    this.#drawOverlay();
  }

  showPath(path) {
    this.#change(() => (this.#path = path));
  }

  showPins(pins) {
    this.#change(() => (this.#pins = pins));
  }

  /** Everything anew. */
  draw() {
    this.#stale = true;
    this.#drawOverlay();
  }

  #drawOverlay() {
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = null;
      this.#paint();
    });
  }

  #change(what) {
    what();
    this.draw();
  }

  #choose(choice) {
    this.#choice = choice;
    const base = this.#basePlane();
    this.#plane = base;
    this.#cloud.project(base);
    const { centre, radius } = this.#cloud.extent();
    this.#viewport.fit(centre, MARGIN * radius);
    this.#background.clear();
    this.#settlePlane(0);
  }

  #basePlane() {
    const { latentDim, centre, axes } = this.#atlas;
    const custom = this.toolbar.custom(this.#choice);
    if (custom) return custom;
    const [kind, first, second] = this.#choice.split(":");
    if (kind === "pc") return new Plane([...centre], axes[Number(first)], axes[Number(second)]);
    return pairPlane(latentDim, Number(first), Number(second));
  }

  /** The same plane moved so that it holds the committed point: what the map shows is what the sliders reach from here. */
  #settlePlane(delay) {
    this.#plane = this.#basePlane().through(this.#z.length === this.#atlas.latentDim ? this.#z : this.#atlas.centre);
    this.#background.refresh(this.#plane, this.#viewport, delay);
    this.draw();
  }

  #setBackground(kind) {
    this.#background.kind = kind;
    this.#background.clear();
    this.#background.refresh(this.#plane, this.#viewport, 0);
    this.draw();
  }

  #listen() {
    listen(this.#canvas, {
      hover: (at, event) => this.#preview(at, event.timeStamp),
      leave: () => this.#leave(),
      drag: (at, event) => this.#preview(at, event.timeStamp),
      drop: (at, event) => this.#commit(at, event.timeStamp),
      pan: (dx, dy) => this.#move(() => this.#viewport.panBy(dx, dy)),
      zoom: (at, factor) => this.#move(() => this.#viewport.zoomAt(at, factor)),
      step: (dx, dy, coarse, event) => this.#step(dx, dy, coarse, event.timeStamp),
      settle: () => this.#on.commit(this.#shown, performance.now()),
      fit: () => this.#choose(this.#choice),
    });
  }

  #move(change) {
    if (!this.#atlas) return;
    change();
    this.#background.refresh(this.#plane, this.#viewport);
    this.draw();
  }

  /** The latent under the pointer: an encoded image's own code when the pointer is on its point. */
  #under(at) {
    const coordinates = this.#viewport.toPlane(at);
    const index = this.#points ? this.#cloud.nearest(coordinates, REACH / this.#viewport.scale) : null;
    return { index, z: index === null ? this.#plane.latent(coordinates) : this.#cloud.mean(index) };
  }

  #preview(at, start) {
    if (!this.#atlas) return;
    const { index, z } = this.#under(at);
    this.#hovered = index;
    this.#shown = z;
    this.#on.preview(z, start);
    this.#on.hover(index, at);
    this.#drawOverlay();
  }

  #leave() {
    if (!this.#atlas) return;
    this.#hovered = null;
    this.#shown = this.#z;
    this.#on.hover(null, [0, 0]);
    this.#on.restore();
    this.#drawOverlay();
  }

  #commit(at, start) {
    if (!this.#atlas) return;
    const { z } = this.#under(at);
    this.#on.commit(z, start);
  }

  #step(dx, dy, coarse, start) {
    if (!this.#atlas) return;
    const size = ((coarse ? 5 : 1) * STEP * this.#viewport.width) / this.#viewport.scale;
    const [a, b] = this.#plane.coordinates(this.#shown);
    this.#shown = this.#plane.latent([a + dx * size, b - dy * size]);
    this.#on.preview(this.#shown, start);
    this.#drawOverlay();
  }

  #resize() {
    const { clientWidth, clientHeight } = this.element;
    if (clientWidth === 0 || clientHeight === 0) return;
    const ratio = window.devicePixelRatio || 1;
    for (const canvas of [this.#canvas, this.#overlay]) {
      canvas.width = Math.round(clientWidth * ratio);
      canvas.height = Math.round(clientHeight * ratio);
    }
    this.#stale = true;
    this.#viewport.resize(clientWidth, clientHeight);
    this.#image = null;
    if (this.#atlas) this.#background.refresh(this.#plane, this.#viewport);
    this.#paint();
  }

  #paint() {
    const ratio = this.#canvas.width / this.#viewport.width;
    if (this.#stale) this.#paintGround(ratio);
    this.#stale = false;
    const pen = this.#overlay.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, this.#viewport.width, this.#viewport.height);
    if (!this.#atlas) return;
    if (this.#path.length > 1) drawPath(pen, this.#viewport, this.#plane, this.#path);
    for (const pin of this.#pins) drawPin(pen, this.#viewport, this.#plane, pin);
    if (this.#posterior) drawPosterior(pen, this.#viewport, this.#plane, this.#posterior);
    if (this.#hovered !== null) drawMark(pen, this.#viewport.toScreen(this.#cloud.position(this.#hovered)));
    drawCross(pen, this.#viewport, this.#plane, this.#shown);
  }

  #paintGround(ratio) {
    const context = this.#context;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = "#000";
    context.fillRect(0, 0, this.#viewport.width, this.#viewport.height);
    if (!this.#atlas) return;
    this.#background.draw(context, this.#viewport);
    if (this.#points) this.#drawPoints(context, ratio);
    drawPrior(context, this.#viewport, this.#plane);
    this.#canvas.dataset.frames = String(Number(this.#canvas.dataset.frames ?? 0) + 1);
  }

  #drawPoints(context, ratio) {
    const { width, height } = this.#canvas;
    if (this.#image?.width !== width || this.#image.height !== height) this.#image = new PointLayer(width, height);
    const [x0, y0] = this.#viewport.toScreen([0, 0]);
    const scale = this.#viewport.scale * ratio;
    const toPixels = { ax: x0 * ratio, bx: scale, ay: y0 * ratio, by: -scale };
    this.#image.paint((words) => this.#cloud.draw(words, width, height, toPixels, pointRadius(this.#viewport.scale, ratio)));
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(this.#image.canvas, 0, 0);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
  }
}

/** Points grow as the map comes closer, so that ten thousand leave the pictures visible and a few can be hit. */
function pointRadius(scale, ratio) {
  const size = scale < 110 ? 1 : scale < 350 ? 2 : 3;
  return Math.round(size * ratio);
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
