// The buttons under the picture that go to another point: zero, a random one, a test image, undo, redo, A and B; and their keys.

import { button, h, smallButton } from "../elements.js";
import { normal } from "../format_numbers.js";
import { History } from "../state/undo.js";
import { Timer } from "../timers.js";

const SAID = 4000; // ms
const PRIOR = "A random point, drawn as the model assumes its data to be spread: from the prior N(0, I) (R)";
const UNIFORM = "A random point, drawn as the decoder was trained: each number evenly from −1 to 1 (R)";
const FITTED = "A random point, drawn from a Gaussian fitted to the codes of images: an autoencoder has no prior (R)";

export class Controls {
  #explorer;
  #history = new History();
  #said = h("p.lw-toast", { role: "status", hidden: "" });
  #timer;
  #testImage;
  #random;
  #undo = smallButton("↶", "Undo (Ctrl+Z)", () => this.#go(this.#history.undo()));
  #redo = smallButton("↷", "Redo (Ctrl+Y)", () => this.#go(this.#history.redo()));
  #swap = smallButton("A/B", "Remember this picture as A, move on to B, and go to and fro between the two (B)", () => this.#change());

  constructor(explorer) {
    this.#explorer = explorer;
    this.#timer = new Timer(() => (this.#said.hidden = true), explorer.signal);
    const reset = (event) => explorer.goTo(explorer.store.held.map(() => 0), event.timeStamp);
    const random = (event) => explorer.goTo(explorer.store.held.map(() => (explorer.model.data.uniform ? 2 * Math.random() - 1 : normal())), event.timeStamp);
    this.#random = button("Random", PRIOR, random);
    const testImage = () => explorer.model.data.encodes && explorer.ask("test_image");
    this.#testImage = button("Test image", "Encode an image that the model has never seen in training, and show how it decodes (T)", testImage);
    this.elements = {
      buttons: [
        button("Reset", "All dimensions to zero: the middle of the latent space, an average of everything and therefore blurred (O)", reset),
        this.#random,
        this.#testImage,
      ],
      tools: [this.#undo, this.#redo, this.#swap],
      over: this.#said,
    };
    this.keys = [
      { key: "Ctrl+Z", words: "Undo", run: () => this.#go(this.#history.undo()) },
      { key: "Ctrl+Y", words: "Redo", run: () => this.#go(this.#history.redo()) },
      { key: "Ctrl+Shift+Z", run: () => this.#go(this.#history.redo()) },
      { key: "B", words: "Remember this picture as A, then go to and fro between A and where you are", run: () => this.#change() },
      { key: "R", words: "A random picture: a draw from the prior, or from what is fitted to an autoencoder's codes", run: random },
      { key: "T", words: "A random test image", run: testImage },
      { key: "O", words: "All dimensions to zero", run: reset },
    ];
    this.#show();
  }

  open({ again, data }) {
    this.#random.title = data.uniform ? UNIFORM : data.prior ? PRIOR : FITTED;
    this.#testImage.hidden = !data.encodes; // there is nothing to encode it with
    if (!again) this.#history.clear();
    this.#show();
  }

  committed({ committed }) {
    this.#history.add(committed);
    this.#show();
  }

  /** A sentence over the page that goes away by itself. */
  say(words) {
    this.#said.textContent = words;
    this.#said.hidden = false;
    this.#timer.set(SAID);
  }

  #go(place) {
    if (place) this.#explorer.jump(place.z, performance.now(), place.posterior);
    this.#show();
  }

  #change() {
    const { held, committed } = this.#explorer.store;
    const there = this.#history.swap({ z: held, posterior: committed.posterior });
    if (there?.z.length === held.length) this.#go(there);
    this.#show();
  }

  #show() {
    this.#undo.disabled = !this.#history.canUndo;
    this.#redo.disabled = !this.#history.canRedo;
    this.#swap.setAttribute("aria-pressed", String(this.#history.hasOther));
  }
}
