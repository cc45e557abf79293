// The server's answers, with the pictures of the open model decoded in this browser where that is quicker (decoder/takeover.js).

import { LIKENESS } from "../connection/binary_messages.js";
import { Takeover } from "../decoder/takeover.js";
import { within } from "../timers.js";
import { pathThrough } from "./paths.js";
import { ServerAnswers } from "./server_answers.js";

export class QuickerAnswers extends ServerAnswers {
  takeover = new Takeover((model, latentDim, signal) => this.#single(model, latentDim, signal));

  picture(model, latentDim, on, signal) {
    return new Pictures(this.takeover, model, (heard, life) => super.picture(model, latentDim, heard, life), on, signal);
  }

  /** Of a step of a training only the server has the weights. */
  queries(model, step, signal, back) {
    const queries = super.queries(model, step, signal, back);
    return step === null ? new Queries(this.takeover, model, queries, signal) : queries;
  }

  /** z -> promise of the server's exact picture, over a connection of its own. */
  #single(model, latentDim, signal) {
    let answered = null;
    let refuse = null;
    const on = {
      picture: (answer) => answer.lossy || answered(answer),
      hello: () => {},
      offline: () => {},
      refused: (_, reason) => refuse(new Error(reason)),
    };
    const connection = super.picture(model, latentDim, on, signal);
    return (z) =>
      new Promise((resolve, reject) => {
        [answered, refuse] = [resolve, reject];
        signal.addEventListener("abort", () => reject(new Error("the model was closed")), { once: true });
        connection.request(z, null);
      });
  }
}

/** The large picture, from whoever decodes. One request at a time is with the browser's decoder, and the newest wins. */
class Pictures {
  #takeover;
  #model;
  #server;
  #on;
  #life;
  #last = null; // {z, start, step, noise, number}: the newest point of all
  #number = 0; // of the newest
  #painted = 0; // of the newest that has been answered: what comes later than a newer one is old
  #decoding = false;
  #before = false; // whether the browser decoded when last looked at

  constructor(takeover, model, connect, on, signal) {
    [this.#takeover, this.#model, this.#on, this.#life] = [takeover, model, on, within(signal)];
    const heard = {
      ...on,
      picture: (answer, { start, number, asked }, z) => this.#served(answer, start, z, number, asked),
      hello: (...given) => {
        takeover.serverIs(false);
        on.hello(...given);
      },
      offline: () => {
        takeover.serverIs(true);
        on.offline();
      },
    };
    this.#server = connect(heard, this.#life.signal);
    takeover.listen(() => this.#changed(), this.#life.signal);
  }

  /** Whether somebody answers. */
  get open() {
    return this.#here || this.#server.open;
  }

  request(z, start, step = null, noise = null) {
    this.#number += 1;
    this.#last = { z: Float32Array.from(z), start, step, noise, number: this.#number };
    if (this.#here) this.#decode();
    else this.#askServer();
  }

  close() {
    this.#life.abort();
  }

  /** The browser has the mean of the model as it is; other weights and the noise are the server's. */
  get #here() {
    const { step = null, noise = null } = this.#last ?? {};
    return step === null && noise === null && this.#takeover.decodes(this.#model);
  }

  #askServer() {
    const { z, start, step, noise, number } = this.#last;
    this.#server.request(z, { start, number, asked: this.#server.open ? performance.now() : null }, step, noise);
  }

  async #decode() {
    if (this.#decoding) return;
    this.#decoding = true;
    while (this.#here && this.#last.number > this.#painted) {
      const { z, start, number } = this.#last;
      const answer = await this.#takeover.picture(z);
      if (this.#life.signal.aborted) return;
      if (answer !== null) this.#paint(answer, start, z, number);
    }
    this.#decoding = false;
  }

  #served(answer, start, z, number, asked) {
    this.#paint(answer, start, z, number);
    if (this.#model !== this.#takeover.model) return;
    this.#takeover.served(asked === null || number !== this.#number ? null : performance.now() - asked);
  }

  #paint(answer, start, z, number) {
    if (number < this.#painted) return;
    this.#painted = number;
    this.#on.picture(answer, start, z);
  }

  /** Where somebody else decodes now, what is not answered yet is asked of them. */
  #changed() {
    const changed = this.#here !== this.#before;
    this.#before = this.#here;
    if (!changed || this.#last === null || this.#last.number <= this.#painted) return;
    if (this.#here) this.#decode();
    else this.#askServer();
  }
}

/** Questions: pictures and the paths that need no gradients come from whoever decodes, everything else from the server. */
class Queries {
  #takeover;
  #model;
  #server;
  #signal;
  #newest = new Map(); // topic -> what ends when a newer question of it comes

  constructor(takeover, model, server, signal) {
    [this.#takeover, this.#model, this.#server, this.#signal] = [takeover, model, server, signal];
  }

  get refusal() {
    return this.#server.refusal;
  }

  pictures(topic, points, side) {
    const here = (signal) => this.#takeover.pictures(points, side, signal);
    return this.#quicker(topic, here, () => this.#server.pictures(topic, points, side));
  }

  places(...given) {
    return this.#server.places(...given);
  }

  path(topic, stops, options) {
    const there = () => this.#server.path(topic, stops, options);
    if (options.kind === "geodesic") return there();
    const here = (signal) => pathThrough((points) => this.#takeover.means(points, signal), stops, options).catch(() => null);
    return this.#quicker(topic, async (signal) => this.#judged(topic, await here(signal)), there);
  }

  samples(...given) {
    return this.#server.samples(...given);
  }

  training(...given) {
    return this.#server.training(...given);
  }

  /** The answer of this browser, where it decodes and can, or that of the server; null when a newer question of the topic came. */
  async #quicker(topic, here, there) {
    this.#newest.get(topic)?.abort();
    const newest = within(this.#signal);
    this.#newest.set(topic, newest);
    const found = this.#takeover.decodes(this.#model) ? await here(newest.signal) : null;
    if (newest.signal.aborted) return null;
    return found ?? there();
  }

  /** The path with what the server, while it is there, says of its points. */
  async #judged(topic, path) {
    if (path === null) return null;
    const places = this.#takeover.judged ? await this.#server.places(topic, path.z, LIKENESS) : null;
    const said = places !== null && places.every(({ verdict }) => verdict !== "unsaid" && verdict !== "measuring");
    return { ...path, typical: path.z.map((_, i) => places?.[i].typical ?? NaN), said };
  }

  close() {
    for (const newest of this.#newest.values()) newest.abort();
    this.#server.close();
  }
}
