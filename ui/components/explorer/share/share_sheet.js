// The Share sheet and the gallery: what they hold is in share.js and gallery.js, this is how it looks.

import { h } from "../elements.js";
import { Gallery, galleryPage } from "./gallery.js";
import { closeButton } from "../help/keys.js";
import { linkOf, pythonOf } from "./link.js";

export class Sharing {
  #state; // () => everything a link holds
  #goTo;
  #picture;
  #gallery = null;
  #list = h("div.lw-gallery");
  #link = h("textarea.lw-code", { readonly: "", rows: "3", "aria-label": "link to this view" });
  #python = h("textarea.lw-code", { readonly: "", rows: "6", "aria-label": "Python that draws this picture" });
  #said = h("span.lw-muted", { role: "status" });
  #snapped = h("span.lw-muted.lw-grow", { role: "status" });

  /** state(): see linkOf, and `file`; goTo(z); picture(z): a data URL of that point, or null, awaited */
  constructor({ state, goTo, picture }) {
    this.#state = state;
    this.#goTo = goTo;
    this.#picture = picture;
    const copy = (area, words) => h("button.lw-button", { type: "button", onclick: () => this.#copy(area, words) }, `Copy ${words}`);
    this.shareSheet = h("dialog.lw-dialog", { "aria-label": "Share" },
      h("h2", {}, "Share this view"),
      h("p.lw-muted", {}, "Who opens this link where the same model is sees what you see: the same picture, the map, the pins and their path, the samples and the second model."),
      this.#link, copy(this.#link, "link"),
      h("p.lw-muted", {}, "In Python, from the project's folder:"),
      this.#python, copy(this.#python, "Python"),
      h("div.lw-sheet-end", {}, this.#said, closeButton()));
    this.gallerySheet = h("dialog.lw-dialog.lw-wide", { "aria-label": "Gallery" },
      h("h2", {}, "Gallery"),
      h("p.lw-muted", {}, "Snapshots of this model, kept in this browser."),
      this.#list,
      h("div.lw-sheet-end", {}, this.#snapped,
        h("button.lw-button", { type: "button", onclick: async () => (this.#snapped.textContent = await this.snap()) }, "Take a snapshot"),
        h("button.lw-button", { type: "button", onclick: () => this.#download() }, "Export as a page"),
        closeButton()));
  }

  openModel(model) {
    this.#gallery = new Gallery(model);
    this.#draw();
  }

  showShare() {
    const state = this.#state();
    this.#link.value = linkOf(window.location.href, state);
    this.#python.value = pythonOf(state);
    this.#said.textContent = "";
    this.shareSheet.showModal();
  }

  showGallery() {
    this.#snapped.textContent = "";
    this.#draw();
    this.gallerySheet.showModal();
  }

  /** Keeps the committed point with its own picture; what the pointer previews meanwhile is not meant. The sentence says how it went. */
  async snap() {
    const [gallery, z] = [this.#gallery, [...this.#state().z]];
    const picture = await this.#picture(z);
    const kept = picture !== null && gallery.add(z, picture);
    this.#draw();
    const { length } = gallery.items;
    if (kept) return `Snapshot taken: the gallery holds ${length}.`;
    if (picture === null) return "No snapshot: the server does not answer at the moment. Try again when it is back.";
    return `The browser did not keep the snapshot: its storage is full or switched off. ${length > 0 ? "Remove old ones from the gallery; exported as a page, they are not lost." : "Allow this site to store data."}`;
  }

  async #copy(area, words) {
    area.select();
    try {
      await navigator.clipboard.writeText(area.value);
      this.#said.textContent = `The ${words} is on the clipboard.`;
    } catch {
      this.#said.textContent = "The browser does not let this page write to the clipboard; the text is selected: press Ctrl+C.";
    }
  }

  #draw() {
    const items = this.#gallery?.items ?? [];
    const empty = h("p.lw-muted", {}, "Nothing here yet. Take a snapshot below; the key S does it on the page.");
    this.#list.replaceChildren(...(items.length > 0 ? items.map((item, index) => this.#card(item, index)) : [empty]));
  }

  #card({ z, picture, note }, index) {
    const go = () => {
      this.gallerySheet.close();
      this.#goTo(z);
    };
    const words = h("input.lw-note-input", { type: "text", value: note, placeholder: "note", "aria-label": `note of snapshot ${index + 1}`, onchange: () => this.#gallery.note(index, words.value) });
    const remove = () => {
      this.#gallery.remove(index);
      this.#draw();
    };
    const other = z.length !== this.#state().z.length;
    const title = other ? `Of an earlier version of this model, with ${z.length} dimensions: that point is not one of its own now` : "Go there";
    return h("figure.lw-snap", {},
      h("button.lw-thumb", { type: "button", title, disabled: other ? "" : null, onclick: go }, h("img", { src: picture, alt: `snapshot ${index + 1}` })),
      words,
      h("button.lw-link", { type: "button", onclick: remove }, "remove"));
  }

  #download() {
    const { model } = this.#state();
    const file = new Blob([galleryPage(model, this.#gallery.items)], { type: "text/html" });
    const link = h("a", { href: URL.createObjectURL(file), download: `${model}-gallery.html` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }
}
