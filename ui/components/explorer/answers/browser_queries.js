// What may take longer than a frame, answered in the page. As over the socket (connection/query_connection.js) there is one question at
// a time, of each topic the newest waits, and every question ends: with its answer, or with null.

import { DENSITIES, LIKENESS } from "../connection/binary_messages.js";
import { pause, within } from "../timers.js";
import { seenAt } from "./data_likeness.js";
import { pathThrough } from "./paths.js";
import { priorDraws } from "./prior_draws.js";

const FEW = 16; // points among which codes of images are looked for; more are a path or a grid
const PART = 64; // points looked at between two looks at whether somebody still waits
const SLICE = 12; // ms of computing after which the page gets its turn
const UNKNOWN = { distance: NaN, nearer: NaN, cycle: NaN, logPrior: NaN, logAggregate: NaN, denser: NaN, typical: NaN, verdict: "like" };

export class BrowserQueries {
  refusal = ""; // why the last question had no answer
  #model;
  #life;
  #waiting = new Map(); // topic -> {work, resolve}
  #working = false;

  /** model: a BrowserModel */
  constructor(model, signal) {
    this.#model = model;
    this.#life = within(signal);
    model.hold(this.#life.signal);
    this.#life.signal.addEventListener("abort", () => this.#end(), { once: true });
  }

  pictures(topic, points, side) {
    return this.#ask(topic, async (signal) => (await this.#model.decoder()).decode(points, { side, signal }));
  }

  places(topic, points, what = 0) {
    return this.#ask(topic, (signal) => placesOf(this.#model, points, what, signal));
  }

  path(topic, stops, options) {
    return this.#ask(topic, async (signal) => {
      const decoder = await this.#model.decoder();
      const found = await pathThrough((points) => decoder.means(points, { signal }), stops, options);
      if (found === null) return null;
      const { coverage, likeness } = await this.#model.measure();
      const places = likeness === null ? found.z.map(() => UNKNOWN) : await judged(this.#model, coverage, likeness, found.z, signal);
      return places && { ...found, typical: places.map(({ typical }) => typical), said: likeness?.tells ?? false };
    });
  }

  samples(topic, { count, seed, temperature, side }) {
    return this.#ask(topic, async (signal) => {
      const { view } = await this.#model.files;
      const z = priorDraws(count, view.z.length, { seed, temperature, uniform: view.uniform });
      const pictures = await (await this.#model.decoder()).decode(z, { side, signal });
      return pictures && { z, pictures };
    });
  }

  /** A published model is as it is: nothing of its training is there. */
  async training() {
    return null;
  }

  close() {
    this.#life.abort();
  }

  #ask(topic, work) {
    if (this.#life.signal.aborted) return Promise.resolve(null);
    return new Promise((resolve) => {
      this.#waiting.get(topic)?.resolve(null);
      this.#waiting.delete(topic); // to the end of the line
      this.#waiting.set(topic, { work, resolve });
      this.#answer();
    });
  }

  async #answer() {
    if (this.#working) return;
    this.#working = true;
    while (this.#waiting.size > 0) {
      const [topic, { work, resolve }] = this.#waiting.entries().next().value;
      this.#waiting.delete(topic);
      try {
        resolve(await work(this.#life.signal));
      } catch (error) {
        this.refusal = error.message;
        resolve(null);
      }
    }
    this.#working = false;
  }

  #end() {
    for (const { resolve } of this.#waiting.values()) resolve(null);
    this.#waiting.clear();
  }
}

/** Where points lie, as binary_messages.js's `places` tells; null when nobody waits any more. */
export async function placesOf(model, points, what, signal) {
  const { coverage, likeness, density } = await model.measure();
  if (coverage === null) throw new Error("this model has no encoded images to compare with");
  const errors = likeness?.errors ?? { auc: NaN, missed: NaN, midpointsTaken: NaN, farTaken: NaN };
  const places = points.map(() => ({ ...UNKNOWN, errors }));
  if (what !== LIKENESS && density) {
    const all = await inTurns(points, signal, (z) => densitiesAt(z, ownOf(coverage, z, points), coverage, likeness));
    if (all === null) return null;
    all.forEach((found, i) => Object.assign(places[i], found));
  }
  if (what !== DENSITIES) {
    const all = likeness === null ? points.map(() => ({ verdict: "unsaid" })) : await judged(model, coverage, likeness, points, signal);
    if (all === null) return null;
    all.forEach((found, i) => Object.assign(places[i], found));
  }
  return places;
}

function densitiesAt(z, own, coverage, likeness) {
  const [logPrior, logAggregate] = [coverage.logPrior(z), coverage.logAggregate(z, own)];
  return { logPrior, logAggregate, denser: likeness?.denser(logAggregate) ?? NaN };
}

/** What is said of each point, part by part; null when nobody waits any more. */
async function judged(model, coverage, likeness, points, signal) {
  const found = [];
  for (let at = 0; at < points.length; at += PART) {
    const part = points.slice(at, at + PART).map((z) => Array.from(z, Math.fround));
    const seen = likeness.tells ? await model.recognise(part, { signal }) : part;
    if (seen === null) return null;
    const seenOf = (z, i) => (likeness.tells ? seenAt(z, seen[i], coverage.active) : null);
    const all = await inTurns(part, signal, (z, i) => likeness.at(z, ownOf(coverage, z, points), seenOf(z, i)));
    if (all === null) return null;
    found.push(...all);
  }
  return found;
}

function ownOf(coverage, z, points) {
  return points.length > FEW ? -1 : coverage.own(z);
}

/** What `work` finds of each point, in slices that leave the page its turns; null when nobody waits any more. */
async function inTurns(points, signal, work) {
  const found = [];
  let start = performance.now();
  for (const [i, point] of points.entries()) {
    found.push(work(point, i));
    if (performance.now() - start < SLICE) continue;
    await pause(0, signal);
    if (signal.aborted) return null;
    start = performance.now();
  }
  return found;
}
