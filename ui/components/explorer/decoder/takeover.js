// Who decodes: the server, or this browser where that is quicker. The browser's decoder is loaded after the server's first picture
// is on the screen. It then has to draw some points as the server does, and is timed against it. Whatever goes wrong with it, the
// server goes on.

import { Timer, within } from "../timers.js";
import { BrowserDecoder } from "./browser_decoder.js";
import { threadsHere } from "./model_worker.js";
import { quickerOnGpu } from "./on_gpu.js";

export const CHOICES = { auto: "automatic", browser: "in this browser", server: "on the server" };
const KEPT = "latent-walk.decode"; // in the session's storage
const PARAMETER = "decode"; // of the address
const SETTLE = 400; // ms after the first picture: what else the page begins with goes first
const POINTS = 4; // drawn by both
const MOST_OFF = 1; // of 255, that a pixel may differ
const LAST = 15; // pictures of which the time is the median
const HOLD = 1.5; // times slower than the other, before one that decodes hands over: times vary
const RESTS = 300; // ms without a picture, before both are timed anew: nothing is asked of the server while a pointer drags
const APART = 5000; // ms between two comparisons of both: what made one slow for a moment has to pass
const PATIENCE = 4000; // ms for one picture, after which the worker is taken for dead

export class Takeover {
  state = "none"; // or "waiting" for the first picture, "loading", "ready", "failed"
  reason = ""; // why it failed
  model = null; // name of the open model
  #choice;
  #ask;
  #heard = new Set(); // functions to be called when something has changed
  #life = null; // of the open model
  #offer = null; // {url, runtime, layout, range} that the page's data makes
  #latentDim = 0;
  #encodes = false;
  #decoder = null; // proven
  #here = []; // ms of the last pictures of this browser
  #there = []; // of the server
  #serverAway = false;
  #quicker = true; // the browser was, when last compared
  #compared = -Infinity; // when both were last timed on the same points
  #timer;
  #resting; // timer

  /** ask(model, latentDim, signal) -> (z) => promise of the server's picture, one at a time */
  constructor(ask) {
    this.#ask = ask;
    this.#choice = asked() ?? "auto";
  }

  get choice() {
    return this.#choice;
  }

  /** Hears of every change until the signal ends. */
  listen(hear, signal) {
    this.#heard.add(hear);
    signal.addEventListener("abort", () => this.#heard.delete(hear), { once: true });
  }

  /** Another model, or other weights of it; the decoder before is dropped. data: what the page says of it. */
  open({ name, data, signal }) {
    this.close();
    this.#life = within(signal);
    this.#life.signal.addEventListener("abort", () => this.#drop(), { once: true });
    [this.model, this.#offer, this.#latentDim, this.#encodes] = [name, data.decoder ?? null, data.z.length, data.encodes];
    [this.state, this.reason] = this.#offer === null ? ["none", ""] : ["waiting", ""];
    [this.#here, this.#there, this.#quicker] = [[], [], true];
    this.#timer = new Timer(() => this.#load(), this.#life.signal);
    this.#resting = new Timer(() => this.#compare(), this.#life.signal);
    this.#tell();
  }

  close() {
    this.#life?.abort();
  }

  /** A person chooses; kept for the session. */
  choose(choice) {
    this.#choice = choice;
    remember(choice);
    if (choice !== "server" && this.state === "failed" && this.#offer !== null) this.state = "waiting";
    this.#begin(0);
    this.#tell();
  }

  /** The server has drawn; `ms` from the question to the picture, null where that says nothing. */
  served(ms) {
    if (ms !== null) keep(this.#there, ms);
    this.#begin(SETTLE);
    this.#resting.set(RESTS);
  }

  /** Whether the server can be asked. */
  serverIs(away) {
    if (this.#serverAway === away) return;
    this.#serverAway = away;
    this.#tell();
  }

  /** Whether the browser decodes this model at the moment. */
  decodes(model) {
    if (this.#decoder === null || model !== this.model || this.#choice === "server") return false;
    return this.#choice === "browser" || this.#serverAway || this.#quicker;
  }

  /** Whether the server can be asked where points of the open model lie. */
  get judged() {
    return this.#encodes && !this.#serverAway;
  }

  /** Whether the browser's decoder runs on a graphics card. */
  get onGpu() {
    return this.#decoder?.backend === "webgpu";
  }

  /** Usual ms of a picture, by who decodes; null before one is known. */
  get times() {
    return { browser: median(this.#here), server: median(this.#there) };
  }

  /** The picture of z, or null when the server has to draw it. */
  async picture(z) {
    const decoder = this.#decoder;
    const start = performance.now();
    const watch = setTimeout(() => decoder.close("it did not answer in time"), PATIENCE);
    try {
      const [answer] = await decoder.decode([z], { urgent: true });
      keep(this.#here, performance.now() - start);
      this.#resting.set(RESTS);
      return answer;
    } catch (error) {
      this.#fail(decoder, error);
      return null;
    } finally {
      clearTimeout(watch);
    }
  }

  /** Many pictures, at most `side` pixels large; null when the server has to draw them, or nobody waits any more. */
  pictures(points, side, signal) {
    return this.#unlessItFails((decoder) => decoder.decode(points, { side, signal }));
  }

  /** The same unrounded, see BrowserDecoder. */
  means(points, signal) {
    return this.#unlessItFails((decoder) => decoder.means(points, { signal }));
  }

  async #unlessItFails(work) {
    const decoder = this.#decoder;
    if (decoder === null) return null;
    try {
      return await work(decoder);
    } catch (error) {
      this.#fail(decoder, error);
      return null;
    }
  }

  #begin(delay) {
    const saving = this.#choice === "auto" && navigator.connection?.saveData === true;
    if (this.state === "waiting" && this.#choice !== "server" && !saving) this.#timer.setOnce(delay);
  }

  async #load() {
    const [life, { url, runtime, layout, range }] = [this.#life, this.#offer];
    this.state = "loading";
    this.#tell();
    const given = { runtime, decoder: url, latentDim: this.#latentDim, layout, range, threads: threadsHere() };
    const decoder = new BrowserDecoder(given, life.signal);
    try {
      await decoder.open();
      await this.#prove(decoder, life.signal);
    } catch (error) {
      decoder.close();
      if (life.signal.aborted) return;
      if (this.#serverAway) this.#wait(); // loaded again when it has come back
      else this.#refuse(error.message);
      return;
    }
    if (life.signal.aborted) return;
    this.#use(decoder);
    const onGpu = await quickerOnGpu(decoder, given, (other) => this.#prove(other, life.signal), life.signal);
    if (onGpu !== null && !life.signal.aborted) this.#use(onGpu);
  }

  #use(decoder) {
    decoder.signal.addEventListener("abort", () => this.#fail(decoder, decoder.signal.reason), { once: true });
    const before = this.#decoder;
    [this.#decoder, this.state, this.#here] = [decoder, "ready", [decoder.milliseconds]];
    before?.close();
    this.#quicker = this.times.browser < this.times.server;
    this.#tell();
  }

  /** Both draw the same points; throws when they differ. */
  async #prove(decoder, signal) {
    await this.#timeBoth(decoder, signal, async (z, wanted) => {
      const off = difference(wanted, (await decoder.decode([z]))[0]);
      if (off > MOST_OFF) throw new Error(`its pictures differ from the server's by up to ${off} of 255`);
    });
  }

  /** Times both on the same points; `check` sees each with the server's picture of it. Throws when one does not answer. */
  async #timeBoth(decoder, signal, check = async () => {}) {
    this.#compared = performance.now();
    const life = within(signal);
    const ask = this.#ask(this.model, this.#latentDim, life.signal);
    const points = somePoints(this.#latentDim);
    const there = [];
    try {
      for (const z of points) {
        const start = performance.now();
        const wanted = await ask(z);
        there.push(performance.now() - start);
        await check(z, wanted);
      }
    } finally {
      life.abort();
    }
    await decoder.measure(points);
    this.#there = there.slice(1); // the first has waited for the connection
  }

  /** Whether the one that decodes has become much the slower one. The times of the other are old: both are then timed anew, for
   *  a page or a machine that is busy slows both. */
  #compare() {
    if (this.#decoder === null || !this.#slower || this.#serverAway) return;
    const early = this.#compared + APART - performance.now();
    if (early > 0) this.#resting.set(early);
    else this.#compareAnew(this.#decoder, this.#life.signal);
  }

  get #slower() {
    const { browser, server } = this.times;
    if (browser === null || server === null) return false;
    return this.#quicker ? browser > HOLD * server : server > HOLD * browser;
  }

  async #compareAnew(decoder, signal) {
    try {
      await this.#timeBoth(decoder, signal);
    } catch {
      return; // the one that decodes goes on, or has been given up elsewhere
    }
    if (decoder !== this.#decoder) return;
    this.#here = [decoder.milliseconds];
    if (this.#slower) this.#quicker = !this.#quicker;
    this.#tell(); // the times are others now, whoever decodes
  }

  /** The proven decoder does not go on. */
  #fail(decoder, error) {
    if (decoder !== this.#decoder || decoder === null) return;
    this.#decoder = null;
    decoder.close();
    if (!this.#life.signal.aborted) this.#refuse(error.message);
  }

  #wait() {
    this.state = "waiting";
    this.#tell();
  }

  #refuse(reason) {
    [this.state, this.reason] = ["failed", reason];
    this.#tell();
  }

  #drop() {
    const decoder = this.#decoder;
    [this.#decoder, this.model, this.state] = [null, null, "none"];
    decoder?.close();
  }

  #tell() {
    for (const hear of this.#heard) hear();
  }
}

/** What the address asks for, else what was chosen in this session. */
function asked() {
  const wanted = new URLSearchParams(window.location.search).get(PARAMETER);
  if (wanted in CHOICES) return wanted;
  try {
    const kept = window.sessionStorage.getItem(KEPT);
    return kept in CHOICES ? kept : null;
  } catch {
    return null; // storage is forbidden here
  }
}

/** For the session, and no longer as the address has it. */
function remember(choice) {
  try {
    window.sessionStorage.setItem(KEPT, choice);
  } catch {
    // storage is forbidden here: kept until the page is left
  }
  const url = new URL(window.location.href);
  if (!url.searchParams.has(PARAMETER)) return;
  url.search = url.search.replace(new RegExp(`[?&]${PARAMETER}=[^&]*`), "").replace(/^&/, "?");
  window.history.replaceState(window.history.state, "", url.href);
}

/** The middle, and others that any two browsers take alike. */
function somePoints(latentDim) {
  return Array.from({ length: POINTS }, (_, i) => Array.from({ length: latentDim }, (__, d) => (i === 0 ? 0 : 2 * Math.sin(1 + 7 * i + 3.7 * d))));
}

/** The largest difference of two pictures, of 255; of different sizes it is all of it. */
export function difference(a, b) {
  if (a.height !== b.height || a.width !== b.width || a.channels !== b.channels) return 255;
  return a.pixels.reduce((most, value, i) => Math.max(most, Math.abs(value - b.pixels[i])), 0);
}

function keep(times, ms) {
  times.push(ms);
  if (times.length > LAST) times.shift();
}

function median(values) {
  return values.length === 0 ? null : [...values].sort((a, b) => a - b)[values.length >> 1];
}
