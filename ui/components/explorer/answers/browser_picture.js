// The large picture drawn in the page: one at a time, newest wins, as connection/picture_connection.js does over the socket. As there, who
// is lost comes back: where the decoder cannot be opened, or its worker has died, it is tried again after growing pauses.

import { pause, within } from "../timers.js";

const FIRST_PAUSE = 1000; // ms before the second attempt; doubles up to the longest
const LONGEST_PAUSE = 30000;

export class BrowserPicture {
  open = false; // whether there is a decoder
  #life;
  #model;
  #on;
  #decoder = null;
  #wanted = null; // {z, start}: the newest point not yet drawn
  #drawing = false;
  #pause = FIRST_PAUSE;

  /** model: a BrowserModel; on: {picture(answer, start, z), hello({device, milliseconds}, refusing), offline(words)} */
  constructor(model, on, signal) {
    this.#life = within(signal);
    [this.#model, this.#on] = [model, on];
    model.hold(this.#life.signal);
    this.#start();
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

  async #start() {
    try {
      this.#decoder = await this.#model.decoder();
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
        this.#pause = FIRST_PAUSE;
        if (this.open) this.#on.picture(answer, start, z);
      } catch (error) {
        this.#wanted ??= { z, start };
        this.#fail(error);
      }
    }
    this.#drawing = false;
  }

  async #fail(error) {
    const { signal } = this.#life;
    this.open = false;
    if (signal.aborted) return;
    this.#on.offline(`no pictures here: ${error.message}`);
    await pause(this.#pause, signal);
    this.#pause = Math.min(LONGEST_PAUSE, 2 * this.#pause);
    if (!signal.aborted) this.#start();
  }
}
