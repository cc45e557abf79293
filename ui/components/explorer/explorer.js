// One explorer on the page: where it stands (z), what it has asked for, and how its parts hear of each other.

import { Address } from "./state/address_bar.js";
import { Around } from "./around.js";
import { Comparison } from "./compare/comparison.js";
import { Decoder } from "./picture/picture.js";
import { Hand } from "./rail/hand.js";
import { Holds } from "./state/locked_dimensions.js";
import { Motions } from "./rail/motions.js";
import { pictureUrl } from "./renderer/pixels.js";
import { Rail } from "./rail/sliders.js";
import { normal, rounded } from "./numbers.js";
import { RowMenu } from "./rail/row_menu.js";
import { Session } from "./state/page_messages.js";
import { readLink } from "./share/link.js";
import { liveUrl } from "./connection/picture_connection.js";
import { Tools } from "./picture/controls.js";
import { Traversal } from "./picture/traversal.js";
import { Tray } from "./pins_and_paths/tray.js";
import { buildView } from "./layout.js";

export class Explorer {
  #view;
  #decoder;
  #address = new Address();
  #rail = null;
  #around;
  #tools;
  #tray;
  #comparison = new Comparison({
    chosen: (compared) => this.#session.compare(compared),
    sameImage: (compared) => this.#ask("same_image", { compared }),
    refresh: () => this.#ask("refresh"),
  });
  #opened = false; // a link counts once, for the model it opens
  #focused = null; // what last had the focus
  #hand = new Hand();
  #motions = new Motions({
    step: (index, value, now) => {
      this.#z[index] = value;
      this.#rail.showSections(this.#z);
      this.#request(now);
      this.#around.moved(this.#z, index);
    },
    changed: () => this.#showMotions(),
  });
  #holds = new Holds();
  #menu = new RowMenu({ choose: (what, index) => this.#hold(what, index) });
  #traversal = new Traversal({ goTo: (z) => this.#goTo(z.map(rounded), performance.now(), null) });
  #session;
  #data = null; // what the page last sent
  #arrived = window.location.href; // with what a link asks for; the address itself only keeps the model and z
  #z = [];
  #posterior = null;

  constructor(parent) {
    this.#around = new Around({
      peek: (z, start) => {
        this.#tray.stop();
        this.#decoder.request(z, start);
      },
      preview: (z, start) => {
        this.#tray.stop();
        this.#preview(z, start);
      },
      restore: () => {
        this.#rail.show(this.#z);
        this.#request();
      },
      commit: (z, start) => this.#goTo(this.#holds.keep(this.#z, z.map(rounded)), start, null),
      slide: (z, start) => this.#slide(z, start),
      release: () => this.#commit(),
    });
    const on = {
      reset: (event) => this.#goTo(this.#holds.keep(this.#z, this.#z.map(() => 0)), event.timeStamp, null),
      random: (event) => this.#goTo(this.#holds.keep(this.#z, this.#z.map(() => rounded(normal()))), event.timeStamp, null),
      testImage: () => this.#ask("test_image"),
      animate: () => this.#toggleAnimation(),
      clearBand: () => this.#clearBand(),
      pin: () => this.#tray.pin(),
    };
    this.#tray = new Tray({
      place: () => ({ z: [...this.#z], label: this.#posterior?.label ?? "point" }),
      preview: (z, start) => this.#preview(z, start),
      goTo: (z, start) => this.#goTo(z.map(rounded), start, null),
      playing: () => this.#motions.stop(),
      changed: () => this.#keepPins(),
      map: this.#around.map,
    });
    this.#tools = new Tools({
      ...on,
      reset: () => on.reset(new Event("key")),
      random: () => on.random(new Event("key")),
      place: () => ({ z: [...this.#z], posterior: this.#posterior }),
      goTo: ({ z, posterior }) => z.length === this.#z.length && this.#goTo([...z], performance.now(), posterior),
      buttons: [this.#comparison.button],
      state: () => this.#linkState(),
      picture: (z) => this.#pictureOf(z),
      remembered: (place) => this.#view.describe(place),
      present: () => this.#view.presenting.toggle(),
      more: [
        { key: "P", words: "Pin this point: keep it below, as a stop of a path", run: on.pin },
        { key: "C", words: "Compare with another model", run: () => this.#comparison.show() },
        { key: "V", words: "Traversal: a row of pictures for every dimension", run: () => this.#showTraversal() },
      ],
    });
    on.traversal = () => this.#showTraversal();
    this.#view = buildView(on, this.#around, this.#tools);
    this.#view.root.append(this.#menu.element, this.#traversal.sheet, this.#comparison.sheet);
    this.#session = new Session(this.#view.root);
    this.#hand.watch(this.#view.rail);
    this.#decoder = new Decoder(this.#view, {
      painted: (z, reply) => this.#comparison.follow(z, reply),
      refused: () => this.#ask("refresh"), // the model is gone or has another size: the page has to say it
    });
    this.#comparison.mount(this.#view.canvas.parentElement);
    parent.append(this.#view.root, this.#tray.element);
    for (const part of [this.#view.root, this.#tray.element]) part.addEventListener("focusin", ({ target }) => (this.#focused = target));
  }

  /** What the page knows now: called on every Streamlit run, and again whenever the theme changes. Newer weights, which bring other
   *  sliders, wait until a slider in the hand is let go. */
  update(data, setStateValue) {
    if (this.#hand.down && this.#data?.model === data.model && this.#data.version !== data.version) {
      this.#hand.later = () => this.update(data, setStateValue);
      return;
    }
    const last = this.#data;
    this.#data = data;
    this.#session.update(data, setStateValue);
    this.#comparison.update(data);
    if (last === null || !this.#decoder.opened || differs(last, data)) this.#openModel(data);
    else {
      if (last.version !== data.version) this.#renewModel(data);
      if (last.session !== data.session) this.#comeBack(data);
      else if (data.revision > last.revision) this.#adopt(data);
      if (data.pinsRevision > last.pinsRevision) this.#tray.adopt(data.pins ?? []);
      this.#tray.repaint();
    }
    if (this.#decoder.silent) this.#decoder.paintSent(data, this.#z);
    this.#view.message.textContent = data.message ?? "";
    this.#view.message.hidden = !data.message;
  }

  /** Another place on the page, as it is; what had the focus gets it back. */
  moveTo(parent) {
    const focused = this.#focused;
    parent.className = this.#view.root.parentElement?.className ?? parent.className; // says what is unfolded
    const parts = [this.#view.root, this.#tray.element];
    const dialogs = parts.flatMap((part) => [...part.querySelectorAll("dialog[open]")]);
    parent.append(...parts);
    for (const dialog of dialogs) {
      dialog.close(); // out of the document it has left the screen, though it still says that it is open
      dialog.showModal();
    }
    if (document.activeElement === document.body || dialogs.some((dialog) => dialog.contains(focused))) focused?.focus();
    this.#address.write(this.#data.model, this.#z); // on the way from another page Streamlit has written its own
  }

  destroy() {
    this.#motions.stop();
    this.#address.close();
    this.#hand.close();
    this.#menu.close();
    this.#view.close();
    this.#session.close();
    this.#decoder.close();
    this.#rail.close();
    this.#around.destroy();
    this.#comparison.close();
    this.#tools.destroy();
    this.#tray.close();
    this.#tray.element.remove();
    this.#view.root.remove();
  }

  #openModel(data) {
    this.#motions.stop();
    this.#holds = new Holds();
    this.#buildRail(data);
    this.#decoder.open(data.model, data.z.length);
    this.#tools.openModel(data.model);
    this.#adopt(data);
    this.#decoder.paintSent(data, this.#z);
    const link = this.#opened ? {} : readLink(this.#arrived, data.z.length);
    this.#opened = true;
    this.#openAround(data, link);
    this.#openTray(data, link);
  }

  /** The same model after more training: other ranges, other KL, another picture of the same point. */
  #renewModel(data) {
    const { index } = this.#rail.current;
    const focused = document.activeElement === this.#rail.current.input;
    this.#buildRail(data);
    this.#rail.showBand(this.#posterior);
    this.#rail.show(this.#z);
    this.#rail.showHolds(this.#holds);
    this.#rail.select(index);
    if (focused) this.#rail.current.input.focus();
    this.#request();
    this.#openAround(data, this.#around.map.linkState());
    this.#tray.refresh();
  }

  #openAround(data, link) {
    this.#around.open(liveUrl(data.model).href, data, this.#rail, (words) => this.#noMap(words), link);
  }

  /** The pins that the session keeps of this model; on a page just opened by a link, those of the link. */
  #openTray({ model, pins }, link) {
    const linked = link.pins ?? [];
    this.#tray.open(liveUrl(model).href, model, pins ?? linked, link);
    if (pins === null && linked.length > 0) this.#keepPins();
  }

  #keepPins() {
    this.#session.keepPins(this.#tray.rows);
    this.#view.guide.pinned(this.#tray.rows.length);
  }

  #buildRail(data) {
    this.#rail?.close();
    this.#rail = new Rail(data.dimensions, {
      input: (index, value, start) => this.#move(index, value, start),
      release: () => this.#commit(),
      focus: () => this.#showMotions(),
      unfold: () => this.#around.redraw(),
      menu: (index, anchor) => this.#openMenu(index, anchor),
    });
    this.#view.rail.replaceChildren(this.#rail.element);
    this.#showMotions();
  }

  #noMap(words) {
    this.#view.mapNote.textContent = words;
    this.#view.mapNote.hidden = words === "";
  }

  /** Takes over the point the page committed on its own (Encode, test image, another model). */
  #adopt(data) {
    this.#motions.stop();
    this.#z = [...data.z];
    this.#holds.release();
    this.#rail.showHolds(this.#holds);
    this.#posterior = data.posterior;
    this.#rail.showBand(data.posterior);
    this.#rail.show(this.#z);
    this.#showNote();
    this.#request();
    this.#around.settled(this.#z, this.#posterior);
    this.#tools.remember({ z: this.#z, posterior: this.#posterior });
    this.#tray.standing(this.#z);
    this.#address.write(data.model, this.#z);
  }

  #linkState() {
    const { model, hash, file } = this.#data;
    return { model, hash, file, z: this.#z, compare: this.#comparison.shown, ...this.#tray.linkState(), ...this.#around.map.linkState() };
  }

  /** Shows another point for the moment: one walks over the map. */
  #preview(z, start = null) {
    this.#decoder.request(z, start);
    if (start === null) this.#rail.show(z);
    else this.#rail.follow(z);
    this.#around.moved(z, null);
  }

  /** The server has forgotten this session (it was restarted): what is on the screen is the truth. */
  #comeBack(data) {
    if (JSON.stringify(data.z) !== JSON.stringify(this.#z) || this.#posterior !== null) this.#commit();
    if (this.#tray.rows.length > 0) this.#keepPins();
  }

  #move(index, value, start) {
    if (this.#motions.has(index)) this.#motions.stop(index);
    this.#z = this.#tray.stop() ?? this.#z;
    this.#z[index] = value;
    this.#rail.showSections(this.#z);
    this.#request(start);
    this.#around.moved(this.#z, index);
  }

  /** z moves along a direction; dimensions that are held stay. */
  #slide(z, start) {
    this.#tray.stop();
    this.#z = this.#holds.keep(this.#z, z.map(rounded));
    this.#rail.show(this.#z);
    this.#request(start);
    this.#around.moved(this.#z, null);
  }

  #openMenu(index, anchor) {
    const { locked, muted } = this.#holds.state(index);
    this.#menu.open(index, anchor, { lock: locked, mute: muted, solo: this.#holds.isSolo(index, this.#z.length), animate: this.#motions.has(index) });
  }

  #hold(what, index) {
    if (what === "animate") {
      this.#toggleAnimation(index);
      return;
    }
    const holds = this.#holds;
    if (what === "lock") holds.lock(index, !holds.isLocked(index));
    if (what === "mute") this.#z = holds.mute(this.#z, index, !holds.isMuted(index));
    if (what === "solo") this.#z = holds.solo(this.#z, index, !holds.isSolo(index, this.#z.length));
    this.#rail.showHolds(holds);
    if (what !== "lock") this.#goTo(this.#z, performance.now(), this.#posterior);
  }

  #showTraversal() {
    this.#traversal.open(this.#around.asides);
    this.#traversal.show(this.#z, this.#rail.active.length > 0 ? this.#rail.active : this.#rail.dimensions);
  }

  #goTo(z, start, posterior) {
    this.#motions.stop();
    this.#tray.stop();
    this.#z = z;
    this.#posterior = posterior;
    this.#rail.showBand(posterior);
    this.#rail.show(z);
    this.#showNote();
    this.#request(start);
    this.#commit();
  }

  #request(start = null) {
    this.#decoder.request(this.#z, start);
  }

  /** Tells Streamlit where the person stands; while the socket is away its answer brings the picture too. */
  #commit() {
    this.#around.settled(this.#z, this.#posterior);
    this.#tools.remember({ z: this.#z, posterior: this.#posterior });
    this.#tray.standing(this.#z);
    this.#session.commit(this.#z, this.#posterior);
    this.#address.write(this.#data.model, this.#z);
  }

  #ask(what, more = {}) {
    this.#motions.stop();
    this.#session.ask(what, more);
  }

  #clearBand() {
    this.#posterior = null;
    this.#rail.showBand(null);
    this.#showNote();
    this.#commit();
  }

  /** The picture of a point as a data URL, whatever is previewed at the moment; null when the server does not answer. */
  async #pictureOf(z) {
    const picture = this.#decoder.pictureOf(z) ?? (await this.#around.asides?.pictures("snapshot", [z], 0))?.[0];
    return picture ? pictureUrl(picture) : null;
  }

  #showNote() {
    this.#view.showNote(this.#posterior, this.#data.model);
  }

  /** The dimension's own animation on or off; without one, the highlighted slider's, or all of them off. */
  #toggleAnimation(index = null) {
    if (index === null ? this.#motions.any : this.#motions.has(index)) {
      this.#motions.stop(index);
      this.#commit();
      return;
    }
    const slider = index === null ? this.#rail.current : this.#rail.slider(index);
    const { locked, muted } = this.#holds.state(slider.index);
    if (locked || muted) return;
    this.#z = this.#tray.stop() ?? this.#z;
    this.#motions.start(slider, this.#z[slider.index]);
  }

  #showMotions() {
    if (!this.#rail) return;
    this.#view.animate.setAttribute("aria-pressed", String(this.#motions.any));
    this.#view.animate.textContent = this.#motions.words(this.#rail.current.index);
  }
}

/** Whether these are two different latent spaces. */
function differs(last, data) {
  return last.model !== data.model || last.shape !== data.shape || last.dimensions.length !== data.dimensions.length;
}
