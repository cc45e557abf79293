// The field's standard picture: every dimension as a row in KL order, prior quantiles as columns, around the current point.

import { closeButton, download, h, linkButton } from "../elements.js";
import { normalQuantile, rounded } from "../format_numbers.js";
import { drawAnswer } from "../renderer/renderer.js";

const COLUMNS = 11;
const FROM = 0.005; // outermost quantiles of the prior
const MOST_ROWS = 40;
const CELL = 44; // px on the canvas
const NAME = 44; // px for the names of the rows
const HEAD = 22;

export class Traversal {
  #explorer;
  #sheet;
  #points = [];
  #rows = []; // dimensions
  #values = []; // of the columns
  #at = null; // index of the picture that the keys are on
  #canvas = h("canvas.lw-traversal", { "data-testid": "traversal", tabindex: "0", role: "application", "aria-label": "traversal: arrow keys choose a picture, Enter goes there" });
  #cursor = h("span.lw-cursor", { hidden: "" });
  #words = h("p.lw-muted", { role: "status" });
  #here = h("span.lw-muted.lw-grow", { role: "status", "data-testid": "traversal-here" });

  constructor(explorer) {
    this.#explorer = explorer;
    this.#canvas.addEventListener("click", (event) => this.#click(event));
    this.#canvas.addEventListener("keydown", (event) => this.#key(event));
    this.#canvas.addEventListener("blur", () => (this.#cursor.hidden = true));
    this.#canvas.addEventListener("focus", () => this.#at !== null && this.#point(this.#at));
    this.#sheet = h("dialog.lw-dialog.lw-wide.lw-fit", { "aria-label": "Traversal" },
      h("h2", {}, "Traversal"),
      this.#words,
      h("div.lw-scroll", {}, h("div.lw-traversal-place", {}, this.#canvas, this.#cursor)),
      h("div.lw-sheet-end", {}, this.#here, h("button.lw-button", { type: "button", onclick: () => this.#download() }, "Download PNG"), closeButton()));
    this.elements = { "rail heading": linkButton("traversal", "Every dimension as a row of pictures, side by side (V)", () => this.#show()), over: this.#sheet };
    this.keys = [{ key: "V", words: "Traversal: a row of pictures for every dimension", run: () => this.#show() }];
  }

  /** Around where one stands; the dimensions that the data use, if there are any. */
  async #show() {
    const { model, parts, store } = this.#explorer;
    const { active, dimensions: all } = parts.rail.sliders;
    const dimensions = active.length > 0 ? active : all;
    const rows = dimensions.slice(0, MOST_ROWS);
    [this.#rows, this.#at, this.#here.textContent, this.#cursor.hidden] = [rows, null, "", true];
    this.#words.textContent = `Each row moves one dimension and leaves the others where they are, ${model.data.prior ? "the most informative" : "the widest direction of the codes"} first. The numbers above are its values, as far out as ${100 * (1 - 2 * FROM)} % of ${model.data.prior ? "the prior" : "a Gaussian fitted to the codes"} reaches. Press a picture to go there.`;
    this.#values = quantiles(model.data.uniform);
    this.#points = traversalPoints(store.held, rows, this.#values);
    this.#sheet.showModal();
    const pictures = await model.queries.pictures("traversal", this.#points, CELL);
    if (pictures) this.#draw(rows, pictures);
    else this.#words.textContent = "No pictures come at the moment; close this and try again.";
  }

  #draw(rows, pictures) {
    this.#canvas.width = NAME + COLUMNS * CELL;
    this.#canvas.height = HEAD + rows.length * CELL;
    const pen = this.#canvas.getContext("2d");
    const style = getComputedStyle(this.#sheet);
    pen.fillStyle = style.backgroundColor;
    pen.fillRect(0, 0, this.#canvas.width, this.#canvas.height);
    pictures.forEach((picture, i) => drawAnswer(pen, picture, [NAME + (i % COLUMNS) * CELL, HEAD + Math.floor(i / COLUMNS) * CELL, CELL - 1, CELL - 1]));
    pen.fillStyle = style.color;
    pen.font = "12px system-ui, sans-serif";
    pen.textBaseline = "middle";
    rows.forEach((dimension, i) => pen.fillText(`z${dimension}`, 6, HEAD + (i + 0.5) * CELL));
    pen.textAlign = "center";
    this.#values.forEach((value, i) => pen.fillText(value.toFixed(1).replace("-0.0", "0.0").replace("-", "−"), NAME + (i + 0.5) * CELL, HEAD / 2));
  }

  #click(event) {
    const box = this.#canvas.getBoundingClientRect();
    const column = Math.floor(((event.clientX - box.left) * this.#canvas.width) / box.width / CELL - NAME / CELL);
    const row = Math.floor((((event.clientY - box.top) * this.#canvas.height) / box.height - HEAD) / CELL);
    if (column >= 0 && row >= 0) this.#go(row * COLUMNS + column);
  }

  #go(index) {
    const point = this.#points[index];
    if (!point) return;
    this.#sheet.close();
    this.#explorer.jump(point.map(rounded), performance.now());
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || this.#points.length === 0) return;
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -COLUMNS, ArrowDown: COLUMNS }[event.key];
    if (step !== undefined) this.#point(this.#at === null ? 0 : this.#next(step));
    else if (event.key === "Home" || event.key === "End") this.#point(event.key === "Home" ? 0 : this.#points.length - 1);
    else if ((event.key === "Enter" || event.key === " ") && this.#at !== null) this.#go(this.#at);
    else return;
    event.preventDefault();
  }

  /** The ends of a row and of a column are ends. */
  #next(step) {
    const next = this.#at + step;
    const sameRow = Math.floor(next / COLUMNS) === Math.floor(this.#at / COLUMNS);
    return next >= 0 && next < this.#points.length && (Math.abs(step) > 1 || sameRow) ? next : this.#at;
  }

  #point(index) {
    const [row, column] = [Math.floor(index / COLUMNS), index % COLUMNS];
    this.#at = index;
    this.#cursor.hidden = false;
    this.#cursor.style.cssText = `left:${NAME + column * CELL}px;top:${HEAD + row * CELL}px;width:${CELL - 1}px;height:${CELL - 1}px`;
    this.#cursor.scrollIntoView({ block: "nearest", inline: "nearest" });
    this.#here.textContent = `z${this.#rows[row]} at ${this.#values[column].toFixed(2).replace("-", "−")}`;
  }

  #download() {
    this.#canvas.toBlob((file) => download(file, "traversal.png"));
  }
}

/** The columns' values: quantiles of N(0, 1), or of the uniform distribution from -1 to 1. */
function quantiles(uniform) {
  const quantile = uniform ? (share) => 2 * share - 1 : normalQuantile;
  return Array.from({ length: COLUMNS }, (_, i) => quantile(FROM + ((1 - 2 * FROM) * i) / (COLUMNS - 1)));
}

/** Every picture's z, row by row. */
function traversalPoints(z, rows, values) {
  return rows.flatMap((dimension) => values.map((value) => z.map((old, i) => (i === dimension ? value : old))));
}
