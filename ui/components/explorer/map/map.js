// The map: a plane of the latent space in which every point decodes. Moving the pointer looks: the picture alone follows, and comes
// back when it leaves. With the button down one walks over the plane, and stays where it is let go. A click goes there, or takes the
// code of the image whose point is there. Draws only when something changed, at most once a frame. t-SNE and UMAP have no inverse:
// there only the points answer.

import { h } from "../elements.js";
import { Background } from "./background.js";
import { Caption, CAPTION } from "./caption.js";
import { Cloud } from "./points.js";
import { EMBEDDINGS, whyNoInverse } from "./embedding.js";
import { listen } from "./gestures.js";
import { Legend } from "./class_legend.js";
import { Painter } from "./painter.js";
import { planeOf, planeThrough, throughChoice } from "./plane.js";
import { Tip } from "./image_tooltip.js";
import { buildToolbar } from "./map_toolbar.js";
import { Viewport } from "./viewport.js";
import { imageWords } from "./words.js";

const REACH = 7; // px within which the pointer is on a point
const POINT_REACH = 12; // the same where there is nothing but points
const TAKE_REACH = 40; // px within which Enter finds a point
const STEP = 0.02; // share of the map's width for one arrow key, five times as much with Shift
const MARGIN = 1.12;
const HELP = "map of the latent space: arrow keys move, Enter takes the nearest point, plus and minus zoom, 0 shows everything";

export class LatentMap {
  #on;
  #canvas;
  #painter;
  #stale = true; // the lower canvas has to be painted too
  #viewport = new Viewport(480, 480);
  #background = new Background(() => this.#change(() => {})); // a density's scale is that of what is in view
  #legend = new Legend(() => this.draw());
  #caption = new Caption({ all: () => this.#change(() => this.#cloud.showAll(this.#cloud.sampling)) });
  #tip = new Tip();
  #observer = new ResizeObserver(() => this.#resize());
  #cloud = null;
  #atlas = null; // {means, labels, model, classes, centre, axes, latentDim}
  #choice = "";
  #plane = null; // through the committed z
  #scattered = false; // the map has no inverse
  #awaited = null; // {kind, abort} of the map without an inverse that is being computed
  #z = [];
  #shown = []; // where the cross is: the committed point, or the one walked over now
  #posterior = null;
  #path = [];
  #pins = [];
  #points = true;
  #hovered = null; // index of the point under the pointer
  #keyed = false; // the last move was made with keys
  #frame = null;

  /** on: {peek(z, start), preview(z, start), restore(), commit(z, start), embedding(kind, {say, signal}), say(words)} */
  constructor(on) {
    this.#on = on;
    this.#canvas = h("canvas.lw-map-canvas", { tabindex: "0", role: "application", "data-testid": "map", "aria-label": HELP, "aria-describedby": CAPTION });
    const overlay = h("canvas.lw-map-canvas.lw-map-overlay", { "aria-hidden": "true", "data-testid": "map-overlay" });
    this.#painter = new Painter(this.#canvas, overlay, this.#viewport);
    this.toolbar = buildToolbar({
      plane: (choice) => this.#choose(choice),
      background: (kind) => this.#setBackground(kind),
      points: (shown) => this.#change(() => (this.#points = shown)),
    });
    this.element = h("div.lw-map", {}, this.#canvas, overlay, ...this.#caption.over, this.#tip.element);
    this.under = h("div.lw-map-under", {}, this.#legend.element, this.#caption.element);
    this.#listen();
    this.#observer.observe(this.element);
  }

  /** A model's encoded images; `asides` answers for backgrounds; link: the view a link asks for. */
  open(atlas, asides, link) {
    this.#atlas = atlas;
    this.#cloud = new Cloud(atlas.means, atlas.labels, atlas.latentDim);
    this.#cloud.hidden = this.#legend.hidden;
    this.#background.connect(asides);
    this.#legend.offer(atlas.classes);
    this.#tip.open(atlas.model, atlas.classes);
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
    this.#sayHere();
    this.draw();
  }

  /** Moves the cross without committing: a slider is being dragged. */
  follow(z) {
    this.#shown = z;
    this.#drawOverlay();
  }

  showPath(path) {
    this.#path = path;
    this.#drawOverlay();
  }

  showPins(pins) {
    this.#pins = pins;
    this.#drawOverlay();
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
    this.#awaited?.abort.abort();
    this.#awaited = null;
  }

  /** The map goes away: nothing is drawn or asked later. */
  close() {
    this.forget();
    this.#background.clear();
    this.#tip.hide();
    this.#observer.disconnect();
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
    this.#explain();
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
    this.#explain();
    this.#sayHere();
  }

  #fit(view = null) {
    const { centre, radius } = this.#cloud.extent();
    this.#viewport.fit(centre, MARGIN * radius);
    if (view) this.#viewport.look(view);
    this.draw();
  }

  /** Waits for a map without an inverse while the last one stays usable; without it, says why and stays there. */
  async #embed(kind, view) {
    this.forget();
    const asked = { kind, abort: new AbortController() };
    const { signal } = asked.abort;
    this.#awaited = asked;
    this.#on.say(`${EMBEDDINGS[kind]}: asking for its points.`);
    try {
      const found = await this.#on.embedding(kind, { say: this.#on.say, signal });
      if (found === null || signal.aborted) return;
      this.#choice = kind;
      this.#turn(true);
      this.#cloud.scatter(found);
    } catch (error) {
      if (signal.aborted) return;
      this.#awaited = null;
      this.toolbar.prefer(this.#choice);
      this.#on.say(error.message);
      return;
    }
    this.#explain();
    this.#sayHere();
    this.#fit(view);
  }

  /** To a map without an inverse, or back to one with. */
  #turn(scattered) {
    this.#on.say(scattered ? whyNoInverse(this.#choice) : "");
    this.forget();
    this.#scattered = scattered;
    if (this.#hovered !== null) this.#leave();
    this.toolbar.showInverse(!scattered);
    if (scattered) this.#background.clear();
  }

  #basePlane() {
    return this.toolbar.custom(this.#choice) ?? planeOf(this.#choice, this.#atlas);
  }

  get #own() {
    return this.toolbar.custom(this.#choice) !== null;
  }

  /** The same plane moved so that it holds the committed point: what the map shows is what the sliders reach from here. One that a
   *  person laid through three points stays there. */
  #settlePlane(delay) {
    const base = this.#basePlane();
    this.#plane = this.#own ? base : base.through(this.#z.length === this.#atlas.latentDim ? this.#z : this.#atlas.centre);
    this.#background.refresh(this.#plane, this.#viewport, delay);
    this.draw();
  }

  #setBackground(kind) {
    this.#background.kind = kind;
    this.#background.clear();
    this.#background.refresh(this.#plane, this.#viewport, 0);
    this.#change(() => {});
  }

  #listen() {
    listen(this.#canvas, {
      hover: (at, event) => this.#lookAt(at, event.timeStamp),
      leave: () => this.#leave(),
      drag: (at, event) => this.#walk(at, event.timeStamp),
      drop: (at, event, clicked) => this.#drop(at, event.timeStamp, clicked),
      cancel: () => this.#leave(),
      pan: (dx, dy) => this.#move(() => this.#viewport.panBy(dx, dy)),
      zoom: (at, factor) => this.#move(() => this.#viewport.zoomAt(at, factor)),
      step: (dx, dy, coarse, event) => this.#step(dx, dy, coarse, event.timeStamp),
      settle: () => this.#on.commit(this.#shown, performance.now()),
      take: (event) => this.#take(event.timeStamp),
      fit: () => this.#move(() => this.#fit()),
    });
  }

  #move(change) {
    if (!this.#atlas) return;
    change();
    if (!this.#scattered) this.#background.refresh(this.#plane, this.#viewport);
    this.draw();
  }

  /** The visible point within `reach` pixels of a place on the map, or null. */
  #pointAt(place, reach) {
    return this.#points || this.#scattered ? this.#cloud.nearest(place, reach / this.#viewport.scale) : null;
  }

  /** The pointer looks around: the picture follows it over the plane, and a point it is on is named beside it. */
  #lookAt(at, start) {
    if (!this.#atlas) return;
    const place = this.#viewport.toPlane(at);
    const index = this.#pointAt(place, this.#scattered ? POINT_REACH : REACH);
    if (index === null && this.#scattered) {
      if (this.#hovered !== null) this.#leave();
      return;
    }
    if (!this.#scattered) this.#on.peek(this.#plane.latent(place), start);
    else if (index !== this.#hovered) this.#on.peek(this.#cloud.mean(index), start);
    this.#caption.pointer(place);
    this.#hover(index, at);
  }

  #hover(index, at) {
    if (index === null) this.#tip.hide();
    else this.#tip.show(index, this.#cloud.label(index), at, this.#viewport.width, this.#scattered ? "click goes to its code" : "click takes its own code");
    if (index !== this.#hovered) this.#drawOverlay();
    this.#hovered = index;
  }

  /** With the button down the picture follows the plane, whatever points lie there. */
  #walk(at, start) {
    if (!this.#atlas) return;
    if (this.#scattered) return this.#lookAt(at, start);
    const place = this.#viewport.toPlane(at);
    this.#hover(null, at);
    this.#caption.pointer(place);
    this.#shown = this.#plane.latent(place);
    this.#on.preview(this.#shown, start);
    this.#drawOverlay();
  }

  #leave() {
    if (!this.#atlas) return;
    this.#hover(null, [0, 0]);
    this.#caption.pointer(null);
    this.#shown = this.#z;
    this.#on.restore();
    this.#drawOverlay();
  }

  /** The button was let go: a walk ends here; a click on a point takes that image's own code. */
  #drop(at, start, clicked) {
    if (!this.#atlas) return;
    this.#keyed = false;
    const place = this.#viewport.toPlane(at);
    const index = clicked || this.#scattered ? this.#pointAt(place, this.#scattered ? POINT_REACH : REACH) : null;
    if (index !== null) this.#on.commit(this.#cloud.mean(index), start);
    else if (!this.#scattered) this.#on.commit(this.#plane.latent(place), start);
  }

  #step(dx, dy, coarse, start) {
    if (!this.#atlas) return;
    this.#keyed = true;
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
    this.#shown = this.#cloud.mean(next);
    this.#on.preview(this.#shown, start);
    this.#hover(next, this.#viewport.toScreen(this.#cloud.position(next)));
    this.draw();
  }

  #take(start) {
    if (!this.#atlas || this.#scattered) return;
    const index = this.#pointAt(this.#plane.coordinates(this.#shown), TAKE_REACH);
    if (index !== null) this.#on.commit(this.#cloud.mean(index), start);
  }

  /** What the map shows, in words beside it. */
  #explain() {
    if (!this.#atlas) return;
    const { kind, range, told, awaited } = this.#background;
    const ground = { background: this.#scattered ? "none" : kind, range, told, awaited };
    this.#caption.show({ points: this.#points || this.#scattered, cloud: this.#cloud, kind: this.#choice, flat: this.#atlas.latentDim === 2, own: this.#own, ...ground });
  }

  #sayHere() {
    if (!this.#atlas || this.#z.length !== this.#atlas.latentDim) return;
    const index = this.#cloud.find(this.#z);
    const place = this.#scattered ? null : this.#plane.coordinates(this.#z);
    const near = this.#keyed && index === null && place !== null ? this.#pointAt(place, TAKE_REACH) : null;
    this.#caption.here(place, this.#named(index), this.#named(near));
  }

  #named(index) {
    if (index === null) return null;
    const label = this.#cloud.label(index);
    return imageWords(index, this.#atlas.classes[label] ?? label);
  }

  #resize() {
    const { clientWidth, clientHeight } = this.element;
    if (clientWidth === 0 || clientHeight === 0) return;
    this.#painter.resize(clientWidth, clientHeight);
    this.#stale = true;
    this.#viewport.resize(clientWidth, clientHeight);
    if (this.#atlas && !this.#scattered) this.#background.refresh(this.#plane, this.#viewport);
    this.#paint();
  }

  #paint() {
    const [cloud, background, plane, scattered] = [this.#cloud, this.#background, this.#plane, this.#scattered];
    if (this.#stale) this.#painter.ground({ cloud, background, plane, scattered, points: this.#points });
    this.#stale = false;
    const [path, pins, posterior, shown, hovered] = [this.#path, this.#pins, this.#posterior, this.#shown, this.#hovered];
    this.#painter.marks({ cloud, plane, scattered, path, pins, posterior, shown, hovered });
  }
}
