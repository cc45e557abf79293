// The line that says who decodes and how the server stands, and behind it the figures and a choice.

import { CHOICES } from "../decoder/takeover.js";
import { h } from "../elements.js";
import { Timer } from "../timers.js";

const SPEED = "Who draws the pictures, and how long one usually takes; press for more";
const MEANING = "From a move of yours to its picture: p50 is the usual time, and 95 of 100 pictures are quicker than p95.";
const EVERY = 500; // ms: figures that change faster cannot be read

export class WhoDecodes {
  element;
  #takeover; // null where there is nobody to choose between
  #server = { state: "connecting", device: "", refusing: false, here: null, words: "" }; // here: ms a picture takes in a page without a server
  #words = h("span", {}, "connecting");
  #time = h("span", { "aria-hidden": "true" }); // it changes all the time, and would be read aloud
  #away = h("span");
  #status = h("span.lw-status", { role: "status", "data-testid": "live-status", "data-state": "connecting" }, h("span", {}, this.#words, this.#time, this.#away));
  #said = h("p.lw-muted", { role: "status" });
  #choices;
  #timer;

  /** figures: the element of latency.js */
  constructor(takeover, figures, signal) {
    this.#takeover = takeover ?? null;
    this.#choices = h("fieldset.lw-decoding", { hidden: "" }, h("legend", {}, "Decoded"), ...Object.entries(CHOICES).map(([choice, words]) => this.#radio(choice, words)), this.#said);
    this.element = h("details.lw-speed", {}, h("summary", { title: SPEED }, this.#status), h("div.lw-pop", {}, figures, h("p.lw-muted", {}, MEANING), this.#choices));
    this.#timer = new Timer(() => this.#show(), signal);
    this.#takeover?.listen(() => this.#show(), signal);
  }

  connecting() {
    this.#set({ state: "connecting" });
  }

  /** refusing: the server would not draw the newest point */
  greeted({ device, milliseconds: here = null }, refusing) {
    this.#set({ state: "live", device, refusing, here });
  }

  offline(words = "offline · reconnecting") {
    this.#set({ state: "offline", words });
  }

  painted() {
    this.#timer.setOnce(EVERY);
  }

  #set(server) {
    Object.assign(this.#server, server);
    this.#show();
  }

  #show() {
    const takeover = this.#takeover;
    const { state, here: own } = this.#server;
    const here = takeover?.decodes(takeover.model) ?? (state === "live" && own !== null);
    const time = here ? (takeover?.times.browser ?? own) : state === "live" ? (takeover?.times.server ?? null) : null;
    this.#status.dataset.state = here && state !== "offline" ? "live" : state;
    this.#status.dataset.decoder = here ? "browser" : "server";
    say(this.#words, here ? "in this browser" : this.#serverWords());
    say(this.#time, time === null ? "" : ` · ${milliseconds(time)}`);
    say(this.#away, here && state === "offline" ? " · the server is away" : "");
    if (takeover !== null) this.#showChoice(takeover);
  }

  #serverWords() {
    const { state, device, refusing, words } = this.#server;
    if (state === "live") return refusing ? "live · this point could not be drawn; move on" : `on ${device}`;
    return state === "offline" ? words : "connecting";
  }

  #showChoice({ choice, state, reason, times, onGpu }) {
    this.#choices.hidden = state === "none";
    for (const input of this.#choices.querySelectorAll("input")) input.checked = input.value === choice;
    say(this.#said, saidOf({ state, reason, times, onGpu, device: this.#server.device }));
  }

  #radio(choice, words) {
    const input = h("input", { type: "radio", name: "lw-decoding", value: choice, onchange: () => this.#takeover.choose(choice) });
    return h("label", {}, input, words);
  }
}

function saidOf({ state, reason, times: { browser, server }, onGpu, device }) {
  if (state === "loading") return "The decoder is being loaded into this browser.";
  if (state === "failed") return `It cannot be decoded in this browser: ${reason.replace(/\.$/, "")}.`;
  if (state !== "ready" || browser === null || server === null) return "";
  return `A picture takes ${milliseconds(browser)} in this browser${onGpu ? " on your graphics card" : ""}, ${milliseconds(server)} on ${device} with the way there and back.`;
}

/** Only where it is new: what is read aloud is not read again. */
function say(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

function milliseconds(ms) {
  return `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
}
