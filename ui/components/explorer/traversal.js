// The field's standard picture: every dimension as a row in KL order, prior quantiles as columns, around the current point.

import { h } from "./dom.js";
import { closeButton } from "./keys.js";
import { drawPicture, normalQuantile } from "./map/background.js";

const COLUMNS = 11;
const FROM = 0.005; // outermost quantiles of the prior
const MOST_ROWS = 40;
const CELL = 44; // px on the canvas
const NAME = 44; // px for the names of the rows
const HEAD = 22;

export class Traversal {
  #on;
  #asides = null;
  #points = [];
  #canvas = h("canvas.lw-traversal", { "data-testid": "traversal", role: "img", "aria-label": "traversal of every dimension" });
  #words = h("p.lw-muted", { role: "status" });

  /** on: {goTo(z)} */
  constructor(on) {
    this.#on = on;
    this.#canvas.addEventListener("click", (event) => this.#click(event));
    this.sheet = h("dialog.lw-dialog.lw-wide", { "aria-label": "Traversal" },
      h("h2", {}, "Traversal"),
      this.#words,
      h("div.lw-scroll", {}, this.#canvas),
      h("div.lw-sheet-end", {}, h("button.lw-button", { type: "button", onclick: () => this.#download() }, "Download PNG"), closeButton()));
  }

  open(asides) {
    this.#asides = asides;
  }

  /** dimensions: active ones in KL order */
  async show(z, dimensions) {
    const rows = dimensions.slice(0, MOST_ROWS);
    this.#words.textContent = `Rows: dimensions by KL. Columns: quantiles of the prior from ${100 * FROM} % to ${100 * (1 - FROM)} %. All other dimensions stay where they are. Click a picture to go there.`;
    this.#points = traversalPoints(z, rows);
    this.sheet.showModal();
    const pictures = await this.#asides?.pictures("traversal", this.#points, CELL);
    if (pictures) this.#draw(rows, pictures);
    else this.#words.textContent = "The server does not answer at the moment; close this and try again.";
  }

  #draw(rows, pictures) {
    this.#canvas.width = NAME + COLUMNS * CELL;
    this.#canvas.height = HEAD + rows.length * CELL;
    const pen = this.#canvas.getContext("2d");
    const style = getComputedStyle(this.sheet);
    pen.fillStyle = style.backgroundColor;
    pen.fillRect(0, 0, this.#canvas.width, this.#canvas.height);
    pen.imageSmoothingEnabled = false;
    pictures.forEach((picture, i) => drawPicture(pen, picture, [NAME + (i % COLUMNS) * CELL, HEAD + Math.floor(i / COLUMNS) * CELL, CELL - 1, CELL - 1]));
    pen.fillStyle = style.color;
    pen.font = "12px system-ui, sans-serif";
    pen.textBaseline = "middle";
    rows.forEach((dimension, i) => pen.fillText(`z${dimension}`, 6, HEAD + (i + 0.5) * CELL));
    pen.textAlign = "center";
    quantiles().forEach((value, i) => pen.fillText(value.toFixed(1).replace("-", "−"), NAME + (i + 0.5) * CELL, HEAD / 2));
  }

  #click(event) {
    const box = this.#canvas.getBoundingClientRect();
    const column = Math.floor(((event.clientX - box.left) * this.#canvas.width) / box.width / CELL - NAME / CELL);
    const row = Math.floor((((event.clientY - box.top) * this.#canvas.height) / box.height - HEAD) / CELL);
    const point = column >= 0 && row >= 0 ? this.#points[row * COLUMNS + column] : undefined;
    if (!point) return;
    this.sheet.close();
    this.#on.goTo(point);
  }

  #download() {
    this.#canvas.toBlob((file) => {
      const link = h("a", { href: URL.createObjectURL(file), download: "traversal.png" });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    });
  }
}

/** The columns' values: quantiles of N(0, 1). */
export function quantiles() {
  return Array.from({ length: COLUMNS }, (_, i) => normalQuantile(FROM + ((1 - 2 * FROM) * i) / (COLUMNS - 1)));
}

/** Every picture's z, row by row. */
export function traversalPoints(z, rows) {
  return rows.flatMap((dimension) => quantiles().map((value) => z.map((old, i) => (i === dimension ? value : old))));
}
