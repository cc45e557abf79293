// What both kinds of connection to /live have in common. It comes back by itself, after a pause that grows until the server has
// answered something, and at once when the machine wakes or is online again. Once closed it stays closed, and nothing waits for it.

import { within } from "../timers.js";
import { readGreeting } from "./binary_messages.js";

const FIRST_DELAY = 250; // ms before the first attempt to reconnect; doubles up to the longest
const LONGEST_DELAY = 5000;
const NO_REPLY = { code: 1006, reason: "no reply" };
const REFUSALS = [1003, 1007, 1009, 1011, 4404, 4408]; // the same question would end the same way

/** A kind of connection says: greeted(greeting), received(frame): whether it is an answer, lost({code, reason, refused}), ended(). */
export class Connection {
  #url;
  #life;
  #socket = null;
  #open = false;
  #delay = FIRST_DELAY;
  #retry = null; // timer

  /** signal: closes it */
  constructor(url, signal) {
    this.#url = url;
    this.#life = within(signal);
    this.#life.signal.addEventListener("abort", () => this.#end(), { once: true });
    const ends = { signal: this.#life.signal };
    const wake = () => document.visibilityState === "visible" && this.#hurry();
    window.addEventListener("online", wake, ends);
    document.addEventListener("visibilitychange", wake, ends);
    this.#connect();
  }

  /** Whether the server has greeted. */
  get open() {
    return this.#open;
  }

  get closed() {
    return this.#life.signal.aborted;
  }

  close() {
    this.#life.abort();
  }

  send(frame) {
    this.#socket.send(frame);
  }

  /** The server owes an answer for too long (sleep, a lost network): another connection may do better. */
  drop() {
    const socket = this.#socket;
    this.#lost(NO_REPLY);
    socket?.close();
  }

  #connect() {
    const socket = new WebSocket(this.#url);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => socket === this.#socket && this.#receive(data);
    socket.onclose = (event) => socket === this.#socket && this.#lost(event);
    this.#socket = socket;
  }

  #receive(frame) {
    const greeting = readGreeting(frame);
    if (greeting !== null) {
      this.#open = true;
      this.greeted(greeting);
    } else if (this.received(frame)) this.#delay = FIRST_DELAY; // not at the greeting: a server that greets and then fails gets its pauses
  }

  #lost({ code, reason }) {
    const refused = this.#open && REFUSALS.includes(code);
    [this.#socket, this.#open] = [null, false];
    this.lost({ code, reason, refused });
    if (this.closed) return;
    this.#retry = setTimeout(() => this.#connect(), this.#delay * (0.75 + 0.5 * Math.random()));
    this.#delay = Math.min(LONGEST_DELAY, 2 * this.#delay);
  }

  #hurry() {
    if (this.#socket !== null) return;
    clearTimeout(this.#retry);
    this.#connect();
  }

  #end() {
    clearTimeout(this.#retry);
    const socket = this.#socket;
    [this.#socket, this.#open] = [null, false];
    socket?.close();
    this.ended();
  }
}

/** The live route's address for a model, as it is or as it was at a step of its training. */
export function liveUrl(model, step = null) {
  const url = new URL(`live?model=${encodeURIComponent(model)}${step === null ? "" : `&step=${step}`}`, document.baseURI);
  url.protocol = url.protocol.replace("http", "ws");
  return url.href;
}
