// Snapshots with notes, and the sheet that shows them. They are kept in this browser, one list for each model, and survive a reload.

import { closeButton, download, h, smallButton } from "../elements.js";

const PREFIX = "latent-walk.gallery.";
const MOST = 200;

export class Gallery {
  #explorer;
  #snapshots = null; // of the open model
  #list = h("div.lw-gallery");
  #said = h("span.lw-muted.lw-grow", { role: "status" });
  #sheet;

  constructor(explorer) {
    this.#explorer = explorer;
    this.#sheet = h("dialog.lw-dialog.lw-wide", { "aria-label": "Gallery" },
      h("h2", {}, "Gallery"),
      h("p.lw-muted", {}, "Snapshots of this model, kept in this browser."),
      this.#list,
      h("div.lw-sheet-end", {}, this.#said,
        h("button.lw-button", { type: "button", onclick: async () => (this.#said.textContent = await this.#snap()) }, "Take a snapshot"),
        h("button.lw-button", { type: "button", onclick: () => this.#export() }, "Export as a page"),
        closeButton()));
    this.elements = { tools: smallButton("Gallery", "Your snapshots, with notes (G); S takes one", () => this.#show()), over: this.#sheet };
    this.keys = [
      { key: "S", words: "Take a snapshot", run: async () => explorer.parts.controls.say(await this.#snap()) },
      { key: "G", words: "Gallery of snapshots", run: () => this.#show() },
    ];
  }

  open({ name }) {
    this.#snapshots = new Snapshots(name);
    this.#draw();
  }

  #show() {
    this.#said.textContent = "";
    this.#draw();
    this.#sheet.showModal();
  }

  /** Keeps the committed point with its own picture; what the pointer previews meanwhile is not meant. The sentence says how it went. */
  async #snap() {
    const [snapshots, z] = [this.#snapshots, this.#explorer.store.held];
    const picture = await this.#explorer.parts.picture.urlOf(z);
    const kept = picture !== null && snapshots.add(z, picture);
    this.#draw();
    const { length } = snapshots.items;
    if (kept) return `Snapshot taken: the gallery holds ${length}.`;
    if (picture === null) return "No snapshot: no picture comes at the moment. Try again in a moment.";
    return `The browser did not keep the snapshot: its storage is full or switched off. ${length > 0 ? "Remove old ones from the gallery; exported as a page, they are not lost." : "Allow this site to store data."}`;
  }

  #draw() {
    const items = this.#snapshots.items;
    const empty = h("p.lw-muted", {}, "Nothing here yet. Take a snapshot below; the key S does it on the page.");
    this.#list.replaceChildren(...(items.length > 0 ? items.map((item, index) => this.#card(item, index)) : [empty]));
  }

  #card({ z, picture, note }, index) {
    const go = () => {
      this.#sheet.close();
      this.#explorer.jump(z, performance.now());
    };
    const words = h("input.lw-note-input", { type: "text", value: note, placeholder: "note", "aria-label": `note of snapshot ${index + 1}`, onchange: () => this.#snapshots.note(index, words.value) });
    const remove = () => {
      this.#snapshots.remove(index);
      this.#draw();
    };
    const other = z.length !== this.#explorer.store.held.length;
    const title = other ? `Of an earlier version of this model, with ${z.length} dimensions: that point is not one of its own now` : "Go there";
    return h("figure.lw-snap", {},
      h("button.lw-thumb", { type: "button", title, disabled: other ? "" : null, onclick: go }, h("img", { src: picture, alt: `snapshot ${index + 1}` })),
      words,
      h("button.lw-link", { type: "button", onclick: remove }, "remove"));
  }

  #export() {
    const { name } = this.#explorer.model;
    download(new Blob([galleryPage(name, this.#snapshots.items)], { type: "text/html" }), `${name}-gallery.html`);
  }
}

class Snapshots {
  #key;

  constructor(model) {
    this.#key = `${PREFIX}${model}`;
  }

  /** [{z, picture (data URL), note, when}], newest first. */
  get items() {
    try {
      const items = JSON.parse(localStorage.getItem(this.#key) ?? "[]");
      return Array.isArray(items) ? items.filter(isSnapshot) : [];
    } catch {
      return []; // storage is switched off, or what is there is not ours
    }
  }

  /** False when the browser refuses to keep it. */
  add(z, picture) {
    return this.#keep([{ z, picture, note: "", when: new Date().toISOString() }, ...this.items].slice(0, MOST));
  }

  note(index, words) {
    return this.#keep(this.items.map((item, i) => (i === index ? { ...item, note: words } : item)));
  }

  remove(index) {
    return this.#keep(this.items.filter((_, i) => i !== index));
  }

  #keep(items) {
    try {
      localStorage.setItem(this.#key, JSON.stringify(items));
      return true;
    } catch {
      return false;
    }
  }
}

function isSnapshot(item) {
  const { z, picture, note, when } = item ?? {};
  return Array.isArray(z) && z.every(Number.isFinite) && String(picture).startsWith("data:image/") && typeof note === "string" && typeof when === "string";
}

/** A page of its own with every snapshot, its note and its z; nothing in it is loaded from anywhere. */
export function galleryPage(model, items) {
  const cards = items.map(
    ({ z, picture, note, when }) =>
      `<figure><img src="${escaped(picture)}" alt=""><figcaption>${escaped(note) || "&nbsp;"}<small>${escaped(when.slice(0, 16).replace("T", " "))}</small>` +
      `<code>z = [${z.map((value) => Number(value).toFixed(3)).join(", ")}]</code></figcaption></figure>`,
  );
  return `<!doctype html><meta charset="utf-8"><title>${escaped(model)}: gallery</title><style>
body{font:15px/1.5 system-ui,sans-serif;margin:2rem;color:#1b1f2a;background:#fbfbfc}
main{display:grid;grid-template-columns:repeat(auto-fill,minmax(180px,1fr));gap:18px}
figure{margin:0}img{width:100%;image-rendering:pixelated;border-radius:8px}
small,code{display:block;color:#6b7280;font-size:12px;overflow-wrap:anywhere}
</style><h1>${escaped(model)}</h1><main>${cards.join("\n")}</main>\n`;
}

function escaped(text) {
  return String(text).replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
