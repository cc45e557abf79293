// The server's answers, with the pictures of the open model decoded in this browser where that is quicker (decoder/takeover.js).

import { Takeover } from "../decoder/takeover.js";
import { within } from "../timers.js";
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

/** Questions: many pictures come from whoever decodes, everything else from the server. */
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

  async pictures(topic, points, side) {
    this.#newest.get(topic)?.abort();
    const newest = new AbortController();
    this.#newest.set(topic, newest);
    if (this.#takeover.decodes(this.#model)) {
      const pictures = await this.#takeover.pictures(points, side, newest.signal);
      if (pictures !== null || newest.signal.aborted || this.#signal.aborted) return newest.signal.aborted ? null : pictures;
    }
    return this.#server.pictures(topic, points, side);
  }

  places(...given) {
    return this.#server.places(...given);
  }

  path(...given) {
    return this.#server.path(...given);
  }

  samples(...given) {
    return this.#server.samples(...given);
  }

  training(...given) {
    return this.#server.training(...given);
  }

  close() {
    for (const newest of this.#newest.values()) newest.abort();
    this.#server.close();
  }
}
