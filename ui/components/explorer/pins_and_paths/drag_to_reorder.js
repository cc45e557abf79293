// Moving the items of a row with the pointer: a mouse drags at once, a finger after it has rested on one; before that it scrolls.
// Not the browser's own drag and drop: that knows no touch, and Firefox starts none from a button.

const SLOP = 6; // px before a press is a drag
const REST = 350; // ms

/** list: the row's element; move(item, place) is called when an item was let go at another place */
export function dragToReorder(list, move, signal) {
  const reorder = new Reorder(list, move);
  signal.addEventListener("abort", () => reorder.release(), { once: true });
}

class Reorder {
  #list;
  #move; // (item, place)
  #held = null; // {item, id, x, lifted, timer}
  #moved = (event) => this.#follow(event);
  #ended = (event) => this.#drop(event);

  constructor(list, move) {
    this.#list = list;
    this.#move = move;
    list.addEventListener("pointerdown", (event) => this.#press(event));
    list.addEventListener("touchmove", (event) => this.#held?.lifted && event.preventDefault(), { passive: false }); // else it scrolls
    list.addEventListener("contextmenu", (event) => this.#held?.lifted && event.preventDefault()); // a long press opens one
  }

  #press(event) {
    const item = event.target.closest("li");
    if (item === null || event.button !== 0 || !event.isPrimary) return;
    this.release();
    const timer = event.pointerType === "mouse" ? null : setTimeout(() => this.#lift(), REST);
    this.#held = { item, id: event.pointerId, x: event.clientX, lifted: false, timer };
    window.addEventListener("pointermove", this.#moved);
    window.addEventListener("pointerup", this.#ended);
    window.addEventListener("pointercancel", this.#ended);
  }

  #lift() {
    this.#held.lifted = true;
    this.#held.item.classList.add("lw-lifted");
  }

  #follow(event) {
    const held = this.#held;
    if (event.pointerId !== held?.id) return;
    const distance = event.clientX - held.x;
    if (!held.lifted) {
      if (Math.abs(distance) < SLOP) return;
      if (held.timer !== null) return this.release(); // a finger that does not rest
      this.#lift();
    }
    held.item.style.transform = `translateX(${distance}px)`;
  }

  #drop(event) {
    const held = this.#held;
    if (event.pointerId !== held?.id) return;
    const place = held.lifted && event.type === "pointerup" ? this.#placeOf(held.item) : null;
    if (held.lifted) swallowClick();
    this.release();
    if (place !== null && place !== [...this.#list.children].indexOf(held.item)) this.#move(held.item, place);
  }

  /** Before which of the others its middle lies. */
  #placeOf(item) {
    const middle = (element) => element.getBoundingClientRect().left + element.offsetWidth / 2;
    return [...this.#list.children].filter((other) => other !== item && middle(other) < middle(item)).length;
  }

  release() {
    if (this.#held === null) return;
    clearTimeout(this.#held.timer);
    this.#held.item.classList.remove("lw-lifted");
    this.#held.item.style.transform = "";
    this.#held = null;
    window.removeEventListener("pointermove", this.#moved);
    window.removeEventListener("pointerup", this.#ended);
    window.removeEventListener("pointercancel", this.#ended);
  }
}

/** Letting go is no press of the button under the pointer. */
function swallowClick() {
  const stop = (event) => {
    event.preventDefault();
    event.stopPropagation();
  };
  window.addEventListener("click", stop, { capture: true, once: true });
  setTimeout(() => window.removeEventListener("click", stop, { capture: true }), 50);
}
