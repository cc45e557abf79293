// The component's elements and their words; knows nothing of sockets or Streamlit.

import { h } from "./elements.js";
import { Guide } from "./help/guide.js";
import { mapUrl } from "./connection/encoded_images.js";
import { Presenting } from "./picture/present.js";
import { shown } from "./numbers.js";

const MOST_NAMED = 16; // values of z that a description lists

/** Everything but the rail, which is built anew for each model. on: {reset, random, testImage, pin, animate, clearBand, traversal}; around: Around; tools: Tools */
export function buildView(on, around, tools) {
  const button = (label, words, click) => h("button.lw-button", { type: "button", title: words, onclick: click }, label);
  const animate = button("Animate", "Move the highlighted dimension to and fro (A); again to stop", on.animate);
  animate.setAttribute("aria-pressed", "false");
  animate.classList.add("lw-animate");
  const pin = button("Pin", "Keep this picture in the line below; two pins make a path (P)", on.pin);
  pin.classList.add("lw-pin-here");
  const view = {
    rail: h("div.lw-rail-place"),
    canvas: h("canvas.lw-canvas", { "data-testid": "decoded", role: "img", "aria-label": "decoded picture", width: 28, height: 28 }),
    readout: h("span", { "data-testid": "readout" }),
    status: h("span.lw-status", { role: "status", "data-testid": "live-status", "data-state": "connecting" }, "connecting"),
    message: h("p.lw-message", { role: "alert", hidden: "" }),
    mapNote: h("p.lw-muted.lw-map-note", { role: "status", hidden: "" }),
    stage: h("div.lw-stage"),
    animate,
    guide: new Guide(),
    ...buildNote(on.clearBand),
    describe: (place) => view.canvas.setAttribute("aria-label", pictureWords(place)),
  };
  const controls = h(
    "div.lw-controls",
    {},
    button("Reset", "All dimensions to zero: the middle of the latent space, an average of everything and therefore blurred (O)", on.reset),
    button("Random", "A random point, drawn as the model assumes its data to be spread: from the prior N(0, I) (R)", on.random),
    button("Test image", "Encode an image that the model has never seen in training, and show how it decodes (T)", on.testImage),
    pin,
    animate,
  );
  view.stage.append(view.canvas);
  view.presenting = new Presenting(view.stage);
  const speed = h("details.lw-speed", {}, h("summary", { title: "The connection to the server that draws the pictures; press for its speed" }, view.status),
    h("div.lw-pop", {}, view.readout, h("p.lw-muted", {}, "From a move of yours to its picture: p50 is the usual time, and 95 of 100 pictures are quicker than p95.")));
  view.root = h(
    "div.lw-explorer",
    {},
    h("section.lw-card.lw-rail-card", { "aria-label": "Latent dimensions" }, railHeading(on), view.rail),
    h(
      "section.lw-card.lw-picture-card",
      { "aria-label": "Decoded" },
      pictureHeading(view),
      view.stage,
      around.where.element,
      h("div.lw-under", {}, controls, tools.element, speed),
      around.nearest.element,
      view.note,
      view.message,
    ),
    h(
      "section.lw-card.lw-map-card",
      { "aria-label": "Map" },
      heading("Map", "A flat slice through the latent space; every place on it is a picture", around.map.toolbar.head),
      around.map.element,
      around.map.under,
      view.mapNote,
    ),
    ...tools.sheets,
  );
  view.guide.mount(view.root);
  view.close = () => {
    view.guide.close();
    view.presenting.close();
  };
  return view;
}

function railHeading(on) {
  const order = h("span", { title: "The order of the rows: by KL, how much a dimension tells about an image, in nats; its bar is on the right" }, "most informative first");
  const traversal = h("button.lw-link", { type: "button", title: "Every dimension as a row of pictures, side by side (V)", onclick: () => on.traversal() }, "traversal");
  return heading("Latent dimensions", "The numbers that the decoder draws from, one in each row", h("span.lw-muted", {}, order, " · ", traversal));
}

function pictureHeading({ guide, presenting }) {
  const link = (label, words, run) => h("button.lw-link", { type: "button", title: words, onclick: run }, label);
  return heading("Decoded", "What the decoder, a neural network, draws at the numbers of the sliders", h("span.lw-muted", {},
    link("guide", "Three moves to begin with", () => guide.show()), " · ",
    link("present", "The picture alone, as large as the window (F)", () => presenting.toggle())));
}

function heading(title, words, ...aside) {
  return h("h2.lw-heading", {}, h("span", { title: words }, title), ...aside);
}

/** What is said of the image whose code this is: {note, showNote(posterior, model)}. */
function buildNote(clear) {
  const real = h("img.lw-real", { alt: "", hidden: "", onerror: () => (real.hidden = true), title: "The image itself, beside what the model makes of it" });
  const words = h("span.lw-muted", { title: "The encoder answers with a range for each dimension; a narrow band means that it is sure" });
  const note = h("div.lw-note", { hidden: "" }, real, words, h("button.lw-link", { type: "button", title: "Take the blue band off the sliders", onclick: clear }, "remove"));
  function showNote(posterior, model) {
    note.hidden = posterior === null;
    if (posterior === null) return;
    words.textContent = `blue band: how sure the encoder is about ${posterior.label ?? "your image"}`;
    const index = posterior.index ?? null;
    real.hidden = index === null;
    if (index === null) return;
    real.alt = `the real ${posterior.label}`;
    const url = mapUrl("map/image", { model, index });
    if (real.src !== String(url)) real.src = url;
  }
  return { note, showNote };
}

/** What the decoded picture is, for who does not see it. */
export function pictureWords({ z, posterior }) {
  const values = z.slice(0, MOST_NAMED).map(shown).join(", ");
  const rest = z.length > MOST_NAMED ? ` and ${z.length - MOST_NAMED} more` : "";
  const from = posterior?.label ? `, ${posterior.label}` : "";
  return `decoded picture at z = ${values}${rest}${from}`;
}

/** The figures behind the status line. */
export function readoutWords(figures) {
  if (figures === null) return "";
  const ms = (value) => (value < 10 ? value.toFixed(1) : value.toFixed(0));
  return `${figures.rate} ${figures.rate === 1 ? "picture" : "pictures"}/s · p50 ${ms(figures.p50)} · p95 ${ms(figures.p95)} ms`;
}
