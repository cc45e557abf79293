// A square to draw on, with the pointer: light ink on black where the model's images are so, else a brush of any colour on white.

import { h } from "../../explorer/elements.js";

const SIDE = 280; // px
const THICKNESS = 0.075; // of a stroke, as a share of the side: about that of a handwritten digit

export class Drawing {
  #canvas = h("canvas.lp-drawing", { width: SIDE, height: SIDE, "data-testid": "drawing", role: "img", "aria-label": "Draw here with the pointer" });
  #colour = h("input", { type: "color", value: "#d9480f", "aria-label": "Colour of the brush" });
  #strokes = []; // {colour, width, points: [[x, y]]}
  #grey = true;
  #tell;

  /** tell(): the drawing has changed. */
  constructor(tell) {
    this.#tell = tell;
    const undo = h("button.lw-button", { type: "button", onclick: () => this.#change(() => this.#strokes.pop()) }, "Undo stroke");
    const clear = h("button.lw-button", { type: "button", onclick: () => this.#change(() => (this.#strokes = [])) }, "Clear");
    this.element = h("div.lp-draw", {}, this.#canvas, h("div.lw-controls", {}, this.#colour, undo, clear));
    this.#canvas.addEventListener("pointerdown", (event) => this.#begin(event));
    this.#canvas.addEventListener("pointermove", (event) => this.#go(event));
    for (const type of ["pointerup", "pointercancel"]) this.#canvas.addEventListener(type, (event) => this.#end(event));
  }

  get empty() {
    return this.#strokes.length === 0;
  }

  /** A model of another kind of image: light ink on black, or colours on white. */
  prepare(ink) {
    if (this.#grey !== ink) this.#strokes = [];
    this.#grey = ink;
    this.#colour.hidden = ink;
    this.#draw();
  }

  clear() {
    this.#strokes = [];
    this.#draw();
  }

  /** What is drawn: {width, height, channels: 4, data}. */
  picture() {
    const { data } = this.#context.getImageData(0, 0, SIDE, SIDE);
    return { width: SIDE, height: SIDE, channels: 4, data };
  }

  get #context() {
    return this.#canvas.getContext("2d", { willReadFrequently: true });
  }

  #begin(event) {
    event.preventDefault();
    this.#canvas.setPointerCapture(event.pointerId);
    this.#strokes.push({ id: event.pointerId, colour: this.#grey ? "#fff" : this.#colour.value, points: [this.#at(event)] });
    this.#draw();
  }

  #go(event) {
    const stroke = this.#strokes.find(({ id }) => id === event.pointerId);
    if (stroke === undefined) return;
    stroke.points.push(...(event.getCoalescedEvents?.() ?? []).map((one) => this.#at(one)), this.#at(event));
    this.#draw();
  }

  #end(event) {
    const stroke = this.#strokes.find(({ id }) => id === event.pointerId);
    if (stroke === undefined) return;
    stroke.id = null;
    this.#tell();
  }

  #change(how) {
    how();
    this.#draw();
    this.#tell();
  }

  #at({ clientX, clientY }) {
    const { left, top, width, height } = this.#canvas.getBoundingClientRect();
    return [((clientX - left) / width) * SIDE, ((clientY - top) / height) * SIDE];
  }

  #draw() {
    const context = this.#context;
    Object.assign(context, { fillStyle: this.#grey ? "#000" : "#fff", lineWidth: THICKNESS * SIDE, lineCap: "round", lineJoin: "round" });
    context.fillRect(0, 0, SIDE, SIDE);
    for (const { colour, points } of this.#strokes) {
      context.strokeStyle = colour;
      context.beginPath();
      context.moveTo(...points[0]);
      for (const point of points) context.lineTo(...point);
      context.stroke();
    }
  }
}
