// The live connection: one request in flight, newest wins, stale replies dropped, reconnects by itself with back-off.

import { DECODE, HELLO, decodeFrame, encodeRequest } from "./protocol.js";

const FIRST_DELAY = 250; // ms before the first attempt to reconnect; doubles up to the longest
const LONGEST_DELAY = 5000;
const PATIENCE = 5000; // ms without a reply after which the connection is taken for dead (sleep, lost network)
export const NO_MODEL = 4404;
export const CHANGED = 4409;

export class LiveSocket {
  #url;
  #on;
  #socket = null;
  #open = false; // greeted by the server
  #inFlight = null; // {sequence, start}
  #wanted = null; // {z, start}: the newest point not yet sent
  #sequence = 0;
  #delay = FIRST_DELAY;
  #timer = null;
  #watchdog = null;
  #closed = false;
  #wake = () => document.visibilityState === "visible" && this.#hurry();

  /** on: {picture(reply, start, z), hello(frame), offline(), refused(code, reason)} */
  constructor(url, on) {
    this.#url = url;
    this.#on = on;
    window.addEventListener("online", this.#wake);
    document.addEventListener("visibilitychange", this.#wake);
    this.#connect();
  }

  get open() {
    return this.#open;
  }

  /** Asks for the picture of z; `start` says what caused it and comes back with the picture. */
  request(z, start) {
    this.#wanted = { z: Float32Array.from(z), start };
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
    if (frame.kind === HELLO) {
      this.#open = true;
      this.#delay = FIRST_DELAY;
      this.#on.hello(frame);
      this.#send();
    } else if (frame.kind === DECODE && frame.sequence === this.#inFlight?.sequence) {
      const { start, z } = this.#inFlight;
      this.#inFlight = null;
      clearTimeout(this.#watchdog);
      this.#send(); // before painting: the server works meanwhile
      this.#on.picture(frame, start, z);
    }
  }

  #send() {
    if (!this.#open || this.#inFlight !== null || this.#wanted === null) return;
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
    this.#open = false;
    this.#wanted ??= this.#inFlight; // asked again once connected, unless something newer is wanted
    this.#inFlight = null;
    if (this.#closed) return;
    if (code === NO_MODEL || code === CHANGED) {
      this.#closed = true;
      this.#on.refused(code, reason);
      return;
    }
    this.#on.offline();
    this.#timer = setTimeout(() => this.#connect(), this.#delay * (0.75 + 0.5 * Math.random()));
    this.#delay = Math.min(LONGEST_DELAY, 2 * this.#delay);
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
