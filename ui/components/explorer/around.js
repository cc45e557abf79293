// Everything that shows what lies around a point: the map, the strips behind the sliders, and the indicator. One second connection
// serves them all; a model without encoded images simply has none of it.

import { Directions, principalDirections } from "./rail/directions.js";
import { Filmstrips } from "./rail/slider_pictures.js";
import { Asides } from "./connection/query_connection.js";
import { fetchAtlas } from "./connection/encoded_images.js";
import { fetchEmbedding } from "./map/embedding.js";
import { LatentMap } from "./map/map.js";
import { Nearest } from "./picture/nearest_images.js";
import { Where } from "./picture/likeness.js";

const FADE_AGAIN = 150; // ms: strips that came under way are faded again as soon

export class Around {
  #on;
  #asides = null;
  #films = new Filmstrips();
  #model = "";
  #version = null; // of the model's file
  #say = () => {};
  #atlas = null;
  #opened = 0; // grows with each model, so that a late answer for the last one is dropped
  #point = null; // {z, posterior} committed
  #faded = null; // {index, at}: z moves along this dimension (null: freely), said to the strips then

  /** on: {peek(z, start), preview(z, start), restore(), commit(z, start), slide(z, start), release()} */
  constructor(on) {
    this.#on = on;
    this.where = new Where();
    this.nearest = new Nearest();
    this.map = new LatentMap({
      ...on,
      peek: (z, start) => this.#peek(z, start),
      restore: () => this.#restore(),
      embedding: (kind, how) => fetchEmbedding({ model: this.#model, version: this.#version }, kind, how),
      say: (words) => this.#say(words),
    });
  }

  /** url of the live route; data as the page sends it; say(words) tells why there is no map; link: see readLink. */
  async open(url, data, rail, say, link = {}) {
    const opened = (this.#opened += 1);
    const started = performance.now();
    this.close();
    this.map.forget();
    this.#asides = new Asides(url, () => this.#point && this.settled(this.#point.z, this.#point.posterior));
    [this.#model, this.#version, this.#say] = [data.model, data.version, say];
    this.nearest.open(data.model, data.classes);
    this.#atlas = null;
    this.#films.open(rail, this.#asides);
    try {
      const atlas = await fetchAtlas(data.model, data.version);
      if (opened !== this.#opened) return;
      this.#atlas = { ...atlas, model: data.model, classes: data.classes, order: data.dimensions.map((dimension) => dimension.index) };
    } catch (error) {
      if (opened === this.#opened) say(error.message);
      return;
    }
    say("");
    this.where.open(this.#asides);
    this.#films.count(this.#atlas);
    if (this.#atlas.latentDim > 2) this.#addComponents(rail);
    if (this.#atlas.latentDim > 1) this.map.open(this.#atlas, this.#asides, link);
    if (this.#point) this.settled(this.#point.z, this.#point.posterior);
    requestAnimationFrame(() => performance.measure("map-open", { start: started, end: performance.now() }));
  }

  get asides() {
    return this.#asides;
  }

  #addComponents(rail) {
    const on = { move: this.#on.slide, release: this.#on.release, unfold: () => this.redraw() };
    rail.add(new Directions("principal components", principalDirections(this.#atlas), on));
  }

  /** A slider (index) or the pointer on the map moves z; nothing is committed. */
  moved(z, index) {
    this.#fade(index);
    this.map.follow(z);
    if (this.#atlas) this.where.at(z);
  }

  /** Once for a movement and not at each of its events: every strip would change its class. */
  #fade(index) {
    const now = performance.now();
    if (this.#faded?.index === index && now - this.#faded.at < FADE_AGAIN) return;
    this.#faded = { index, at: now };
    this.#films.stale(index);
    this.nearest.stale();
  }

  /** The pointer looks at a point of the map: only the picture and what is said of it follow. The strips lead from where one stands. */
  #peek(z, start) {
    this.#on.peek(z, start);
    this.nearest.stale();
    if (this.#atlas) this.where.at(z);
  }

  #restore() {
    this.#on.restore();
    if (this.#point === null) return;
    if (this.#faded !== null) this.#films.refresh(this.#point.z);
    this.#faded = null;
    this.nearest.fresh();
    if (this.#atlas) this.where.at(this.#point.z);
  }

  /** z was committed. */
  settled(z, posterior) {
    this.#point = { z: [...z], posterior };
    this.#faded = null;
    this.#films.refresh(z);
    this.nearest.refresh(z);
    this.map.show(z, posterior);
    if (this.#atlas) this.where.at(z);
  }

  /** Strips of dimensions that have just been unfolded, or whose place has another size now. */
  redraw() {
    if (this.#point) this.#films.refresh(this.#point.z);
  }

  close() {
    this.#asides?.close();
    this.#asides = null;
    this.nearest.close();
  }

  /** The explorer goes away: nothing of it stays under way. */
  destroy() {
    this.#opened += 1;
    this.close();
    this.map.close();
  }
}
