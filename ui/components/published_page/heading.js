// The head of the page: its title, its models, own images, light or dark; below it the author's text, and what there is to say.

import { h } from "../explorer/elements.js";

export class Heading {
  #choice;
  #own;
  #said = h("p.lp-said", { role: "status", hidden: "" });

  /** on: {open(name), own(), theme()} */
  constructor({ title, text, link, models }, on) {
    this.#choice = h("select.lp-models", { "aria-label": "Model", onchange: ({ target }) => on.open(target.value) }, ...models.map((name) => h("option", { value: name }, name)));
    this.#choice.hidden = models.length < 2;
    this.#own = h("button.lw-button", { type: "button", title: "Encode a picture of your own, or draw one: it stays in this browser", onclick: on.own }, "Your image");
    const theme = h("button.lw-button", { type: "button", "aria-label": "Light or dark", title: "Light or dark", onclick: on.theme }, "◐");
    const words = [...(text ? [text] : []), ...(link ? [" ", h("a", { href: link, target: "_blank", rel: "noopener" }, shown(link))] : [])];
    this.element = h("header.lp-head", {},
      h("div.lp-line", {}, h("h1", {}, title || models[0]), this.#choice, h("span.lw-grow"), this.#own, theme),
      ...(words.length > 0 ? [h("p.lp-text", {}, ...words)] : []),
      this.#said);
  }

  /** The cards of the explorer fill what is left of the window. */
  measure() {
    const tell = () => document.documentElement.style.setProperty("--lp-head", `${Math.ceil(this.element.getBoundingClientRect().bottom + window.scrollY)}px`);
    new ResizeObserver(tell).observe(this.element);
    tell();
  }

  opened(name, { encoder }) {
    this.#choice.value = name;
    this.#own.hidden = encoder === null;
  }

  say(sentence) {
    this.#said.hidden = sentence === "";
    this.#said.textContent = sentence;
  }
}

function shown(link) {
  return link.replace(/^https?:\/\//, "").replace(/\/$/, "");
}
