// The map: a plane of the latent space in which every point decodes. Moving the pointer previews, leaving restores, a click or a
// drag commits. Draws only when something changed, at most once a frame. t-SNE and UMAP have no inverse: there only the points answer.

import { h } from "../dom.js";
import { Background } from "./background.js";
import { Cloud } from "./cloud.js";
import { EMBEDDINGS, whyNoInverse } from "./embedding.js";
import { listen } from "./gestures.js";
import { PointLayer, pointRadius } from "./layer.js";
import { drawCross, drawMark, drawPath, drawPin, drawPosterior, drawPrior } from "./overlay.js";
import { pairPlane, Plane, planeThrough, throughChoice } from "./plane.js";
import { buildToolbar } from "./toolbar.js";
import { Viewport } from "./viewport.js";

const REACH = 7; // px within which the pointer is on a point
const POINT_REACH = 12; // the same where there is nothing but points
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
  #scattered = false; // the map has no inverse
  #awaited = null; // {kind} of the map without an inverse that is being computed
  #z = [];
  #shown = []; // where the cross is: the previewed or the committed point
  #posterior = null;
  #path = [];
  #pins = [];
  #points = true;
  #hovered = null; // index of the point under the pointer
  #frame = null;
  #image = null;

  /** on: {preview(z, start), restore(), commit(z, start), hover(index | null, [x, y]), embedding(kind, {say, wanted}), say(words)} */
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
    const own = planeThrough(link.plane, atlas.latentDim);
    if (own) this.toolbar.add(link.plane, "through three pins", own);
    if (link.background) this.#background.kind = this.toolbar.chooseBackground(link.background);
    const choice = this.toolbar.prefer(link.plane);
    this.#look(choice in EMBEDDINGS ? this.toolbar.first : choice, link.view);
    if (choice in EMBEDDINGS) this.#embed(choice, link.view);
  }

  /** What a link needs to restore this map; nothing while there is none. */
  linkState() {
    if (!this.#atlas) return {};
    return { plane: this.#awaited?.kind ?? this.#choice, background: this.#background.kind, view: this.#viewport.place };
  }

  /** Shows the committed point and its posterior. */
  show(z, posterior) {
    this.#z = [...z];
    this.#shown = this.#z;
    this.#posterior = posterior;
    if (this.#atlas && !this.#scattered) this.#settlePlane();
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

  /** Turns to the plane through three latents, called `words`; "" or the sentence why there is none. */
  span(points, words) {
    if (this.#atlas?.latentDim !== points[0].length) return "This model carries no encoded images, so there is no map to show a plane on.";
    const choice = throughChoice(points);
    const plane = planeThrough(choice, points[0].length);
    if (plane === null) return "These three pins lie on one line, and many planes hold it; choose another pin.";
    this.toolbar.add(choice, words, plane);
    this.#choose(this.toolbar.prefer(choice));
    return "";
  }

  /** Nobody waits for a map of the last model any more. */
  forget() {
    this.#awaited = null;
  }

  /** The map goes away: nothing is drawn or asked later. */
  close() {
    this.forget();
    this.#background.clear();
    cancelAnimationFrame(this.#frame);
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
    if (choice in EMBEDDINGS) this.#embed(choice);
    else this.#look(choice);
  }

  #look(choice, view) {
    this.#choice = choice;
    this.#turn(false);
    const base = this.#basePlane();
    this.#plane = base;
    this.#cloud.project(base);
    this.#fit(view);
    this.#background.clear();
    this.#settlePlane(0);
  }

  #fit(view = null) {
    const { centre, radius } = this.#cloud.extent();
    this.#viewport.fit(centre, MARGIN * radius);
    if (view) this.#viewport.look(view);
    this.draw();
  }

  /** Waits for a map without an inverse while the last one stays usable; without it, says why and stays there. */
  async #embed(kind, view) {
    const asked = { kind };
    const wanted = () => this.#awaited === asked;
    this.#awaited = asked;
    this.#on.say(`${EMBEDDINGS[kind]}: asking for its points.`);
    try {
      const found = await this.#on.embedding(kind, { say: this.#on.say, wanted });
      if (found === null || !wanted()) return;
      this.#choice = kind;
      this.#turn(true);
      this.#cloud.scatter(found);
    } catch (error) {
      if (!wanted()) return;
      this.#awaited = null;
      this.toolbar.prefer(this.#choice);
      this.#on.say(error.message);
      return;
    }
    this.#fit(view);
  }

  /** To a map without an inverse, or back to one with. */
  #turn(scattered) {
    this.#on.say(scattered ? whyNoInverse(this.#choice) : "");
    this.#awaited = null;
    this.#scattered = scattered;
    if (this.#hovered !== null) this.#leave();
    this.toolbar.showInverse(!scattered);
    if (scattered) this.#background.clear();
  }

  #basePlane() {
    const { latentDim, centre, axes } = this.#atlas;
    const custom = this.toolbar.custom(this.#choice);
    if (custom) return custom;
    const [kind, first, second] = this.#choice.split(":");
    if (kind === "pc") return new Plane([...centre], axes[Number(first)], axes[Number(second)]);
    return pairPlane(latentDim, Number(first), Number(second));
  }

  /** The same plane moved so that it holds the committed point: what the map shows is what the sliders reach from here. One that a
   *  person laid through three points stays there. */
  #settlePlane(delay) {
    const base = this.#basePlane();
    const own = this.toolbar.custom(this.#choice) !== null;
    this.#plane = own ? base : base.through(this.#z.length === this.#atlas.latentDim ? this.#z : this.#atlas.centre);
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
      fit: () => this.#move(() => this.#fit()),
    });
  }

  #move(change) {
    if (!this.#atlas) return;
    change();
    if (!this.#scattered) this.#background.refresh(this.#plane, this.#viewport);
    this.draw();
  }

  /** The latent under the pointer: an encoded image's own code when the pointer is on its point; null where nothing decodes. */
  #under(at) {
    const coordinates = this.#viewport.toPlane(at);
    const reach = (this.#scattered ? POINT_REACH : REACH) / this.#viewport.scale;
    const index = this.#points || this.#scattered ? this.#cloud.nearest(coordinates, reach) : null;
    if (index !== null) return { index, z: this.#cloud.mean(index) };
    return { index, z: this.#scattered ? null : this.#plane.latent(coordinates) };
  }

  #preview(at, start) {
    if (!this.#atlas) return;
    const { index, z } = this.#under(at);
    if (z === null) {
      if (this.#hovered !== null) this.#leave();
      return;
    }
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
    if (z !== null) this.#on.commit(z, start);
  }

  #step(dx, dy, coarse, start) {
    if (!this.#atlas) return;
    if (this.#scattered) {
      this.#hop(dx, -dy, start);
      return;
    }
    const size = ((coarse ? 5 : 1) * STEP * this.#viewport.width) / this.#viewport.scale;
    const [a, b] = this.#plane.coordinates(this.#shown);
    this.#shown = this.#plane.latent([a + dx * size, b - dy * size]);
    this.#on.preview(this.#shown, start);
    this.#drawOverlay();
  }

  /** From point to point: between them nothing decodes. */
  #hop(dx, dy, start) {
    const here = this.#cloud.find(this.#shown);
    const next = this.#cloud.towards(here === null ? this.#viewport.centre : this.#cloud.position(here), [dx, dy]);
    if (next === null) return;
    this.#hovered = next;
    this.#shown = this.#cloud.mean(next);
    this.#on.preview(this.#shown, start);
    this.#on.hover(next, this.#viewport.toScreen(this.#cloud.position(next)));
    this.draw();
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
    if (this.#atlas && !this.#scattered) this.#background.refresh(this.#plane, this.#viewport);
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
    if (this.#scattered) this.#markPoints(pen);
    else this.#drawMarks(pen);
    if (this.#hovered !== null) drawMark(pen, this.#viewport.toScreen(this.#cloud.position(this.#hovered)));
  }

  #drawMarks(pen) {
    if (this.#path.length > 1) drawPath(pen, this.#viewport, this.#plane, this.#path);
    for (const pin of this.#pins) drawPin(pen, this.#viewport, this.#plane, pin);
    if (this.#posterior) drawPosterior(pen, this.#viewport, this.#plane, this.#posterior);
    drawCross(pen, this.#viewport, this.#plane, this.#shown);
  }

  /** Without an inverse only those pins and that cross which are exactly one of the points: anything else has no place here. */
  #markPoints(pen) {
    for (const [mark, z] of [...this.#pins.map((pin) => [drawPin, pin]), [drawCross, this.#shown]]) {
      const index = this.#cloud.find(z);
      if (index !== null) mark(pen, this.#viewport, { coordinates: () => this.#cloud.position(index) }, z);
    }
  }

  #paintGround(ratio) {
    const context = this.#context;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = "#000";
    context.fillRect(0, 0, this.#viewport.width, this.#viewport.height);
    if (!this.#atlas) return;
    if (!this.#scattered) this.#background.draw(context, this.#viewport);
    if (this.#points || this.#scattered) this.#drawPoints(context, ratio);
    if (!this.#scattered) drawPrior(context, this.#viewport, this.#plane);
    this.#canvas.dataset.frames = String(Number(this.#canvas.dataset.frames ?? 0) + 1);
  }

  #drawPoints(context, ratio) {
    const { width, height } = this.#canvas;
    if (this.#image?.width !== width || this.#image.height !== height) this.#image = new PointLayer(width, height);
    const [x0, y0] = this.#viewport.toScreen([0, 0]);
    const scale = this.#viewport.scale * ratio;
    const toPixels = { ax: x0 * ratio, bx: scale, ay: y0 * ratio, by: -scale };
    this.#image.paint((words) => this.#cloud.draw(words, width, height, toPixels, pointRadius(this.#viewport.scale * (this.#scattered ? 2 : 1), ratio)));
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(this.#image.canvas, 0, 0);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
  }
}
