// Mouse, trackpad, touch and keys on the map as a few words: hover, leave, drag, drop, cancel, pan, zoom, step. Knows nothing of latents.
//
// A finger that swipes up or down scrolls the page, as everywhere (touch-action: pan-y in map.css). One that starts sideways, or
// rests a moment, drags in every direction; a tap goes there; two fingers move and zoom the map.

const CLICK = { mouse: 4, pen: 6, touch: 10 }; // px a pointer may wander and still have clicked
const SIDEWAYS = 8; // px after which a finger that moves sideways drags
const HOLD = 260; // ms after which a finger that rests drags
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// Where the browser has it, a movement is heard at once and not only before the next frame: the picture is asked for earlier.
const MOVED = "onpointerrawupdate" in window ? "pointerrawupdate" : "pointermove";

/**
 * on: {hover(at, event), leave(), drag(at, event), drop(at, event, clicked), cancel(), pan(dx, dy), zoom(at, factor),
 * step(dx, dy, coarse, event), stepped(), take(), fit()}; nothing waits after the signal
 */
export function listen(element, on, signal) {
  pointers(element, on, signal);
  wheel(element, on);
  trackpadPinch(element, on);
  keys(element, on);
}

function local(element, [x, y]) {
  const box = element.getBoundingClientRect();
  return [x - box.left, y - box.top];
}

function pointers(element, on, signal) {
  const down = new Map(); // id -> {begun, done, now}: where it went down, what has been acted on, where it is; [x, y] in the window
  let doing = ""; // "drag", "pan", "pinch", "wait" (a finger that may scroll yet) or nothing
  let hold = null;
  const frames = new OncePerFrame((event) => act(event));
  signal.addEventListener("abort", () => {
    clearTimeout(hold);
    frames.drop();
  }, { once: true });

  element.addEventListener("pointerdown", (event) => {
    const place = [event.clientX, event.clientY];
    element.setPointerCapture(event.pointerId);
    down.set(event.pointerId, { begun: place, done: place, now: place });
    if (down.size > 1) beginPinch();
    else if (event.pointerType === "touch") beginTouch(event);
    else begin(event.button === 1 || event.button === 2 || event.shiftKey ? "pan" : "drag", event);
  });
  element.addEventListener(MOVED, (event) => {
    const pointer = down.get(event.pointerId);
    if (pointer) pointer.now = [event.clientX, event.clientY];
    if (pointer || event.pointerType !== "touch") frames.push(event);
  });
  element.addEventListener("pointerup", (event) => {
    const pointer = down.get(event.pointerId);
    if (!letGo(event.pointerId)) return;
    const now = [event.clientX, event.clientY];
    const clicked = distance(pointer.begun, now) < (CLICK[event.pointerType] ?? CLICK.touch) && doing !== "held";
    if (doing === "drag" || doing === "held" || (doing === "wait" && clicked)) on.drop(local(element, now), event, clicked);
    doing = "";
  });
  element.addEventListener("pointercancel", ({ pointerId }) => {
    if (!letGo(pointerId)) return;
    if (doing === "drag" || doing === "held") on.cancel(); // the system took the finger away: nothing was meant
    doing = "";
  });
  element.addEventListener("pointerleave", () => {
    if (down.size > 0) return;
    frames.drop();
    on.leave();
  });
  element.addEventListener("contextmenu", (event) => event.preventDefault());
  element.addEventListener("touchmove", (event) => doing !== "wait" && event.cancelable && event.preventDefault(), { passive: false });
  element.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape" || (doing !== "drag" && doing !== "held")) return;
    doing = "over";
    on.cancel();
  });

  function begin(what, event) {
    doing = what;
    if (what !== "pan") on.drag(local(element, [event.clientX, event.clientY]), event);
  }

  function beginTouch(event) {
    doing = "wait";
    hold = setTimeout(() => begin("held", event), HOLD);
  }

  /** The first finger was a drag until the second one came: what it previewed is not meant. */
  function beginPinch() {
    clearTimeout(hold);
    if (doing === "drag" || doing === "held") on.cancel();
    doing = "pinch";
    for (const pointer of down.values()) pointer.done = pointer.now;
  }

  /** Whether this was the last one that was down. */
  function letGo(id) {
    clearTimeout(hold);
    frames.drop();
    return down.delete(id) && down.size === 0;
  }

  function act(event) {
    const pointer = down.get(event.pointerId);
    if (pointer === undefined) {
      if (down.size === 0) on.hover(local(element, [event.clientX, event.clientY]), event);
      return;
    }
    const [dx, dy] = [0, 1].map((i) => pointer.now[i] - pointer.done[i]);
    if (doing === "wait") return waiting(pointer, event);
    if (doing === "pinch") pinch();
    if (doing === "pan") on.pan(dx, dy);
    if (doing === "drag" || doing === "held") on.drag(local(element, pointer.now), event);
    pointer.done = pointer.now;
  }

  function waiting({ begun, now }, event) {
    const [dx, dy] = [0, 1].map((i) => Math.abs(now[i] - begun[i]));
    if (Math.max(dx, dy) > SIDEWAYS) clearTimeout(hold);
    if (dx > SIDEWAYS && dx > dy) begin("drag", event);
  }

  function pinch() {
    if (down.size !== 2) return;
    const [one, other] = [...down.values()];
    const middle = (when) => [0, 1].map((i) => (one[when][i] + other[when][i]) / 2);
    const [before, now] = [middle("done"), middle("now")];
    const spread = distance(one.done, other.done);
    on.pan(now[0] - before[0], now[1] - before[1]);
    if (spread > 0) on.zoom(local(element, now), distance(one.now, other.now) / spread);
    one.done = one.now;
    other.done = other.now;
  }
}

function distance(one, other) {
  return Math.hypot(one[0] - other[0], one[1] - other[1]);
}

function wheel(element, on) {
  element.addEventListener("wheel", (event) => {
    event.preventDefault();
    on.zoom(local(element, [event.clientX, event.clientY]), Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0015)));
  }, { passive: false });
}

/** Safari tells of two fingers on a trackpad by events of its own. On a touch screen it sends them too, beside the pointers. */
function trackpadPinch(element, on) {
  let touched = 0;
  let scale = 1;
  element.addEventListener("touchstart", ({ touches }) => (touched = touches.length), { passive: true });
  element.addEventListener("touchend", ({ touches }) => (touched = touches.length));
  element.addEventListener("touchcancel", ({ touches }) => (touched = touches.length));
  element.addEventListener("gesturestart", (event) => {
    event.preventDefault();
    scale = event.scale;
  });
  element.addEventListener("gesturechange", (event) => {
    event.preventDefault();
    if (touched === 0 && scale > 0) on.zoom(local(element, [event.clientX, event.clientY]), event.scale / scale);
    scale = event.scale;
  });
  element.addEventListener("gestureend", (event) => event.preventDefault());
}

function keys(element, on) {
  let stepped = false; // a step is committed when its key is released, and only then
  const end = () => {
    if (stepped) on.stepped();
    stepped = false;
  };
  element.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const middle = [element.clientWidth / 2, element.clientHeight / 2];
    if (event.key in KEYS) {
      stepped = true;
      on.step(...KEYS[event.key], event.shiftKey, event);
    } else if (event.key === "Enter") on.take(event);
    else if (event.key === "+" || event.key === "=") on.zoom(middle, 1.25);
    else if (event.key === "-") on.zoom(middle, 0.8);
    else if (event.key === "0") on.fit();
    else return;
    event.preventDefault();
  });
  element.addEventListener("keyup", (event) => event.key in KEYS && end());
  element.addEventListener("blur", end);
}

// A pointer tells of many movements between two frames. The first is acted on at once, so that its picture is asked for early;
// of those that follow only the newest, in the next frame.
export class OncePerFrame {
  #act;
  #newest = null;
  #frame = null;

  constructor(act) {
    this.#act = act;
  }

  push(what) {
    this.#newest = what;
    if (this.#frame === null) this.#next();
  }

  /** What waits is not acted on any more. */
  drop() {
    this.#newest = null;
  }

  #next() {
    const what = this.#newest;
    this.#newest = null;
    this.#frame = what === null ? null : requestAnimationFrame(() => this.#next());
    if (what !== null) this.#act(what);
  }
}
