// The connection of the large picture: one request in flight, newest wins, stale replies dropped. Each new connection asks for the
// newest point again, unless the server has refused that very point.

import { Connection } from "./connection.js";
import { encodePicture, readPicture } from "./binary_messages.js";

const PATIENCE = 5000; // ms without a reply after which the connection is taken for dead
export const NO_MODEL = 4404;
const CHANGED = 4409;

export class PictureConnection extends Connection {
  #latentDim;
  #on;
  #inFlight = null; // {sequence, start, z}
  #wanted = null; // {z, start, step, noise}: the newest point not yet sent
  #last = null; // {z, start, step, noise}: the newest point of all
  #refused = null; // the z that the server would not draw
  #sequence = 0;
  #watchdog = null;

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
    const refusing = this.#last !== null && this.#last.z === this.#refused;
    if (!refusing) this.#wanted ??= this.#last; // the server may have another file now, and with it another picture
    this.#on.hello(greeting, refusing);
    this.#send();
  }

  received(frame) {
    const { sequence, answer } = readPicture(frame);
    if (sequence !== this.#inFlight?.sequence) return false;
    const { start, z } = this.#inFlight;
    this.#inFlight = null;
    clearTimeout(this.#watchdog);
    this.#send(); // before painting: the server works meanwhile
    this.#on.picture(answer, start, z);
    return true;
  }

  lost({ code, reason, refused }) {
    clearTimeout(this.#watchdog);
    if (refused) this.#refused = this.#inFlight?.z ?? this.#refused;
    this.#inFlight = null;
    if (code === NO_MODEL || code === CHANGED) this.#giveUp(code, reason);
    else this.#on.offline();
  }

  ended() {
    clearTimeout(this.#watchdog);
  }

  #send() {
    if (!this.open || this.#inFlight !== null || this.#wanted === null) return;
    const { z, start, step, noise } = this.#wanted;
    this.#wanted = null;
    this.#sequence = (this.#sequence + 1) >>> 0;
    this.#inFlight = { sequence: this.#sequence, start, z };
    this.send(encodePicture(this.#sequence, z, step, noise));
    this.#watchdog = setTimeout(() => this.drop(), PATIENCE);
  }

  #giveUp(code, reason) {
    this.close();
    this.#on.refused(code, reason);
  }
}
