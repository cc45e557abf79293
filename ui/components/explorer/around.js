// Everything that shows what lies around a point: the map, the strips behind the sliders, and the indicator. One second connection
// serves them all; a model without encoded images simply has none of it.

import { h } from "./dom.js";
import { Directions, principalDirections } from "./directions.js";
import { Filmstrips } from "./filmstrip.js";
import { Asides } from "./map/asides.js";
import { fetchAtlas, mapUrl } from "./map/atlas.js";
import { fetchEmbedding } from "./map/embedding.js";
import { LatentMap } from "./map/map.js";
import { Nearest } from "./nearest.js";
import { Where } from "./where.js";

export class Around {
  #on;
  #asides = null;
  #films = new Filmstrips();
  #classes = [];
  #model = "";
  #version = null; // of the model's file
  #say = () => {};
  #atlas = null;
  #opened = 0; // grows with each model, so that a late answer for the last one is dropped
  #point = null; // {z, posterior} committed

  /** on: {preview(z, start), restore(), commit(z, start), slide(z, start), release()} */
  constructor(on) {
    this.#on = on;
    this.where = new Where();
    this.nearest = new Nearest();
    this.map = new LatentMap({
      ...on,
      hover: (index, at) => this.#tip(index, at),
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
    this.#classes = data.classes;
    [this.#model, this.#version, this.#say] = [data.model, data.version, say];
    this.nearest.open(data.model, data.classes);
    this.#atlas = null;
    this.#films.open(rail, this.#asides);
    try {
      const atlas = await fetchAtlas(data.model, data.version);
      if (opened !== this.#opened) return;
      this.#atlas = { ...atlas, classes: data.classes, order: data.dimensions.map((dimension) => dimension.index) };
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
    this.#films.stale(index);
    this.nearest.stale();
    this.map.follow(z);
    if (this.#atlas) this.where.at(z);
  }

  /** z was committed. */
  settled(z, posterior) {
    this.#point = { z: [...z], posterior };
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

  #tip(index, [x, y]) {
    const { tip } = this.map;
    tip.hidden = index === null;
    if (index === null) return;
    const words = `${this.#classes[this.#atlas.labels[index]] ?? this.#atlas.labels[index]} · test image ${index}`;
    if (tip.dataset.index !== String(index)) {
      tip.dataset.index = String(index);
      const image = h("img", { alt: "", src: mapUrl("map/image", { model: this.#model, index }), onerror: () => image.remove() });
      tip.replaceChildren(image, words);
    }
    tip.style.left = `${Math.max(0, Math.min(x + 12, this.map.element.clientWidth - tip.offsetWidth - 4))}px`;
    tip.style.top = `${y < 110 ? y + 14 : y - 96}px`;
  }
}
