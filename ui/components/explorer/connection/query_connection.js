// A second connection for what may take longer than a frame: many small pictures, where points lie, paths, draws. One question
// at a time for each topic, newest wins; the drag's own socket never waits behind it. Every question ends: with its answer, or
// with null when a newer one came, when it was refused, after a while without an answer, and when the connection is closed.

import { MANY, WHERE, decodeAnswer, encodeQuestion, encodeSamples, encodeWalk, readBusy } from "./frames.js";

const FIRST_DELAY = 500; // ms before reconnecting, doubling up to the longest
const LONGEST_DELAY = 8000;
const PATIENCE = 30000; // ms after which a question is given up; the longest paths take seconds
const REFUSALS = [1007, 1009, 1011, 4404, 4408]; // asked again, the same question would end the same way

export class Asides {
  #url;
  #back;
  #socket = null;
  #open = false;
  #lostBefore = false; // the connection broke, and not over a question of ours
  #waiting = new Map(); // topic -> {encode(sequence), resolve(result)}
  #asked = null; // the question under way
  #sequence = 0;
  #delay = FIRST_DELAY;
  #pause = 0; // ms: the last one that a busy server was given
  #timer = null;
  #closed = false;
  refusal = ""; // the server's reason for the last question that it would not answer

  /** back(): the connection stands again after it was lost; what was asked meanwhile may have been given up. */
  constructor(url, back = () => {}) {
    this.#url = url;
    this.#back = back;
    this.#connect();
  }

  /** Pictures of points (array of z) with at most `side` pixels, or null when a newer question of this topic came first. */
  pictures(topic, points, side) {
    return this.#ask(topic, (sequence) => encodeQuestion(MANY, side, sequence, points));
  }

  /** Where points lie: array of what questions.js's `places` tells of each, or null as above. what: see there. */
  places(topic, points, what = 0) {
    return this.#ask(topic, (sequence) => encodeQuestion(WHERE, what, sequence, points));
  }

  /** A path through stops: {z, pictures, changes, typical, said}, or null as above or when it is refused. */
  walk(topic, stops, options) {
    return this.#ask(topic, (sequence) => encodeWalk(sequence, stops, options));
  }

  /** Draws from the prior: {z, pictures}, or null as above. options: {count, seed, temperature, side} */
  samples(topic, options) {
    return this.#ask(topic, (sequence) => encodeSamples(sequence, options));
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#socket?.close();
    this.#open = false;
    for (const question of this.#waiting.values()) question.resolve(null);
    this.#waiting.clear();
    this.#asked?.resolve(null);
    this.#asked = null;
  }

  #ask(topic, encode) {
    if (this.#closed) return Promise.resolve(null);
    return new Promise((settle) => {
      const timer = setTimeout(() => this.#giveUp(topic, resolve), PATIENCE);
      const resolve = (result) => {
        clearTimeout(timer);
        settle(result);
      };
      this.#waiting.get(topic)?.resolve(null);
      this.#waiting.delete(topic); // to the end of the line
      this.#waiting.set(topic, { encode, resolve });
      this.#send();
    });
  }

  /** No answer came in time. A connection that owes one is replaced, or the others would wait behind it. */
  #giveUp(topic, resolve) {
    this.refusal = "the server did not answer in time";
    if (this.#waiting.get(topic)?.resolve === resolve) this.#waiting.delete(topic);
    resolve(null);
    if (this.#asked?.resolve !== resolve) return;
    const owed = this.#asked.sequence !== null; // else a busy server was about to be asked again
    this.#asked = null;
    if (!owed) {
      this.#send();
      return;
    }
    const socket = this.#socket;
    this.#lost({ code: 1006 });
    socket.close();
  }

  #connect() {
    const socket = new WebSocket(this.#url);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => socket === this.#socket && !this.#notNow(data) && this.#receive(data);
    socket.onclose = (event) => socket === this.#socket && this.#lost(event);
    this.#socket = socket;
  }

  #receive(buffer) {
    const answer = decodeAnswer(buffer);
    if (answer === null) {
      this.#open = true; // the greeting
      if (this.#lostBefore) this.#back();
      this.#lostBefore = false;
    } else if (this.#asked?.sequence === answer.sequence) {
      const { resolve } = this.#asked;
      this.#asked = null;
      this.#delay = FIRST_DELAY; // not before: a server that greets and then is too busy must not be asked without a pause
      resolve(answer.result);
    }
    this.#send();
  }

  #send() {
    if (!this.#open || this.#asked !== null || this.#waiting.size === 0) return;
    const [topic, question] = this.#waiting.entries().next().value;
    this.#waiting.delete(topic);
    this.#sequence = (this.#sequence + 1) >>> 0;
    this.#asked = { ...question, topic, sequence: this.#sequence };
    this.#socket.send(question.encode(this.#sequence));
  }

  /** Whether the server was too busy for the question under way. It is asked again after a pause, which grows from time to time. */
  #notNow(buffer) {
    const busy = readBusy(buffer);
    if (busy === null) this.#pause = 0;
    if (busy === null || busy.sequence !== this.#asked?.sequence) return busy !== null;
    this.#pause = Math.min(LONGEST_DELAY, Math.max(busy.wait, 2 * this.#pause));
    const held = { ...this.#asked, sequence: null };
    this.#asked = held; // nothing else is asked meanwhile
    setTimeout(() => this.#askAgain(held), this.#pause * (0.75 + 0.5 * Math.random()));
    return true;
  }

  #askAgain(held) {
    if (this.#asked !== held) return; // given up, or the connection is another one
    this.#asked = null;
    if (this.#waiting.has(held.topic)) held.resolve(null); // a newer one has come
    else this.#waiting.set(held.topic, held);
    this.#send();
  }

  #lost({ code, reason }) {
    const refused = this.#open && REFUSALS.includes(code);
    if (refused) this.refusal = reason;
    else this.#lostBefore = true;
    this.#open = false;
    this.#socket = null;
    if (this.#closed) return;
    if (this.#asked && !refused && !this.#waiting.has(this.#asked.topic)) this.#waiting.set(this.#asked.topic, this.#asked);
    else this.#asked?.resolve(null);
    this.#asked = null;
    this.#timer = setTimeout(() => this.#connect(), this.#delay);
    this.#delay = Math.min(LONGEST_DELAY, 2 * this.#delay);
  }
}
