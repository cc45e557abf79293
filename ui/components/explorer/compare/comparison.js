// A second model at the same z: its picture beside the first, and how the two differ.
//
// It follows what the first model has painted, whatever moved it (slider, map, path, animation): each painted picture is sent along
// with the request to the second model, so the difference is always one of two pictures of the same z.

import { NO_MODEL } from "../connection/picture_connection.js";
import { h, smallButton } from "../elements.js";
import { Surface, differenceOf } from "../renderer/renderer.js";
import { Timer } from "../timers.js";
import { Choice, SAME_NUMBERS } from "./choose_model.js";

const FIGURE_EVERY = 150; // ms: a number that changes faster cannot be read
const NOTHING = "–";

export class Comparison {
  #explorer;
  #data = null;
  #chosen = null; // name of the second model
  #open = null; // {name, version} the connection was opened for
  #refused = null; // the version that the server would not show
  #connection = null;
  #last = null; // {z, answer}: what the first model showed last
  #figure = null; // the newest difference
  #timer;
  #stage;
  #choice;
  #button = smallButton("vs", "Compare with another model at the same z (C)", () => this.#choose());
  #names = { first: caption("first"), second: caption("second"), difference: caption("difference") };
  #second = surface("compared", "picture of the second model");
  #difference = surface("difference", "absolute difference");
  #mean = h("b.lw-mean", { "data-testid": "mean-difference" });
  #said = h("span.lw-muted.lw-said-pair", { role: "status", "data-testid": "compare-status" });

  constructor(explorer) {
    this.#explorer = explorer;
    this.#timer = new Timer(() => this.#tell(), explorer.signal);
    this.#choice = new Choice({ sameZ: (name) => this.#take(name), sameImage: (compared) => explorer.ask("same_image", { compared }), off: () => this.#take(null) });
    this.#button.setAttribute("aria-label", `vs: ${this.#button.title}`);
    this.#button.setAttribute("aria-pressed", "false");
    this.elements = { tools: this.#button, over: this.#choice.dialog };
    this.keys = [{ key: "C", words: "Compare with another model", run: () => this.#button.hidden || this.#choose() }];
    this.#mount(explorer.parts.picture.stage);
  }

  /** Takes its place around the first model's picture. */
  #mount(stage) {
    const panel = h("div.lw-pair-panel", { role: "group", "aria-label": "comparison" },
      h("span.lw-muted", { title: "The mean of |a − b| over all pixels: 0 is equal, 1 is black against white" }, "mean difference"), this.#mean,
      h("span.lw-scale.lw-muted", { title: "The colours always mean the same: 0 is equal, 1 is black against white" }, "0", h("i"), "1"),
      this.#said,
      h("span.lw-pair-buttons", {}, smallButton("Change", "Another second model (C)", () => this.#choose()), smallButton("Off", "One picture again", () => this.#leave())));
    this.#stage = stage;
    stage.append(this.#names.first, this.#second.element, this.#names.second, this.#difference.element, this.#names.difference, panel);
  }

  /** What the page knows now: the other models, and on the first call the choice that the session keeps. */
  update(data) {
    const last = this.#data;
    this.#data = data;
    if (last === null) this.#chosen = data.compared;
    else if (last.session !== data.session && this.#chosen !== data.compared) this.#explorer.parts.messages.compare(this.#chosen); // the server was restarted
    if (last !== null && (last.model !== data.model || last.shape !== data.shape || last.z.length !== data.z.length)) {
      this.#off();
      this.#last = null; // a picture of another latent space
    }
    this.#attach();
  }

  /** The first model has shown z. */
  painted(z, answer) {
    this.#last = { z, answer };
    this.#connection?.request(z, this.#last);
  }

  linkState() {
    return { compare: this.#stage.classList.contains("lw-pair") ? this.#chosen : null };
  }

  #choose() {
    this.#choice.show(this.#data?.others ?? [], this.#chosen);
  }

  #leave() {
    this.#take(null);
    this.#button.focus(); // the one that was pressed is gone
  }

  #take(name) {
    this.#chosen = name;
    this.#refused = null;
    this.#explorer.parts.messages.compare(name);
    this.#attach();
  }

  /** Brings what is shown in line with the choice and with the models there are. */
  #attach() {
    const { model, others } = this.#data;
    this.#button.hidden = others.length === 0 && !this.#explorer.answers.can.train; // nor will there be one to compare with
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
      if (this.#open.version !== version && this.#last) this.#connection.request(this.#last.z, this.#last); // the same size, trained further
      this.#open = { name, version };
      return;
    }
    this.#disconnect();
    this.#show("connecting", "");
    this.#open = { name, version };
    this.#connection = this.#explorer.answers.picture(name, this.#data.z.length, {
      hello: () => this.#show("live", this.#usual),
      picture: (answer, first) => this.#paint(answer, first),
      offline: (words = "offline · reconnecting") => this.#show("offline", words),
      refused: (code) => {
        this.#refused = this.#open.version;
        this.#stop(code === NO_MODEL ? `${name} is no longer there.` : `${name} was replaced by a model of another latent size.`);
        this.#explorer.ask("refresh"); // the page then knows what has become of it
      },
    }, this.#explorer.signal);
    if (this.#last) this.#connection.request(this.#last.z, this.#last);
  }

  #paint(answer, first) {
    const found = differenceOf(first.answer, answer);
    if (found === null) {
      this.#refused = this.#open.version;
      this.#stop(`${this.#chosen} was replaced by a model of other pictures.`);
      this.#explorer.ask("refresh");
      return;
    }
    this.#second.paint(answer);
    this.#difference.paint(found.answer);
    this.#figure = found;
    this.#timer.setOnce(this.#mean.textContent === NOTHING ? 0 : FIGURE_EVERY);
  }

  #tell() {
    if (this.#figure === null) return;
    this.#mean.textContent = meanWords(this.#figure);
    const words = this.#figure.same ? "no difference: every pixel is the same" : `absolute difference, mean ${meanWords(this.#figure)}, on a fixed scale from 0 to 1`;
    this.#difference.describe(words);
    this.#difference.element.title = words;
    if (this.#stage.dataset.compare === "live") this.#said.textContent = this.#figure.same ? "every pixel the same" : this.#usual;
  }

  /** What there is to say while all goes well. */
  get #usual() {
    const other = this.#data.others.find(({ name }) => name === this.#chosen);
    return other?.sameData ? "" : "trained on other data: same z, another meaning";
  }

  #show(state, words) {
    this.#stage.classList.add("lw-pair");
    this.#button.setAttribute("aria-pressed", "true");
    this.#stage.dataset.compare = state;
    this.#said.textContent = words;
    for (const [name, label] of [["first", this.#data.model], ["second", this.#chosen], ["difference", "difference"]]) {
      this.#names[name].textContent = label;
      this.#names[name].title = name === "second" ? `${label}. ${SAME_NUMBERS}` : label;
    }
    this.#second.describe(`picture of ${this.#chosen} at the same z`);
  }

  /** The second model cannot be shown: the words say why, its last pictures stay pale. */
  #stop(words) {
    this.#disconnect();
    this.#show("gone", words);
  }

  #off() {
    this.#disconnect();
    this.#stage.classList.remove("lw-pair");
    this.#button.setAttribute("aria-pressed", "false");
    delete this.#stage.dataset.compare;
  }

  #disconnect() {
    this.#connection?.close();
    this.#connection = null;
    this.#open = null;
    this.#figure = null;
    this.#mean.textContent = NOTHING;
    this.#timer.stop();
  }
}

function caption(place) {
  return h(`span.lw-pair-name.lw-muted.lw-name-${place}`);
}

function surface(testid, words) {
  return new Surface({ class: `lw-canvas lw-of-pair lw-canvas-${testid}`, "data-testid": testid, "aria-label": words });
}

/** The mean difference as people read it; only what is exactly equal reads as 0. */
export function meanWords({ mean, same }) {
  if (same) return "0";
  return mean < 0.0005 ? "< 0.001" : mean.toFixed(3);
}
