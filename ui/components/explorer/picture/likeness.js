// "Does this look like the data?": one calm indicator under the picture, kept up to date while a person moves. Its words and limits
// are those of everything that says so: the map's background, the paths.

import { h } from "../elements.js";
import { pause } from "../timers.js";

const BY_HAND = ["slider", "direction", "map", "look", "path"]; // ends with a release
const PAUSE = 90; // ms between two questions while moving
const AGAIN = 500; // ms until a model that is still being measured is asked again
const GAP = 4; // px between the line and its details

export const UNUSUAL = 10; // per cent of the test images that look less like the data, as in vae_core/latent/data_likeness.py
export const UNLIKE = 2;
export const WORDS = {
  like: "looks like the data",
  unusual: "unusual",
  unlike: "unlike the data",
  measuring: "measuring what the data is like …",
  unmeasured: "Holes are not measured while a model trains, nor at steps of its training.",
};

const MEASURING =
  "Once for each model, what it draws at the codes of test images is compared with what it draws elsewhere. The verdict follows in some seconds.";

const NO_ENCODER = "a decoder alone: no encoder to compare with";
const NO_ENCODER_WORDS = "Whether a picture looks like the data is judged with the encoder and the codes of test images; this model's file has neither.";

const PAST = "as it was then, not compared with the data";
const PAST_WORDS = "What looks like the data is measured for the model as it is, which takes seconds, and not for every step of its training.";

const IN_TRAINING = "not compared with the data while it trains";
const IN_TRAINING_WORDS = "What looks like the data is measured once for a model, which takes seconds, and not for each that a training passes through. The verdict is there when it has ended.";

/** What is tinted where there is no verdict. */
export const FAR = `farther from real codes than ${100 - UNUSUAL} % of test images`;

export function verdictOf(typical) {
  if (!Number.isFinite(typical)) return "unsaid";
  if (typical < UNLIKE) return "unlike";
  return typical < UNUSUAL ? "unusual" : "like";
}

export class Likeness {
  #explorer;
  #queries = null; // of a model with encoded images
  #busy = false;
  #next = null;
  #words = h("span.lw-where", { role: "status", "data-testid": "where", "data-verdict": "" });
  #button = h("button.lw-link", { type: "button", popovertarget: "lw-where-more" }, "details");
  #figures = h("span.lw-muted.lw-figures");
  #more = h("ul.lw-where-more", { popover: "auto", id: "lw-where-more", onbeforetoggle: (event) => event.newState === "open" && this.#place() });
  #line;

  constructor(explorer) {
    this.#explorer = explorer;
    this.#line = h("div.lw-where-line", { hidden: "" }, this.#words, this.#button, this.#figures, this.#more);
    this.elements = { picture: this.#line };
  }

  open({ again, data }) {
    this.#queries = null;
    if (!again || data.judged === false) this.#show(null);
  }

  encoded({ count }) {
    if (count === 0) return this.#sayNone(NO_ENCODER, NO_ENCODER_WORDS);
    if (this.#explorer.data.judged === false) return this.#sayNone(IN_TRAINING, IN_TRAINING_WORDS);
    this.#queries = this.#explorer.model.now;
    this.refresh(this.#explorer.store);
  }

  /** While this browser decodes, the server hears nothing of a drag: the verdict follows when it is let go. */
  moved(store) {
    const { answers, model } = this.#explorer;
    const silent = BY_HAND.includes(store.cause.by) && answers.takeover?.decodes(model.name);
    this.#line.classList.toggle("lw-stale", silent === true);
    if (!silent) this.refresh(store);
  }

  committed(store) {
    this.#line.classList.remove("lw-stale");
    this.refresh(store);
  }

  /** Asks about what is shown now, or as soon as the answer before has come. */
  async refresh({ shown, step }) {
    if (step !== null) return this.#sayNone(PAST, PAST_WORDS);
    this.#next = shown;
    if (this.#busy || this.#queries === null) return;
    const { signal } = this.#explorer;
    this.#busy = true;
    while (this.#next !== null && this.#queries !== null && !signal.aborted) {
      const [queries, point] = [this.#queries, this.#next];
      this.#next = null;
      const places = await queries.places("here", [point]);
      const current = queries === this.#queries;
      if (places !== null && current && this.#explorer.store.step === null) this.#show(places[0]);
      const measuring = current && places?.[0].verdict === "measuring";
      await pause(measuring ? AGAIN : PAUSE, signal);
      if (measuring) this.#next ??= point;
    }
    this.#busy = false;
  }

  /** Nothing can be compared with the data. */
  #sayNone(words, more) {
    if (this.#queries === null && words === PAST) return; // nor could the model as it is
    this.#line.hidden = false;
    this.#line.classList.add("lw-unsaid");
    this.#words.hidden = this.#button.hidden = true;
    this.#figures.textContent = words;
    this.#figures.title = more;
  }

  #show(place) {
    this.#button.hidden = false;
    this.#line.hidden = place === null;
    if (place === null) return;
    this.#line.classList.toggle("lw-unsaid", place.verdict === "unsaid");
    this.#words.dataset.verdict = place.verdict;
    this.#words.textContent = WORDS[place.verdict] ?? "";
    this.#words.hidden = place.verdict === "unsaid";
    this.#figures.textContent = figureWords(place);
    this.#words.title = this.#figures.title = meaningOf(place).join(" ");
    this.#more.replaceChildren(...detailsOf(place).map((line) => h("li", {}, line)));
  }

  /** The details open over what follows the line, or over the picture where there is more room; scrolling puts them away. */
  #place() {
    const { left, top, bottom, width } = this.#line.getBoundingClientRect();
    const below = bottom < 0.6 * window.innerHeight;
    Object.assign(this.#more.style, {
      left: `${left}px`,
      width: `${width}px`,
      top: below ? `${bottom + GAP}px` : "auto",
      bottom: below ? "auto" : `${window.innerHeight - top + GAP}px`,
      maxHeight: `${(below ? window.innerHeight - bottom : top) - 2 * GAP}px`,
    });
    document.addEventListener("scroll", ({ target }) => target === this.#more || this.#more.hidePopover(), { once: true, capture: true, signal: this.#explorer.signal });
  }
}

/** The one figure below the verdict; where there is none, what can be said without it. */
export function figureWords({ verdict, typical, nearer }) {
  if (verdict === "measuring") return "";
  if (verdict === "unsaid") return `nearer to real codes than ${whole(nearer)} of test images`;
  return `more typical than ${whole(typical)} of test images`;
}

/** What the verdict means and how often it errs: two sentences, or why there is none. */
export function meaningOf({ verdict, errors }) {
  if (verdict === "measuring") return [MEASURING];
  const { auc, missed, midpointsTaken, farTaken } = errors;
  if (verdict === "unsaid") {
    return [`No verdict: on this model the measure ranks a test image above a picture that is none only ${whole(100 * auc)} of the time; chance is 50 %.`];
  }
  return [
    "Judged by how well the encoder recognises the picture, how undecided its pixels are, and whether the test images near it are of one kind.",
    `It errs: it calls ${whole(100 * missed)} of test images unusual or unlike the data, and ${whole(100 * midpointsTaken)} of the midpoints between ` +
      `two kinds and ${whole(100 * farTaken)} of points far out look like the data to it.`,
  ];
}

function detailsOf(place) {
  if (place.verdict === "measuring") return meaningOf(place);
  const nats = (value) => `${value.toFixed(1).replace("-", "−")} nats`;
  const cycle = `Cycle error: the encoder puts this picture ${place.cycle.toFixed(1)} of its own standard deviations from z, on each axis.`;
  return [
    ...meaningOf(place),
    `Distance to the nearest codes: ${place.distance.toFixed(2)}, nearer than ${whole(place.nearer)} of test images.`,
    ...(Number.isFinite(place.cycle) ? [cycle] : []),
    ...(Number.isFinite(place.logAggregate) ? densities(place, nats) : []), // an autoencoder has neither
  ];
}

function densities({ logPrior, logAggregate, denser }, nats) {
  return [
    `log p(z), the prior's density: ${nats(logPrior)}.`,
    `log q(z), the density of all codes: ${nats(logAggregate)}, denser than at ${whole(denser)} of test images.`,
  ];
}

function whole(percent) {
  return `${Math.round(percent)} %`;
}
