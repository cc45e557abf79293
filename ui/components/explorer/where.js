// "Where am I?": one calm indicator under the picture, kept up to date while a person moves.

import { h } from "./dom.js";

const PAUSE = 90; // ms between two questions while moving

export class Where {
  #asides = null;
  #busy = false;
  #next = null;

  constructor() {
    this.words = h("span.lw-where", { role: "status", "data-testid": "where", "data-verdict": "" });
    this.figures = h("span.lw-muted.lw-figures");
    this.element = h("div.lw-where-line", {}, this.words, this.figures);
  }

  open(asides) {
    this.#asides = asides;
    this.#show(null);
  }

  /** Asks about z now, or as soon as the answer before has come. */
  async at(z) {
    this.#next = [...z];
    if (this.#busy || this.#asides === null) return;
    this.#busy = true;
    while (this.#next !== null) {
      const [asides, point] = [this.#asides, this.#next];
      this.#next = null;
      const places = await asides.places("here", [point]);
      if (places !== null && asides === this.#asides) this.#show(places[0]);
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
    this.#busy = false;
  }

  #show(place) {
    this.element.hidden = place === null;
    if (place === null) return;
    this.words.dataset.verdict = place.verdict;
    this.words.textContent = WORDS[place.verdict];
    this.figures.textContent = figureWords(place);
    this.element.title = [
      `distance to the nearest encoded images: ${place.distance.toFixed(2)}`,
      "log p(z): density of the prior · log q(z): density of all encoded images together, the aggregate posterior",
      "cycle error: how far the encoder puts the decoded picture from z",
    ].join("\n");
  }
}

const WORDS = { "on the data": "on the data", thin: "thin: few images near here", hole: "hole: no image was ever encoded near here" };

export function figureWords({ percentile, cycle, logPrior, logAggregate }) {
  const share = percentile >= 50 ? `farther out than ${Math.floor(percentile)} %` : `closer in than ${Math.floor(100 - percentile)} %`;
  const nats = (value) => value.toFixed(1).replace("-", "−");
  return `${share} of test images · cycle ${cycle.toFixed(2)} · log\u00a0p(z)\u00a0${nats(logPrior)} · log\u00a0q(z)\u00a0${nats(logAggregate)}\u00a0nats`;
}
