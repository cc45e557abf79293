// The decoded picture: asks the server for it, paints it, and says how the connection stands.

import { fromBase64, Picture } from "../renderer/pixels.js";
import { Readout } from "./readout.js";
import { LiveSocket, liveUrl } from "../connection/picture_connection.js";

export class Decoder {
  #view;
  #on;
  #picture;
  #readout;
  #socket = null;
  #shown = null; // {z, reply}: what is on the canvas

  /** on: {painted(z, reply), refused()}; view: see buildView */
  constructor(view, on) {
    this.#view = view;
    this.#on = on;
    this.#picture = new Picture(view.canvas);
    this.#readout = new Readout(view.readout);
  }

  /** Whether there is a model to ask. */
  get opened() {
    return this.#socket !== null;
  }

  /** Whether the page has to bring the pictures: nobody answers, or nobody has yet. */
  get silent() {
    return !this.#socket?.open || this.#picture.painted === 0;
  }

  open(model, latentDim) {
    this.#socket?.close();
    this.#setStatus("connecting", "connecting");
    this.#socket = new LiveSocket(liveUrl(model).href, latentDim, {
      hello: ({ device }, refusing) => this.#setStatus("live", refusing ? "live · this point could not be drawn; move on" : `live · decoded on ${device}`),
      picture: (reply, start, z) => this.#paint(reply, start, z),
      offline: () => this.#setStatus("offline", "offline · reconnecting"),
      refused: () => {
        this.#socket = null;
        this.#on.refused();
      },
    });
  }

  /** `start`: the timeStamp of the input event that asks; without one the answer is painted but tells nothing of latency. */
  request(z, start = null) {
    this.#socket?.request(z, { at: start ?? performance.now(), input: start !== null });
  }

  /** The picture that came with the page's data, if it is the picture of this point. */
  paintSent({ picture, shape }, z) {
    if (!picture || JSON.stringify(picture.z) !== JSON.stringify(z)) return;
    const [height, width, channels] = shape.split("x").map(Number);
    const reply = { height, width, channels, pixels: fromBase64(picture.pixels) };
    this.#picture.paint(reply);
    this.#shown = { z: [...z], reply };
  }

  /** The picture of z, if that is what is on the canvas: {height, width, channels, pixels}; else null. */
  pictureOf(z) {
    const here = this.#shown?.z.length === z.length && this.#shown.z.every((value, i) => Math.fround(value) === Math.fround(z[i]));
    return here ? this.#shown.reply : null;
  }

  close() {
    this.#readout.close();
    this.#socket?.close();
    this.#socket = null;
  }

  #paint(reply, start, z) {
    this.#picture.paint(reply);
    this.#shown = { z, reply };
    this.#readout.painted(start);
    this.#on.painted(z, reply);
  }

  #setStatus(state, words) {
    this.#view.status.dataset.state = state;
    this.#view.status.textContent = words;
  }
}
