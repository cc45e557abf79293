// The map: a plane of the latent space in which every point decodes. Moving the pointer looks: the picture alone follows, and comes
// back when it leaves. With the button down one moves over the plane, and stays where it is let go. A click goes there, or takes the
// code of the image whose point is there. Draws only when something changed, at most once a frame. t-SNE and UMAP have no inverse:
// there only the points answer.

import { h } from "../elements.js";
import { onResize, within } from "../timers.js";
import { Background } from "./background.js";
import { CAPTION, Caption, className, imageWords } from "./caption.js";
import { ClassLegend } from "./class_legend.js";
import { EMBEDDINGS, whyNoInverse } from "./tsne_umap.js";
import { listen } from "./gestures.js";
import { ImageTooltip } from "./image_tooltip.js";
import { buildToolbar } from "./map_toolbar.js";
import { Painter } from "./map_canvas.js";
import { planeOf, planeThrough, throughChoice } from "./plane_projection.js";
import { Points, PRIOR_EXTENT } from "./draw_points.js";
import { Viewport } from "./viewport.js";

const REACH = 7; // px within which the pointer is on a point
const POINT_REACH = 12; // the same where there is nothing but points
const TAKE_REACH = 40; // px within which Enter finds a point
const STEP = 0.02; // share of the map's width for one arrow key, five times as much with Shift
const MARGIN = 1.12;
const HELP = "map of the latent space: arrow keys move, Enter takes the nearest point, plus and minus zoom, 0 shows everything";

export class LatentMap {
  #explorer;
  #store;
  #canvas;
  #painter;
  #stale = true; // the lower canvas has to be painted too
  #viewport = new Viewport(480, 480);
  #background;
  #legend = new ClassLegend({ hidden: () => this.#draw(), pointedOut: (label) => this.#pointOut(label) });
  #caption = new Caption({ all: () => this.#change(() => this.#cloud.showAll(this.#cloud.sampling)) });
  #tooltip;
  #toolbar;
  #element;
  #note = h("p.lw-muted.lw-map-note", { role: "status", hidden: "" });
  #cloud = null; // Points
  #images = null; // of the open model: see answers/encoded_images.js
  #choice = "";
  #plane = null; // through the committed z
  #scattered = false; // the map has no inverse
  #awaited = null; // {kind, abort} of the map without an inverse that is being computed
  #marks = { path: [], pins: [] };
  #points = true;
  #hovered = null; // index of the point under the pointer
  #keyed = false; // the last move was made with keys
  #frame = null;

  constructor(explorer) {
    const { signal } = explorer;
    [this.#explorer, this.#store] = [explorer, explorer.store];
    this.#background = new Background(() => this.#change(() => {}), signal); // a density's scale is that of what is in view
    this.#tooltip = new ImageTooltip(signal);
    this.#canvas = h("canvas.lw-map-canvas", { tabindex: "0", role: "application", "data-testid": "map", "aria-label": HELP, "aria-describedby": CAPTION });
    const overlay = h("canvas.lw-map-canvas.lw-map-overlay", { "aria-hidden": "true", "data-testid": "map-overlay" });
    this.#painter = new Painter(this.#canvas, overlay, this.#viewport);
    this.#toolbar = buildToolbar({
      plane: (choice) => this.#choose(choice),
      background: (kind) => this.#change(() => this.#background.choose(kind, this.#plane, this.#viewport)),
      points: (shown) => this.#change(() => (this.#points = shown)),
    });
    this.#element = h("div.lw-map", {}, this.#canvas, overlay, ...this.#caption.over, this.#tooltip.element);
    const under = h("div.lw-map-under", {}, this.#legend.element, this.#caption.element);
    this.elements = { "map heading": this.#toolbar.head, map: [this.#element, under, this.#note] };
    this.#listen();
    onResize(this.#element, () => this.#resize(), signal);
    signal.addEventListener("abort", () => cancelAnimationFrame(this.#frame), { once: true });
  }

  /** The map of the last model stays on the screen until there is another, but answers no more. */
  open() {
    this.#forget();
    this.#images = null;
  }

  encoded(images) {
    this.say("");
    if (images.latentDim < 2) return;
    const { queries, name, link } = this.#explorer.model;
    this.#images = images;
    this.#cloud = new Points(images.means, images.labels, images.latentDim, this.#legend.hidden);
    this.#background.connect(queries);
    this.#legend.offer(images.classes);
    this.#tooltip.open((index) => this.#explorer.answers.imageUrl(name, index), images);
    this.#toolbar.offer(images);
    const own = planeThrough(link.plane, images.latentDim);
    if (own) this.#toolbar.add(link.plane, "through three pins", own);
    this.#background.kind = this.#toolbar.chooseBackground(link.background ?? this.#background.kind);
    const choice = this.#toolbar.prefer(link.plane);
    this.#look(choice in EMBEDDINGS ? this.#toolbar.first : choice, link.view);
    if (choice in EMBEDDINGS) this.#embed(choice, link.view);
  }

  /** Moves the cross: another part moves z. */
  moved({ cause }) {
    if (cause.by !== "look") this.#drawOverlay();
  }

  committed(store) {
    this.refresh(store);
  }

  /** The plane through the committed point, and its posterior. */
  refresh() {
    if (this.#images && !this.#scattered) this.#shiftPlane();
    this.#sayHere();
    this.#draw();
  }

  /** Other weights draw what lies under the points. */
  renew({ queries }) {
    this.#background.renew(queries);
    this.#move(() => {});
  }

  /** Where images lie under other weights, on the same plane and in the same view. */
  recode({ means, labels }, few = true) {
    if (!this.#images || this.#scattered) return;
    this.#cloud = new Points(means, labels, this.#images.latentDim, this.#legend.hidden);
    this.#cloud.few = few;
    this.#cloud.project(this.#own ?? planeOf(this.#choice, this.#images));
    this.#hovered = null;
    this.#change(() => {});
  }

  /** What a link needs to restore this map; nothing while there is none. */
  linkState() {
    if (!this.#images) return {};
    return { plane: this.#awaited?.kind ?? this.#choice, background: this.#background.kind, view: this.#viewport.place };
  }

  /** What is said under the map: why there is none, or that one is awaited. */
  say(words) {
    this.#note.textContent = words;
    this.#note.hidden = words === "";
  }

  /** marks: {path, pins}, or one of them: arrays of z */
  mark(marks) {
    Object.assign(this.#marks, marks);
    this.#drawOverlay();
  }

  /** Turns to the plane through three latents, called `words`; "" or the sentence why there is none. */
  span(points, words) {
    if (this.#images?.latentDim !== points[0].length) return "This model carries no encoded images, so there is no map to show a plane on.";
    const choice = throughChoice(points);
    const plane = planeThrough(choice, points[0].length);
    if (plane === null) return "These three pins lie on one line, and many planes hold it; choose another pin.";
    this.#toolbar.add(choice, words, plane);
    this.#choose(this.#toolbar.prefer(choice));
    return "";
  }

  #pointOut(label) {
    if (this.#cloud === null || this.#cloud.pointedOut === label) return;
    this.#cloud.pointedOut = label;
    this.#draw();
  }

  #forget() {
    this.#awaited?.abort.abort(); // nobody waits for a map of the last model any more
    this.#awaited = null;
  }

  #draw() {
    this.#stale = true; // everything anew
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
    this.#draw();
  }

  #choose(choice) {
    if (choice in EMBEDDINGS) this.#embed(choice);
    else this.#look(choice);
  }

  #look(choice, view) {
    this.#choice = choice;
    this.#turn(false);
    this.#cloud.project(this.#own ?? planeOf(choice, this.#images));
    this.#fit(view);
    this.#background.clear();
    this.#shiftPlane(0);
    this.#explain();
    this.#sayHere();
  }

  #fit(view = null) {
    const { centre, radius } = this.#explorer.data.training ? PRIOR_EXTENT : this.#cloud.extent(); // where the codes are going to lie
    this.#viewport.fit(centre, MARGIN * radius);
    if (view) this.#viewport.look(view);
    this.#draw();
  }

  /** Waits for a map without an inverse while the last one stays usable; without it, says why and stays there. */
  async #embed(kind, view) {
    this.#forget();
    const { data } = this.#explorer.model;
    const asked = { kind, abort: within(this.#explorer.model.signal) };
    const { signal } = asked.abort;
    this.#awaited = asked;
    this.say(`${EMBEDDINGS[kind]}: asking for its points.`);
    try {
      const found = await this.#explorer.answers.embedding(data, kind, { say: (words) => this.say(words), signal });
      if (found === null || signal.aborted) return;
      this.#choice = kind;
      this.#turn(true);
      this.#cloud.scatter(found);
    } catch (error) {
      if (signal.aborted) return;
      this.#awaited = null;
      this.#toolbar.prefer(this.#choice);
      this.say(error.message);
      return;
    }
    this.#explain();
    this.#sayHere();
    this.#fit(view);
  }

  /** To a map without an inverse, or back to one with. */
  #turn(scattered) {
    this.say(scattered ? whyNoInverse(this.#choice) : "");
    this.#forget();
    this.#scattered = scattered;
    if (this.#hovered !== null) this.#leave();
    this.#toolbar.showInverse(!scattered);
    if (scattered) this.#background.clear();
  }

  /** A plane that a person laid through three points, or null. */
  get #own() {
    return this.#toolbar.custom(this.#choice);
  }

  /** A ready-made plane moves so that it holds the committed point: what the map shows is what the sliders reach from here. */
  #shiftPlane(delay) {
    const { z } = this.#store.committed;
    this.#plane = this.#own ?? planeOf(this.#choice, this.#images).through(z.length === this.#images.latentDim ? z : this.#images.centre);
    this.#background.refresh(this.#plane, this.#viewport, delay);
    this.#draw();
  }

  #listen() {
    listen(this.#canvas, {
      hover: (at, event) => this.#lookAt(at, event.timeStamp),
      leave: () => this.#leave(),
      drag: (at, event) => this.#drag(at, event.timeStamp),
      drop: (at, event, clicked) => this.#drop(at, event.timeStamp, clicked),
      cancel: () => this.#leave(false),
      pan: (dx, dy) => this.#move(() => this.#viewport.panBy(dx, dy)),
      zoom: (at, factor) => this.#move(() => this.#viewport.zoomAt(at, factor)),
      step: (dx, dy, coarse, event) => this.#step(dx, dy, coarse, event.timeStamp),
      stepped: () => this.#explorer.goTo(this.#store.here, performance.now()),
      take: (event) => this.#take(event.timeStamp),
      fit: () => this.#move(() => this.#fit()),
    }, this.#explorer.signal);
  }

  #move(change) {
    if (!this.#images) return;
    change();
    if (!this.#scattered) this.#background.refresh(this.#plane, this.#viewport);
    this.#draw();
  }

  /** The visible point within `reach` pixels of a place on the map, or null. */
  #pointAt(place, reach) {
    return this.#points || this.#scattered ? this.#cloud.nearest(place, reach / this.#viewport.scale) : null;
  }

  /** The pointer looks around: the picture follows it over the plane, and a point it is on is named beside it. */
  #lookAt(at, start) {
    if (!this.#images) return;
    const place = this.#viewport.toPlane(at);
    const index = this.#pointAt(place, this.#scattered ? POINT_REACH : REACH);
    if (index === null && this.#scattered) return void (this.#hovered !== null && this.#leave());
    if (!this.#scattered) this.#store.look(this.#plane.latent(place), { by: "look", at: start });
    else if (index !== this.#hovered) this.#store.look(this.#cloud.mean(index), { by: "look", at: start });
    this.#caption.pointer(place);
    this.#hover(index, at);
  }

  #hover(index, at) {
    if (index === null) this.#tooltip.hide();
    else this.#tooltip.show(index, this.#cloud.label(index), at, this.#viewport.width, this.#scattered ? "click goes to its code" : "click takes its own code");
    if (index !== this.#hovered) this.#drawOverlay();
    this.#hovered = index;
  }

  /** With the button down the picture follows the plane, whatever points lie there. */
  #drag(at, start) {
    if (!this.#images) return;
    if (this.#scattered) return this.#lookAt(at, start);
    const place = this.#viewport.toPlane(at);
    this.#hover(null, at);
    this.#caption.pointer(place);
    this.#store.move(this.#plane.latent(place), { by: "map", at: start });
  }

  /** The pointer has left. `meant`: what it dragged before is. */
  #leave(meant = true) {
    if (!this.#images) return;
    this.#hover(null, [0, 0]);
    this.#caption.pointer(null);
    if (meant) this.#store.back();
    else this.#store.move(this.#store.committed.z, { by: "back" });
  }

  /** The button was let go: a movement ends here; a click on a point takes that image's own code. */
  #drop(at, start, clicked) {
    if (!this.#images) return;
    this.#keyed = false;
    const place = this.#viewport.toPlane(at);
    const index = clicked || this.#scattered ? this.#pointAt(place, this.#scattered ? POINT_REACH : REACH) : null;
    if (index !== null) this.#explorer.goTo(this.#cloud.mean(index), start);
    else if (!this.#scattered) this.#explorer.goTo(this.#plane.latent(place), start);
  }

  #step(dx, dy, coarse, start) {
    if (!this.#images) return;
    this.#keyed = true;
    if (this.#scattered) return this.#hop(dx, -dy, start);
    const size = ((coarse ? 5 : 1) * STEP * this.#viewport.width) / this.#viewport.scale;
    const [a, b] = this.#plane.coordinates(this.#store.here);
    this.#store.move(this.#plane.latent([a + dx * size, b - dy * size]), { by: "map", at: start });
  }

  /** From point to point: between them nothing decodes. */
  #hop(dx, dy, start) {
    const here = this.#cloud.find(this.#store.here);
    const next = this.#cloud.towards(here === null ? this.#viewport.centre : this.#cloud.position(here), [dx, dy]);
    if (next === null) return;
    this.#store.move(this.#cloud.mean(next), { by: "map", at: start });
    this.#hover(next, this.#viewport.toScreen(this.#cloud.position(next)));
    this.#draw();
  }

  #take(start) {
    if (!this.#images || this.#scattered) return;
    const index = this.#pointAt(this.#plane.coordinates(this.#store.here), TAKE_REACH);
    if (index !== null) this.#explorer.goTo(this.#cloud.mean(index), start);
  }

  /** What the map shows, in words beside it. */
  #explain() {
    if (!this.#images) return;
    const { kind, range, told, awaited } = this.#background;
    const ground = { background: this.#scattered ? "none" : kind, range, told, awaited };
    this.#caption.show({ points: this.#points || this.#scattered, cloud: this.#cloud, kind: this.#choice, flat: this.#images.latentDim === 2, own: this.#own !== null, ...ground });
  }

  #sayHere() {
    const { z } = this.#store.committed;
    if (z.length !== this.#images?.latentDim) return;
    const index = this.#cloud.find(z);
    const place = this.#scattered ? null : this.#plane.coordinates(z);
    const near = this.#keyed && index === null && place !== null ? this.#pointAt(place, TAKE_REACH) : null;
    this.#caption.here(place, this.#named(index), this.#named(near));
  }

  #named(index) {
    if (index === null) return null;
    return imageWords(this.#images.numbers?.[index] ?? index, className(this.#images.classes, this.#cloud.label(index)));
  }

  #resize() {
    const { clientWidth, clientHeight } = this.#element;
    if (clientWidth === 0 || clientHeight === 0) return;
    this.#painter.resize(clientWidth, clientHeight);
    this.#stale = true;
    this.#viewport.resize(clientWidth, clientHeight);
    if (this.#images && !this.#scattered) this.#background.refresh(this.#plane, this.#viewport);
    this.#paint();
  }

  #paint() {
    const [cloud, background, plane, scattered] = [this.#cloud, this.#background, this.#plane, this.#scattered];
    if (this.#stale) this.#painter.ground({ cloud, background, plane, scattered, points: this.#points, prior: this.#images?.prior });
    this.#stale = false;
    const { posterior } = this.#store.committed;
    this.#painter.marks({ cloud, plane, scattered, ...this.#marks, posterior, cross: this.#store.here, hovered: this.#hovered });
  }
}
