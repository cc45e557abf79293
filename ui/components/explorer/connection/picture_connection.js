// The connection of the large picture: as many requests in flight as flow_control.js finds the way to hold, newest wins, stale
// replies dropped. A picture that came compressed is asked for once more, as it is, when nothing moves. Each new connection asks for
// the newest point again, unless the server has refused that very point.

import { Connection } from "./connection.js";
import { encodePicture, readPicture } from "./binary_messages.js";
import { displayFrame } from "./display_frame.js";
import { FlowControl } from "./flow_control.js";
import { jpegToPixels } from "./jpeg_to_pixels.js";

const PATIENCE = 5000; // ms without a reply after which the connection is taken for dead
const RESTS = 100; // ms without a newer point, after which the picture has to be exact
export const NO_MODEL = 4404;
const CHANGED = 4409;

export class PictureConnection extends Connection {
  #latentDim;
  #on;
  #flow;
  #inFlight = []; // {sequence, start, z, sent, alone}, oldest first
  #wanted = null; // {z, start, step, noise}: the newest point not yet sent
  #last = null; // {z, start, step, noise}: the newest point of all
  #refused = null; // the z that the server would not draw
  #sequence = 0;
  #given = 0; // sequence of the newest picture that was handed on
  #watchdog = null;
  #rest = null; // timer

  /** on: {picture(answer, start, z), hello(greeting, refusing), offline(), refused(code, reason)}; refusing: the newest point stays undrawn */
  constructor(url, latentDim, on, signal) {
    super(url, signal);
    [this.#latentDim, this.#on] = [latentDim, on];
  }

  /** Asks for the picture of z, at a step of the training if told, with noise of this seed if told; `start` says what caused it and
   *  comes back with the picture. */
  request(z, start, step = null, noise = null) {
    this.#wanted = { z: Float32Array.from(z), start, step, noise };
    this.#last = this.#wanted;
    this.#refused = null;
    this.#send();
  }

  greeted(greeting) {
    if (greeting.latentDim !== this.#latentDim) {
      this.#giveUp(CHANGED, "the model has another latent size now");
      return;
    }
    this.#flow = new FlowControl(displayFrame);
    const refusing = this.#last !== null && this.#last.z === this.#refused;
    if (!refusing) this.#wanted ??= this.#last; // the server may have another file now, and with it another picture
    this.#on.hello(greeting, refusing);
    this.#send();
  }

  received(frame) {
    const reply = readPicture(frame);
    const place = this.#inFlight.findIndex(({ sequence }) => sequence === reply.sequence);
    if (place < 0) return false;
    const asked = this.#inFlight.splice(0, place + 1)[place]; // those before it were overtaken on the server
    const { served, bytes, jpeg } = reply;
    this.#flow.replied({ ...asked, at: performance.now(), served, bytes, jpeg: jpeg !== undefined, awaited: this.#wanted !== null });
    this.#watch();
    this.#send(); // before painting: the server works meanwhile
    if (jpeg) this.#unpack(jpeg, asked);
    else this.#give(reply.answer, asked);
    return true;
  }

  lost({ code, reason, refused }) {
    if (refused && this.#inFlight.length === 1) this.#refused = this.#inFlight[0].z; // of several, the newest one is tried alone
    this.#inFlight = [];
    this.#watch();
    clearTimeout(this.#rest);
    if (code === NO_MODEL || code === CHANGED) this.#giveUp(code, reason);
    else this.#on.offline();
  }

  ended() {
    clearTimeout(this.#watchdog);
    clearTimeout(this.#rest);
  }

  #send() {
    if (!this.open || this.#wanted === null || this.#inFlight.length >= this.#flow.limit) return;
    const { z, start, step, noise, exact = false } = this.#wanted;
    const now = performance.now();
    const jpeg = !exact && noise === null && this.#flow.compresses(now);
    this.#wanted = null;
    this.#sequence = (this.#sequence + 1) >>> 0;
    clearTimeout(this.#rest);
    this.#inFlight.push({ sequence: this.#sequence, start, z, sent: now, alone: this.#inFlight.length === 0 });
    this.send(encodePicture(this.#sequence, z, step, noise, jpeg));
    if (this.#inFlight.length === 1) this.#watch();
  }

  /** From now on the server has PATIENCE to answer what it owes. */
  #watch() {
    clearTimeout(this.#watchdog);
    if (this.#inFlight.length > 0) this.#watchdog = setTimeout(() => this.drop(), PATIENCE);
  }

  #give(answer, { sequence, start, z }) {
    if (sequence < this.#given || this.closed) return; // a newer one was unpacked first
    this.#given = sequence;
    this.#on.picture(answer, start, z);
  }

  async #unpack(jpeg, asked) {
    const answer = await jpegToPixels(jpeg).catch(() => null);
    if (answer === null) this.#flow.refuseJpeg();
    else this.#give(answer, asked);
    if (this.#last.z !== asked.z) return;
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => this.#askExact(), RESTS);
  }

  /** The newest picture once more, now as it is. It says nothing of how quickly pictures follow a movement. */
  #askExact() {
    const { start } = this.#last;
    this.#wanted ??= { ...this.#last, start: typeof start === "object" ? { ...start, at: performance.now(), input: false } : start, exact: true };
    this.#send();
  }

  #giveUp(code, reason) {
    this.close();
    this.#on.refused(code, reason);
  }
}
