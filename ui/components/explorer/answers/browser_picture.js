// The large picture drawn in the page: one at a time, newest wins, as connection/picture_connection.js does over the socket.

import { within } from "../timers.js";

export class BrowserPicture {
  open = false; // whether there is a decoder
  #life;
  #on;
  #decoder = null;
  #wanted = null; // {z, start}: the newest point not yet drawn
  #drawing = false;

  /** model: a BrowserModel; on: {picture(answer, start, z), hello({device, milliseconds}, refusing), offline(words)} */
  constructor(model, on, signal) {
    this.#life = within(signal);
    this.#on = on;
    model.hold(this.#life.signal);
    this.#start(model);
  }

  /** Asks for the picture of z; `start` says what caused it and comes back with the picture. */
  request(z, start) {
    this.#wanted = { z: Float32Array.from(z), start };
    this.#draw();
  }

  close() {
    this.open = false;
    this.#life.abort();
  }

  async #start(model) {
    try {
      this.#decoder = await model.decoder();
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (this.#life.signal.aborted) return;
    this.open = true;
    this.#on.hello({ device: "this machine", milliseconds: this.#decoder.milliseconds }, false);
    this.#draw();
  }

  async #draw() {
    if (!this.open || this.#drawing) return;
    this.#drawing = true;
    while (this.open && this.#wanted !== null) {
      const { z, start } = this.#wanted;
      this.#wanted = null;
      try {
        const [answer] = await this.#decoder.decode([z], { urgent: true });
        if (this.open) this.#on.picture(answer, start, z);
      } catch (error) {
        this.#fail(error);
      }
    }
    this.#drawing = false;
  }

  #fail(error) {
    this.open = false;
    if (!this.#life.signal.aborted) this.#on.offline(`no pictures here: ${error.message}`);
  }
}
