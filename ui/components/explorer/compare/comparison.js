// A second model at the same z: its picture beside the first, and how the two differ.
//
// It follows what the first model has painted, whatever moved it (slider, map, path, animation): each painted picture is sent along
// with the request to the second model, so the difference is always one of two pictures of the same z.

import { h } from "../elements.js";
import { Picture } from "../renderer/pixels.js";
import { LiveSocket, liveUrl, NO_MODEL } from "../connection/picture_connection.js";
import { Choice, SAME_NUMBERS } from "./choose_model.js";
import { difference, meanWords } from "../renderer/pixel_difference.js";

const FIGURE_EVERY = 150; // ms: a number that changes faster cannot be read
const NOTHING = "–";

export class Comparison {
  #on;
  #data = null;
  #chosen = null; // name of the second model
  #open = null; // {name, version} the socket was opened for
  #refused = null; // the version that the server would not show
  #socket = null;
  #last = null; // {z, picture}: what the first model painted last
  #figure = null; // the newest difference
  #timer = null;
  #stage = null;
  #choice;
  #second;
  #map;
  #names = { first: caption("first"), second: caption("second"), difference: caption("difference") };
  #canvas = { second: canvas("compared", "picture of the second model"), difference: canvas("difference", "absolute difference") };
  #mean = h("b.lw-mean", { "data-testid": "mean-difference" });
  #said = h("span.lw-muted.lw-said-pair", { role: "status", "data-testid": "compare-status" });

  /** on: {chosen(name | null), sameImage(name), refresh()} */
  constructor(on) {
    this.#on = on;
    this.#choice = new Choice({ sameZ: (name) => this.#choose(name), sameImage: on.sameImage, off: () => this.#choose(null) });
    this.sheet = this.#choice.dialog;
    const words = "Compare with another model at the same z (C)";
    this.button = h("button.lw-button.lw-small", { type: "button", title: words, "aria-label": `vs: ${words}`, "aria-pressed": "false", onclick: () => this.show() }, "vs");
  }

  /** Takes its place around the first model's canvas. */
  mount(stage) {
    const button = (label, words, run) => h("button.lw-button.lw-small", { type: "button", title: words, onclick: run }, label);
    const panel = h("div.lw-pair-panel", { role: "group", "aria-label": "comparison" },
      h("span.lw-muted", { title: "The mean of |a − b| over all pixels: 0 is equal, 1 is black against white" }, "mean difference"), this.#mean,
      h("span.lw-scale.lw-muted", { title: "The colours always mean the same: 0 is equal, 1 is black against white" }, "0", h("i"), "1"),
      this.#said,
      h("span.lw-pair-buttons", {}, button("Change", "Another second model (C)", () => this.show()), button("Off", "One picture again", () => this.#leave())));
    this.#stage = stage;
    stage.append(this.#names.first, this.#canvas.second, this.#names.second, this.#canvas.difference, this.#names.difference, panel);
    this.#second = new Picture(this.#canvas.second);
    this.#map = new Picture(this.#canvas.difference);
  }

  /** What the page knows now: the other models, and on the first call the choice that the session keeps. */
  update(data) {
    const last = this.#data;
    this.#data = data;
    if (last === null) this.#chosen = data.compared;
    else if (last.session !== data.session && this.#chosen !== data.compared) this.#on.chosen(this.#chosen); // the server was restarted
    if (last !== null && (last.model !== data.model || last.shape !== data.shape || last.z.length !== data.z.length)) {
      this.#off();
      this.#last = null; // a picture of another latent space
    }
    this.#settle();
  }

  /** The first model has painted z. */
  follow(z, picture) {
    this.#last = { z, picture };
    this.#socket?.request(z, this.#last);
  }

  /** The name of the second model on the screen, or null. */
  get shown() {
    return this.#stage.classList.contains("lw-pair") ? this.#chosen : null;
  }

  show() {
    this.#choice.show(this.#data?.others ?? [], this.#chosen);
  }

  close() {
    this.#disconnect();
    this.#timer = null;
  }

  #leave() {
    this.#choose(null);
    this.button.focus(); // the one that was pressed is gone
  }

  #choose(name) {
    this.#chosen = name;
    this.#refused = null;
    this.#on.chosen(name);
    this.#settle();
  }

  /** Brings what is shown in line with the choice and with the models there are. */
  #settle() {
    const { model, others } = this.#data;
    const other = others.find(({ name }) => name === this.#chosen);
    if (this.#chosen === null || this.#chosen === model) this.#off();
    else if (!other) this.#stop(`${this.#chosen} is no longer there.`);
    else if (!other.sameZ) this.#mismatch(other);
    else if (other.version !== this.#refused) this.#connect(other);
  }

  /** Chosen for the Encode page, it is nothing to show here; replaced while it was shown, it is. */
  #mismatch({ name, why }) {
    if (this.#stage.classList.contains("lw-pair") && this.#names.second.textContent === name) this.#stop(`${name}: ${why}.`);
    else this.#off();
  }

  #connect({ name, version }) {
    if (this.#open?.name === name) {
      if (this.#open.version !== version && this.#last) this.#socket.request(this.#last.z, this.#last); // the same size, trained further
      this.#open = { name, version };
      return;
    }
    this.#disconnect();
    this.#show("connecting", "");
    this.#open = { name, version };
    this.#socket = new LiveSocket(liveUrl(name).href, this.#data.z.length, {
      hello: () => this.#show("live", this.#usual),
      picture: (reply, start) => this.#paint(reply, start),
      offline: () => this.#show("offline", "offline · reconnecting"),
      refused: (code) => {
        this.#refused = this.#open.version;
        this.#stop(code === NO_MODEL ? `${name} is no longer there.` : `${name} was replaced by a model of another latent size.`);
        this.#on.refresh(); // the page then knows what has become of it
      },
    });
    if (this.#last) this.#socket.request(this.#last.z, this.#last);
  }

  #paint(reply, { picture }) {
    const found = difference(picture, reply);
    if (found === null) {
      this.#refused = this.#open.version;
      this.#stop(`${this.#chosen} was replaced by a model of other pictures.`);
      this.#on.refresh();
      return;
    }
    this.#second.paint(reply);
    this.#map.paint(found.picture);
    this.#figure = found;
    this.#timer ??= setTimeout(() => this.#tell(), this.#mean.textContent === NOTHING ? 0 : FIGURE_EVERY);
  }

  #tell() {
    this.#timer = null;
    if (this.#figure === null) return;
    this.#mean.textContent = meanWords(this.#figure);
    const words = this.#figure.same ? "no difference: every pixel is the same" : `absolute difference, mean ${meanWords(this.#figure)}, on a fixed scale from 0 to 1`;
    this.#canvas.difference.setAttribute("aria-label", words);
    this.#canvas.difference.title = words;
    if (this.#stage.dataset.compare === "live") this.#said.textContent = this.#figure.same ? "every pixel the same" : this.#usual;
  }

  /** What there is to say while all goes well. */
  get #usual() {
    const other = this.#data.others.find(({ name }) => name === this.#chosen);
    return other?.sameData ? "" : "trained on other data: same z, another meaning";
  }

  #show(state, words) {
    this.#stage.classList.add("lw-pair");
    this.button.setAttribute("aria-pressed", "true");
    this.#stage.dataset.compare = state;
    this.#said.textContent = words;
    for (const [name, label] of [["first", this.#data.model], ["second", this.#chosen], ["difference", "difference"]]) {
      this.#names[name].textContent = label;
      this.#names[name].title = name === "second" ? `${label}. ${SAME_NUMBERS}` : label;
    }
    this.#canvas.second.setAttribute("aria-label", `picture of ${this.#chosen} at the same z`);
  }

  /** The second model cannot be shown: the words say why, its last pictures stay pale. */
  #stop(words) {
    this.#disconnect();
    this.#show("gone", words);
  }

  #off() {
    this.#disconnect();
    this.#stage.classList.remove("lw-pair");
    this.button.setAttribute("aria-pressed", "false");
    delete this.#stage.dataset.compare;
  }

  #disconnect() {
    this.#socket?.close();
    this.#socket = null;
    this.#open = null;
    this.#figure = null;
    this.#mean.textContent = NOTHING;
    clearTimeout(this.#timer);
    this.#timer = null;
  }
}

function caption(place) {
  return h(`span.lw-pair-name.lw-muted.lw-name-${place}`);
}

function canvas(testid, words) {
  return h(`canvas.lw-canvas.lw-of-pair.lw-canvas-${testid}`, { "data-testid": testid, role: "img", "aria-label": words, width: 28, height: 28 });
}
