// Under the explorer: what the model is and how well it does, as measured, and how to cite the page.

import { h } from "../explorer/elements.js";

export class About {
  #page;
  #title = h("h2", {});
  #facts = h("dl.lp-facts", { "data-testid": "facts" });
  #bibtex = h("textarea.lw-code", { readonly: "", rows: "7", "aria-label": "BibTeX" });
  #said = h("span.lw-muted", { role: "status" });

  constructor(page) {
    this.#page = page;
    const copy = h("button.lw-button", { type: "button", onclick: () => this.#copy() }, "Copy BibTeX");
    this.element = h("div.lp-about", {},
      h("section.lw-card", { "aria-label": "The model" }, this.#title, this.#facts),
      h("section.lw-card", { "aria-label": "Citation" }, h("h2", {}, "Cite this page"), this.#bibtex, h("p", {}, copy, " ", this.#said)),
      h("p.lw-muted.lp-made", {}, "Everything here runs in your browser; nothing you do or draw is sent anywhere. Made with Latent Walk."));
  }

  opened(name, { facts, created }) {
    this.#title.textContent = `The model: ${name}`;
    this.#facts.replaceChildren(...facts.flatMap(([words, value]) => [h("dt", {}, words), h("dd", {}, value)]));
    this.#bibtex.value = bibtexOf(this.#page, created, window.location);
    this.#said.textContent = "";
  }

  async #copy() {
    this.#bibtex.select();
    try {
      await navigator.clipboard.writeText(this.#bibtex.value);
      this.#said.textContent = "The BibTeX entry is on the clipboard.";
    } catch {
      this.#said.textContent = "The browser does not let this page write to the clipboard; the text is selected: press Ctrl+C.";
    }
  }
}

/** An entry for the page: @misc, with what is known of it. */
export function bibtexOf({ title, author, link, models }, created, { protocol, href }) {
  const year = /^\d{4}/.exec(created)?.[0] ?? "";
  const address = link || (protocol.startsWith("http") ? href.split(/[?#]/)[0] : "");
  const fields = {
    author: escaped(author),
    title: `{${escaped(title || models.join(", "))}}`,
    year,
    howpublished: address && `\\url{${address}}`,
    note: escaped(`Interactive page of ${models.join(", ")}`),
  };
  const rows = Object.entries(fields).filter(([, value]) => value).map(([name, value]) => `  ${name.padEnd(12)} = {${value}},`);
  const key = `${keyPart(author.split(/,|\band\b/)[0].split(" ").at(-1) || "latentwalk")}${year}${keyPart(models[0])}`;
  return [`@misc{${key},`, ...rows, "}"].join("\n");
}

function keyPart(text) {
  return text.normalize("NFKD").replace(/[^\w]/g, "").toLowerCase();
}

function escaped(text) {
  return text.replace(/[&%$#_{}]/g, "\\$&");
}
