// Mouse, touch and keys on the map as a few words: hover, leave, drag, drop, pan, zoom. Knows nothing of latents.

const CLICK = 4; // px a pointer may wander and still have clicked
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// Where the browser has it, a movement is heard at once and not only before the next frame: the picture is asked for earlier.
const MOVED = "onpointerrawupdate" in window ? "pointerrawupdate" : "pointermove";

/** on: {hover(at, event), leave(), drag(at, event), drop(at, event, clicked), pan(dx, dy), zoom(at, factor), step(dx, dy, coarse, event), settle(), fit()} */
export function listen(element, on) {
  const pointers = new Map(); // id -> [x, y]
  let start = null; // where the one pressed pointer went down
  let panning = false;
  let pinched = false; // two fingers were down: what follows is no drag until all are up
  const at = (event) => {
    const box = element.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };

  element.addEventListener("pointerdown", (event) => {
    element.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, at(event));
    panning = event.button === 1 || event.button === 2 || event.shiftKey;
    if (pointers.size === 2) beginPinch();
    if (pointers.size === 1) start = at(event);
    if (pointers.size === 1 && !panning) on.drag(at(event), event);
  });
  element.addEventListener(MOVED, (event) => {
    if (!pointers.has(event.pointerId)) {
      if (event.pointerType !== "touch") on.hover(at(event), event);
      return;
    }
    const before = pointers.get(event.pointerId);
    const now = at(event);
    if (pinched && pointers.size === 2) pinch(before, now, event.pointerId);
    else if (!pinched && panning) on.pan(now[0] - before[0], now[1] - before[1]);
    else if (!pinched) on.drag(now, event);
    pointers.set(event.pointerId, now);
  });
  const up = (event) => {
    if (!pointers.delete(event.pointerId)) return;
    if (pointers.size > 0) return;
    const now = at(event);
    if (!pinched && !panning) on.drop(now, event, Math.hypot(now[0] - start[0], now[1] - start[1]) < CLICK);
    pinched = false;
    panning = false;
    start = null;
  };
  element.addEventListener("pointerup", up);
  element.addEventListener("pointercancel", up);
  element.addEventListener("pointerleave", () => pointers.size === 0 && on.leave());
  element.addEventListener("contextmenu", (event) => event.preventDefault());
  element.addEventListener("wheel", (event) => {
    event.preventDefault();
    on.zoom(at(event), Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0015)));
  }, { passive: false });
  element.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const middle = [element.clientWidth / 2, element.clientHeight / 2];
    if (event.key in KEYS) on.step(...KEYS[event.key], event.shiftKey, event);
    else if (event.key === "+" || event.key === "=") on.zoom(middle, 1.25);
    else if (event.key === "-") on.zoom(middle, 0.8);
    else if (event.key === "0") on.fit();
    else return;
    event.preventDefault();
  });
  element.addEventListener("keyup", (event) => event.key in KEYS && on.settle());

  /** The first finger was a drag until the second one came: what it previewed is not meant. */
  function beginPinch() {
    pinched = true;
    on.leave();
  }

  function pinch(before, now, id) {
    const other = [...pointers.entries()].find(([key]) => key !== id)[1];
    const [then, since] = [before, now].map(([x, y]) => Math.hypot(x - other[0], y - other[1]));
    const middle = [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2];
    on.pan((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
    if (then > 0) on.zoom(middle, since / then);
  }
}
