// One explorer on the page: where it stands (z), what it has asked for, and what Streamlit knows of it.

import { writeAddress } from "./address.js";
import { Animation } from "./animation.js";
import { Meter } from "./meter.js";
import { fromBase64, Picture } from "./picture.js";
import { Rail } from "./rail.js";
import { normal, rounded } from "./ranges.js";
import { LiveSocket } from "./socket.js";
import { buildView, readoutWords } from "./view.js";

const READOUT_EVERY = 250; // ms: figures that change faster cannot be read
const MEASURES_KEPT = 5000; // performance entries kept for outside programs before the oldest batch is cleared

export class Explorer {
  #view;
  #picture;
  #rail = null;
  #socket = null;
  #meter = new Meter();
  #animation = new Animation();
  #streamlit = null; // {setStateValue, setTriggerValue} of the latest run
  #data = null; // what the page last sent
  #z = [];
  #posterior = null;
  #measures = 0;
  #readoutTimer = null;

  constructor(parent) {
    this.#view = buildView({
      reset: (event) => this.#goTo(this.#z.map(() => 0), event.timeStamp, null),
      random: (event) => this.#goTo(this.#z.map(() => rounded(normal())), event.timeStamp, null),
      testImage: () => this.#ask("test_image"),
      animate: () => this.#toggleAnimation(),
      clearBand: () => this.#clearBand(),
    });
    parent.append(this.#view.root);
    this.#picture = new Picture(this.#view.canvas);
  }

  /** What the page knows now: called on every Streamlit run, and again whenever the theme changes. */
  update(data, streamlit) {
    this.#streamlit = streamlit;
    const last = this.#data;
    this.#data = data;
    if (last === null || this.#socket === null || differs(last, data)) this.#openModel(data);
    else {
      if (last.version !== data.version) this.#renewModel(data);
      if (last.session !== data.session) this.#comeBack(data);
      else if (data.revision > last.revision) this.#adopt(data);
    }
    if (!this.#socket?.open || this.#picture.painted === 0) this.#paintSent(data);
    this.#view.message.textContent = data.message ?? "";
    this.#view.message.hidden = !data.message;
  }

  destroy() {
    this.#animation.stop();
    clearTimeout(this.#readoutTimer);
    this.#socket?.close();
    this.#view.root.remove();
  }

  #openModel(data) {
    this.#stopAnimation();
    this.#buildRail(data);
    this.#socket?.close();
    this.#socket = null;
    this.#adopt(data);
    this.#paintSent(data);
    this.#connect(data.model);
  }

  /** The same model after more training: other ranges, other KL, another picture of the same point. */
  #renewModel(data) {
    const { index } = this.#rail.current;
    const focused = document.activeElement === this.#rail.current.input;
    this.#buildRail(data);
    this.#rail.showBand(this.#posterior);
    this.#rail.show(this.#z);
    this.#rail.select(index);
    if (focused) this.#rail.current.input.focus();
    this.#request();
  }

  #buildRail(data) {
    this.#rail = new Rail(data.dimensions, {
      input: (index, value, start) => this.#move(index, value, start),
      release: () => this.#commit(),
      focus: (index) => this.#nameAnimation(index),
    });
    this.#view.rail.replaceChildren(this.#rail.element);
  }

  #connect(model) {
    const url = new URL(`live?model=${encodeURIComponent(model)}`, document.baseURI);
    url.protocol = url.protocol.replace("http", "ws");
    this.#setStatus("connecting", "connecting");
    this.#socket = new LiveSocket(url.href, {
      hello: ({ device }) => this.#connected(device),
      picture: (reply, start) => this.#paint(reply, start),
      offline: () => this.#setStatus("offline", "offline · reconnecting"),
      refused: () => {
        this.#socket = null;
        this.#ask("refresh"); // the model is gone or has another size: the page has to say it
      },
    });
  }

  #connected(device) {
    this.#setStatus("live", `live · decoded on ${device}`);
    this.#request();
  }

  /** Takes over the point the page committed on its own (Encode, test image, another model). */
  #adopt(data) {
    this.#stopAnimation();
    this.#z = [...data.z];
    this.#posterior = data.posterior;
    this.#rail.showBand(data.posterior);
    this.#rail.show(this.#z);
    this.#showNote();
    writeAddress(data.model, this.#z);
    this.#request();
  }

  /** The server has forgotten this session (it was restarted): what is on the screen is the truth. */
  #comeBack(data) {
    if (JSON.stringify(data.z) !== JSON.stringify(this.#z) || this.#posterior !== null) this.#commit();
  }

  #move(index, value, start) {
    if (this.#animation.running && this.#rail.current.index === index) this.#stopAnimation();
    this.#z[index] = value;
    this.#request(start);
  }

  #goTo(z, start, posterior) {
    this.#stopAnimation();
    this.#z = z;
    this.#posterior = posterior;
    this.#rail.showBand(posterior);
    this.#rail.show(z);
    this.#showNote();
    this.#request(start);
    this.#commit();
  }

  /** `start`: the timeStamp of the input event that asks; without one the answer is painted but tells nothing of latency. */
  #request(start = null) {
    this.#socket?.request(this.#z, { at: start ?? performance.now(), input: start !== null });
  }

  /** Tells Streamlit where the person stands; while the socket is away its answer brings the picture too. */
  #commit() {
    writeAddress(this.#data.model, this.#z);
    this.#streamlit.setStateValue("commit", { model: this.#data.model, z: [...this.#z], posterior: this.#posterior });
  }

  #ask(what) {
    this.#stopAnimation();
    this.#streamlit.setTriggerValue(what, { model: this.#data.model });
  }

  #clearBand() {
    this.#posterior = null;
    this.#rail.showBand(null);
    this.#showNote();
    this.#commit();
  }

  /** The picture that came with the page's data, if it is the picture of this point. */
  #paintSent({ picture, shape }) {
    if (!picture || JSON.stringify(picture.z) !== JSON.stringify(this.#z)) return;
    const [height, width, channels] = shape.split("x").map(Number);
    this.#picture.paint({ height, width, channels, pixels: fromBase64(picture.pixels) });
  }

  #paint(reply, start) {
    this.#picture.paint(reply);
    const end = performance.now();
    if (this.#measures++ % MEASURES_KEPT === MEASURES_KEPT - 1) performance.clearMeasures("drag-to-paint");
    performance.measure("drag-to-paint", { start: start.at, end });
    if (!start.input) return;
    this.#meter.add(start.at, end);
    this.#readoutTimer ??= setTimeout(() => this.#showReadout(), READOUT_EVERY);
  }

  #showReadout() {
    this.#readoutTimer = null;
    this.#view.readout.textContent = readoutWords(this.#meter.read());
  }

  #showNote() {
    this.#view.note.hidden = this.#posterior === null;
    this.#view.band.textContent = this.#posterior ? `band: one σ of q(z|x) of ${this.#posterior.label ?? "your image"}` : "";
  }

  #setStatus(state, words) {
    this.#view.status.dataset.state = state;
    this.#view.status.textContent = words;
  }

  #nameAnimation(index) {
    if (!this.#animation.running) this.#view.animate.textContent = `▶ Animate z${index}`;
  }

  #toggleAnimation() {
    if (this.#animation.running) {
      this.#stopAnimation();
      this.#commit();
      return;
    }
    const slider = this.#rail.current;
    this.#view.animate.textContent = `■ Stop z${slider.index}`;
    this.#view.animate.setAttribute("aria-pressed", "true");
    this.#animation.start(slider.range, this.#z[slider.index], (value, now) => {
      this.#z[slider.index] = rounded(value);
      slider.set(this.#z[slider.index]);
      this.#request(now);
    });
  }

  #stopAnimation() {
    if (!this.#animation.running) return;
    this.#animation.stop();
    this.#view.animate.setAttribute("aria-pressed", "false");
    this.#nameAnimation(this.#rail.current.index);
  }
}

/** Whether these are two different latent spaces. */
function differs(last, data) {
  return last.model !== data.model || last.shape !== data.shape || last.dimensions.length !== data.dimensions.length;
}
