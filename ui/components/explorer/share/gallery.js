// Snapshots with notes. They are kept in this browser, one list for each model, and survive a reload.

const PREFIX = "latent-walk.gallery.";
const MOST = 200;

export class Gallery {
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
