// How answers are shown. Each kind of answer has one renderer; who shows answers hands them over and does not look into them.
//
// A renderer of another kind (text, a sound, a chart) has the same six: surface() -> {element, paint(answer)} for a large one;
// draw(context, answer, [x, y, width, height], smooth) for a small one on a canvas; thumb(canvas, answer) for a canvas of its own;
// ratio(answer), width over height; url(answer), an image to keep; difference(a, b) -> {answer, mean (0 to 1), same}, or null where
// two cannot be compared. binary_messages.js reads the new kind from the socket.

import { pixels } from "./pixels.js";

export const RENDERERS = { pixels };

const of = (answer) => RENDERERS[answer.kind];

export function drawAnswer(context, answer, box, smooth = false) {
  of(answer).draw(context, answer, box, smooth);
}

export function drawThumb(canvas, answer) {
  of(answer).thumb(canvas, answer);
}

export function ratioOf(answer) {
  return of(answer).ratio(answer);
}

export function urlOf(answer) {
  return of(answer).url(answer);
}

export function differenceOf(a, b) {
  return a.kind === b.kind ? of(a).difference(a, b) : null;
}

/** Where one large answer is shown. The element is another one once answers of another kind come; it keeps its attributes. */
export class Surface {
  #attributes;
  #kind = "pixels";
  #shown;
  #painted = 0;
  #ratio = null;

  /** attributes: of the element, as in h() */
  constructor(attributes) {
    this.#attributes = { ...attributes, "data-seq": "0" };
    this.#make();
  }

  get element() {
    return this.#shown.element;
  }

  /** How many answers have been shown. */
  get painted() {
    return this.#painted;
  }

  describe(words) {
    this.#attributes["aria-label"] = words;
    this.element.setAttribute("aria-label", words);
  }

  paint(answer) {
    if (answer.kind !== this.#kind) {
      const { element } = this;
      this.#kind = answer.kind;
      this.#make();
      element.replaceWith(this.element);
    }
    this.#shown.paint(answer);
    this.#fit(ratioOf(answer));
    this.#painted += 1;
    this.element.dataset.seq = String(this.#painted);
  }

  /** Said to the page only when it changes: a style that is set makes the browser look at the layout again. */
  #fit(ratio) {
    if (ratio === this.#ratio) return;
    this.#ratio = ratio;
    this.element.parentElement?.style.setProperty("--lw-aspect", String(ratio));
  }

  #make() {
    this.#shown = RENDERERS[this.#kind].surface();
    for (const [name, value] of Object.entries(this.#attributes)) this.element.setAttribute(name, value);
  }
}
