// In the Share sheet: a page of this model that needs no server, as a zip of static files or as one file. The server makes it beside
// its other work; this part starts it, tells how far it is, and hands over the file.

import { h } from "../elements.js";
import { pause, within } from "../timers.js";

const LOOK = 700; // ms between two looks at how far it is
const FORMS = [["zip", "A folder of static files, zipped: for a web host"], ["html", "One file: opens by a double click"]];

export class Publish {
  #explorer;
  #life = null; // of the page that is being made
  #fields = { title: field("title", "Title"), text: field("text", "A few words about it"), author: field("author", "Author"), link: field("link", "https://… a paper or a site") };
  #form = h("select", { "aria-label": "form" }, ...FORMS.map(([value, words]) => h("option", { value }, words)));
  #others = h("div.lw-publish-others");
  #button = h("button.lw-button", { type: "button", onclick: () => this.#start() }, "Publish");
  #bar = h("progress.lw-publish-bar", { max: "1", value: "0", hidden: "", "aria-label": "progress" });
  #said = h("span.lw-muted", { role: "status", "data-testid": "publish-status" });

  constructor(explorer) {
    this.#explorer = explorer;
    this.element = h("details.lw-publish", {},
      h("summary", {}, "Publish as a page without a server"),
      h("p.lw-muted", {}, "The explorer and the model as static files: whoever opens the page runs it in their own browser."),
      h("div.lw-publish-fields", {}, ...Object.values(this.#fields), this.#form),
      this.#others,
      h("div.lw-controls", {}, this.#button, this.#bar, this.#said));
  }

  /** The sheet is opened. Weights that change are no page, and of imported decoders the server makes none. */
  show({ others, training, gradients }) {
    this.element.hidden = training || !gradients;
    const kept = new Set(this.#chosen);
    const rows = others.map(({ name }) => {
      const box = h("input", { type: "checkbox", value: name });
      box.checked = kept.has(name);
      return h("label.lw-check", {}, box, name);
    });
    this.#others.replaceChildren(...(rows.length > 0 ? [h("span.lw-muted", {}, "with "), ...rows] : []));
  }

  get #chosen() {
    return [...this.#others.querySelectorAll("input:checked")].map(({ value }) => value);
  }

  async #start() {
    const { answers, model, signal } = this.#explorer;
    const words = Object.fromEntries(Object.entries(this.#fields).map(([name, { value }]) => [name, value.trim()]));
    this.#life?.abort();
    this.#life = within(signal);
    const life = this.#life.signal;
    this.#show(0, "starting …");
    try {
      const job = await answers.startPublishing({ models: [model.name, ...this.#chosen], form: this.#form.value, ...words }, life);
      await this.#follow(job, life);
    } catch (error) {
      if (!life.aborted) this.#show(null, error.message);
    }
  }

  async #follow(job, life) {
    for (;;) {
      const { state, share, message, url } = await this.#explorer.answers.publishing(job, life);
      if (state === "failed") throw new Error(message);
      if (state === "done") return this.#hand(url, message);
      this.#show(share, message === "" ? "starting …" : `${message}: figures, likeness, ONNX …`);
      await pause(LOOK, life);
    }
  }

  #hand(url, message) {
    const link = h("a", { href: url, download: "" }, "Save it again");
    this.#show(null, "");
    this.#said.replaceChildren(`Done, ${message}. `, link);
    link.click();
  }

  /** share: null when nothing is being made. */
  #show(share, words) {
    this.#button.disabled = share !== null;
    this.#bar.hidden = share === null;
    this.#bar.value = share ?? 0;
    this.#said.textContent = words;
  }
}

function field(name, words) {
  return h("input", { type: "text", name, placeholder: words, "aria-label": words, maxlength: "2000" });
}
