// The large picture: asks the server for it, shows it, and says how the connection stands.

import { readPagePicture } from "../connection/binary_messages.js";
import { h } from "../elements.js";
import { shown } from "../format_numbers.js";
import { Surface, urlOf } from "../renderer/renderer.js";
import { Latency } from "./latency.js";
import { WhoDecodes } from "./who_decodes.js";

const MOST_NAMED = 16; // values of z that a description lists

export class Picture {
  stage = h("div.lw-stage");
  #explorer;
  #surface = new Surface({ class: "lw-canvas", "data-testid": "decoded", "aria-label": "decoded picture" });
  #who;
  #latency;
  #connection = null;
  #training = false; // of the open model
  #painted = null; // {z, step, noise, answer}: what is shown

  constructor(explorer) {
    this.#explorer = explorer;
    this.#latency = new Latency(explorer.signal);
    this.stage.append(this.#surface.element);
    this.#who = new WhoDecodes(explorer.answers.takeover, this.#latency.element, explorer.signal);
    this.elements = { picture: this.stage, status: this.#who.element };
  }

  /** Whether there is a model to ask. */
  get opened() {
    return this.#connection !== null;
  }

  /** Whether the page has to bring the pictures: nobody answers, or nobody has yet. */
  get silent() {
    return !this.#connection?.open || this.#surface.painted === 0;
  }

  open(model) {
    const { name, data, again } = model;
    this.#explorer.answers.takeover?.open(model);
    if (again && data.training === this.#training) return;
    this.#training = data.training;
    this.#connection?.close();
    if (!again) this.#who.connecting();
    const on = {
      hello: (greeting, refusing) => this.#who.greeted(greeting, refusing),
      picture: (answer, start, z) => this.#paint(answer, start, z),
      offline: (words) => this.#who.offline(words),
      refused: () => {
        this.#connection = null;
        this.#explorer.ask("refresh"); // the model is gone or has another size: the page has to say it
      },
    };
    this.#connection = this.#explorer.answers.picture(name, data.z.length, on, this.#explorer.signal);
  }

  moved({ shown: z, cause }) {
    this.#request(z, cause.at);
  }

  committed({ committed, cause }) {
    this.#surface.describe(pictureWords(committed));
    if (cause.by !== "release") this.#request(committed.z, cause.at);
  }

  refresh({ shown: z }) {
    this.#request(z);
  }

  /** Shows the picture that came with the page's data, if it is the picture of where one stands. */
  paintSent() {
    const sent = readPagePicture(this.#explorer.data);
    if (sent === null || this.#explorer.store.step !== null || JSON.stringify(sent.z) !== JSON.stringify(this.#explorer.store.held)) return;
    this.#surface.paint(sent.answer);
    this.#painted = { ...sent, step: null, noise: null };
  }

  /** The mean picture of a point as a data URL, whatever is looked at at the moment; null when the server does not answer. */
  async urlOf(z) {
    const { step } = this.#explorer.store;
    const exact = this.#painted?.noise === null && !this.#painted.answer.lossy;
    const here = exact && this.#painted.step === step && this.#painted.z.length === z.length && this.#painted.z.every((value, i) => Math.fround(value) === Math.fround(z[i]));
    const answer = here ? this.#painted.answer : (await this.#explorer.model.queries.pictures("snapshot", [z], 0))?.[0];
    return answer ? urlOf(answer) : null;
  }

  /** `at`: the timeStamp of the input event that asks; without one the answer is painted but tells nothing of latency. */
  #request(z, at = null) {
    const { step, noise } = this.#explorer.store;
    this.#connection?.request(z, { at: at ?? performance.now(), input: at !== null, step, noise }, step, noise);
  }

  #paint(answer, start, z) {
    this.#surface.paint(answer);
    this.#painted = { z, step: start.step, noise: start.noise, answer };
    this.#latency.painted(start);
    this.#who.painted();
    this.#explorer.tell("painted", z, answer);
  }
}

/** What the decoded picture is, for who does not see it. */
function pictureWords({ z, posterior }) {
  const values = z.slice(0, MOST_NAMED).map(shown).join(", ");
  const rest = z.length > MOST_NAMED ? ` and ${z.length - MOST_NAMED} more` : "";
  const from = posterior?.label ? `, ${posterior.label}` : "";
  return `decoded picture at z = ${values}${rest}${from}`;
}
