// The live connection: one request in flight, newest wins, stale replies dropped, reconnects by itself with back-off. Each new
// connection asks for the newest point again, unless the server has refused that very point.

import { DECODE, HELLO, decodeFrame, encodeRequest } from "./picture_frames.js";

const FIRST_DELAY = 250; // ms before the first attempt to reconnect; doubles up to the longest
const LONGEST_DELAY = 5000;
const PATIENCE = 5000; // ms without a reply after which the connection is taken for dead (sleep, lost network)
export const NO_MODEL = 4404;
export const CHANGED = 4409;
const REFUSALS = [1003, 1007, 1009, 1011]; // the same point asked for again would end the same way

export class LiveSocket {
  #url;
  #latentDim;
  #on;
  #socket = null;
  #opened = null; // when the server greeted, ms; null while there is no connection
  #inFlight = null; // {sequence, start, z}
  #wanted = null; // {z, start}: the newest point not yet sent
  #last = null; // {z, start}: the newest point of all
  #refused = null; // the z that the server would not draw
  #sequence = 0;
  #delay = FIRST_DELAY;
  #timer = null;
  #watchdog = null;
  #closed = false;
  #wake = () => document.visibilityState === "visible" && this.#hurry();

  /** on: {picture(reply, start, z), hello(frame, refusing), offline(), refused(code, reason)}; refusing: the newest point stays undrawn */
  constructor(url, latentDim, on) {
    this.#url = url;
    this.#latentDim = latentDim;
    this.#on = on;
    window.addEventListener("online", this.#wake);
    document.addEventListener("visibilitychange", this.#wake);
    this.#connect();
  }

  get open() {
    return this.#opened !== null;
  }

  /** Asks for the picture of z; `start` says what caused it and comes back with the picture. */
  request(z, start) {
    this.#wanted = { z: Float32Array.from(z), start };
    this.#last = this.#wanted;
    this.#refused = null;
    this.#send();
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#watchdog);
    window.removeEventListener("online", this.#wake);
    document.removeEventListener("visibilitychange", this.#wake);
    this.#socket?.close();
  }

  #connect() {
    const socket = new WebSocket(this.#url);
    socket.binaryType = "arraybuffer";
    socket.onmessage = (message) => socket === this.#socket && this.#receive(message.data);
    socket.onclose = (event) => socket === this.#socket && this.#lost(event);
    this.#socket = socket;
  }

  #receive(buffer) {
    const frame = decodeFrame(buffer);
    if (frame.kind === HELLO) this.#greeted(frame);
    else if (frame.kind === DECODE && frame.sequence === this.#inFlight?.sequence) {
      const { start, z } = this.#inFlight;
      this.#inFlight = null;
      clearTimeout(this.#watchdog);
      this.#delay = FIRST_DELAY; // not before: a server that greets and then refuses must not be asked without a pause
      this.#send(); // before painting: the server works meanwhile
      this.#on.picture(frame, start, z);
    }
  }

  #greeted(frame) {
    if (frame.latentDim !== this.#latentDim) {
      this.#giveUp(CHANGED, "the model has another latent size now");
      return;
    }
    this.#opened = performance.now();
    const refusing = this.#last !== null && this.#last.z === this.#refused;
    if (!refusing) this.#wanted ??= this.#last; // the server may have another file now, and with it another picture
    this.#on.hello(frame, refusing);
    this.#send();
  }

  #send() {
    if (!this.open || this.#inFlight !== null || this.#wanted === null) return;
    const { z, start } = this.#wanted;
    this.#wanted = null;
    this.#sequence = (this.#sequence + 1) >>> 0;
    this.#inFlight = { sequence: this.#sequence, start, z };
    this.#socket.send(encodeRequest(this.#sequence, z));
    this.#watchdog = setTimeout(() => this.#drop(), PATIENCE);
  }

  #drop() {
    const socket = this.#socket;
    this.#lost({ code: 1006, reason: "no reply" });
    socket.close();
  }

  #lost({ code, reason }) {
    clearTimeout(this.#watchdog);
    this.#socket = null;
    if (this.open && performance.now() - this.#opened > LONGEST_DELAY) this.#delay = FIRST_DELAY; // it was a good connection
    this.#opened = null;
    if (REFUSALS.includes(code)) this.#refused = this.#inFlight?.z ?? this.#refused;
    this.#inFlight = null;
    if (this.#closed) return;
    if (code === NO_MODEL || code === CHANGED) {
      this.#giveUp(code, reason);
      return;
    }
    this.#on.offline();
    this.#timer = setTimeout(() => this.#connect(), this.#delay * (0.75 + 0.5 * Math.random()));
    this.#delay = Math.min(LONGEST_DELAY, 2 * this.#delay);
  }

  #giveUp(code, reason) {
    this.close();
    this.#on.refused(code, reason);
  }

  #hurry() {
    if (this.#closed || this.#socket !== null) return;
    clearTimeout(this.#timer);
    this.#connect();
  }
}

/** The live route's address for a model. */
export function liveUrl(model) {
  const url = new URL(`live?model=${encodeURIComponent(model)}`, document.baseURI);
  url.protocol = url.protocol.replace("http", "ws");
  return url;
}
