// A connection for what may take longer than a frame: many small pictures, where points lie, paths, draws. One question at a time
// for each topic, newest wins; the large picture never waits behind it. Every question ends: with its answer, or with null when a
// newer one came, when it was refused, after a while without an answer, and when the connection is closed.

import { Connection } from "./connection.js";
import { encodeMany, encodePath, encodePlaces, encodeSamples, encodeTraining, readAnswer, readBusy } from "./binary_messages.js";

const PATIENCE = 30000; // ms after which a question is given up; the longest paths take seconds
const LONGEST_PAUSE = 8000; // ms that a busy server is given

export class QueryConnection extends Connection {
  #back;
  #lostBefore = false; // the connection broke, and not over a question of ours
  #waiting = new Map(); // topic -> {topic, encode(sequence), resolve(result)}
  #asked = null; // the question under way; its sequence is null while a busy server is given a pause
  #sequence = 0;
  #pause = 0; // ms: the last one that a busy server was given
  #later = null; // timer of it
  refusal = ""; // the server's reason for the last question that it would not answer

  /** back(): the connection stands again after it was lost; what was asked meanwhile may have been given up. */
  constructor(url, signal, back = () => {}) {
    super(url, signal);
    this.#back = back;
  }

  /** Pictures of points (array of z) with at most `side` pixels, or null when a newer question of this topic came first. */
  pictures(topic, points, side) {
    return this.#ask(topic, (sequence) => encodeMany(sequence, side, points));
  }

  /** Where points lie: array of what binary_messages.js's `places` tells of each, or null as above. what: see there. */
  places(topic, points, what = 0) {
    return this.#ask(topic, (sequence) => encodePlaces(sequence, what, points));
  }

  /** A path through stops: {z, pictures, changes, typical, said}, or null as above or when it is refused. */
  path(topic, stops, options) {
    return this.#ask(topic, (sequence) => encodePath(sequence, stops, options));
  }

  /** Draws from the prior: {z, pictures}, or null as above. options: {count, seed, temperature, side} */
  samples(topic, options) {
    return this.#ask(topic, (sequence) => encodeSamples(sequence, options));
  }

  /** Small pictures of one z at steps of the training, or null as above. */
  training(topic, z, steps, side) {
    return this.#ask(topic, (sequence) => encodeTraining(sequence, side, steps, z));
  }

  greeted() {
    if (this.#lostBefore) this.#back();
    this.#lostBefore = false;
    this.#send();
  }

  received(frame) {
    const busy = readBusy(frame);
    if (busy !== null) {
      this.#giveTime(busy);
      return false;
    }
    this.#pause = 0;
    const { sequence, result } = readAnswer(frame);
    const mine = sequence === this.#asked?.sequence;
    if (mine) {
      const { resolve } = this.#asked;
      this.#asked = null;
      resolve(result);
    }
    this.#send();
    return mine;
  }

  lost({ refused, reason }) {
    if (refused) this.refusal = reason;
    else this.#lostBefore = true;
    const asked = this.#asked;
    this.#asked = null;
    if (asked && !refused && !this.#waiting.has(asked.topic)) this.#waiting.set(asked.topic, asked);
    else asked?.resolve(null);
  }

  ended() {
    clearTimeout(this.#later);
    for (const { resolve } of this.#waiting.values()) resolve(null);
    this.#waiting.clear();
    this.#asked?.resolve(null);
    this.#asked = null;
  }

  #ask(topic, encode) {
    if (this.closed) return Promise.resolve(null);
    return new Promise((answered) => {
      const timer = setTimeout(() => this.#giveUp(topic, resolve), PATIENCE);
      const resolve = (result) => {
        clearTimeout(timer);
        answered(result);
      };
      this.#waiting.get(topic)?.resolve(null);
      this.#waiting.delete(topic); // to the end of the line
      this.#waiting.set(topic, { topic, encode, resolve });
      this.#send();
    });
  }

  #send() {
    if (!this.open || this.#asked !== null || this.#waiting.size === 0) return;
    const [topic, question] = this.#waiting.entries().next().value;
    this.#waiting.delete(topic);
    this.#sequence = (this.#sequence + 1) >>> 0;
    this.#asked = { ...question, sequence: this.#sequence };
    this.send(question.encode(this.#sequence));
  }

  /** No answer came in time. A connection that owes one is replaced, or the others would wait behind it. */
  #giveUp(topic, resolve) {
    this.refusal = "the server did not answer in time";
    if (this.#waiting.get(topic)?.resolve === resolve) this.#waiting.delete(topic);
    resolve(null);
    if (this.#asked?.resolve !== resolve) return;
    const owed = this.#asked.sequence !== null;
    this.#asked = null;
    if (owed) this.drop();
    else this.#send();
  }

  /** The server is too busy for the question under way. It is asked again after a pause, which grows from time to time. */
  #giveTime({ sequence, wait }) {
    if (sequence !== this.#asked?.sequence) return;
    this.#pause = Math.min(LONGEST_PAUSE, Math.max(wait, 2 * this.#pause));
    const held = { ...this.#asked, sequence: null };
    this.#asked = held; // nothing else is asked meanwhile
    this.#later = setTimeout(() => this.#askAgain(held), this.#pause * (0.75 + 0.5 * Math.random()));
  }

  #askAgain(held) {
    if (this.#asked !== held) return; // given up, or the connection is another one
    this.#asked = null;
    if (this.#waiting.has(held.topic)) held.resolve(null); // a newer one has come
    else this.#waiting.set(held.topic, held);
    this.#send();
  }
}
