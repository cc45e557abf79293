// The component's elements and their words; knows nothing of sockets or Streamlit.

import { h } from "./dom.js";

/** Everything but the rail, which is built anew for each model. on: {reset, random, testImage, pin, animate, clearBand}; around: Around; tools: Tools */
export function buildView(on, around, tools) {
  const button = (label, words, click) => h("button.lw-button", { type: "button", title: words, onclick: click }, label);
  const animate = button("Animate", "Move the highlighted dimension to and fro (press again to stop)", on.animate);
  animate.setAttribute("aria-pressed", "false");
  const view = {
    rail: h("div.lw-rail-place"),
    canvas: h("canvas.lw-canvas", { "data-testid": "decoded", role: "img", "aria-label": "decoded picture", width: 28, height: 28 }),
    readout: h("span.lw-muted.lw-readout", { "data-testid": "readout" }),
    status: h("span.lw-status", { role: "status", "data-testid": "live-status", "data-state": "connecting" }, "connecting"),
    band: h("span.lw-muted"),
    clear: h("button.lw-link", { type: "button", onclick: on.clearBand }, "remove"),
    message: h("p.lw-message", { role: "alert", hidden: "" }),
    mapNote: h("p.lw-muted.lw-map-note", { role: "status", hidden: "" }),
    animate,
  };
  view.note = h("div.lw-note", { hidden: "" }, view.band, view.clear);
  const controls = h(
    "div.lw-controls",
    {},
    button("Reset", "Back to the origin, the middle of the prior", on.reset),
    button("Random", "A draw from the prior N(0, I)", on.random),
    button("Test image", "The code of a random test image, with its uncertainty drawn on the sliders", on.testImage),
    button("Pin", "Keep this point in the tray below (P)", on.pin),
    animate,
  );
  view.root = h(
    "div.lw-explorer",
    {},
    h("section.lw-card.lw-rail-card", { "aria-label": "Latent dimensions" }, heading("Latent dimensions", h("span.lw-muted", {}, h("button.lw-link", { type: "button", title: "Every dimension as a row of pictures (V)", onclick: () => on.traversal() }, "traversal"), " · by KL, nats")), view.rail),
    h(
      "section.lw-card.lw-picture-card",
      { "aria-label": "Decoded" },
      heading("Decoded", view.readout),
      h("div.lw-stage", {}, view.canvas),
      around.where.element,
      h("div.lw-under", {}, controls, tools.element, view.status),
      around.nearest.element,
      view.note,
      view.message,
    ),
    h(
      "section.lw-card.lw-map-card",
      { "aria-label": "Map" },
      heading("Map", around.map.toolbar.head),
      around.map.element,
      around.map.under,
      view.mapNote,
    ),
    ...tools.sheets,
  );
  return view;
}

function heading(title, ...aside) {
  return h("h2.lw-heading", {}, title, ...aside);
}

/** The small line of figures over the picture. */
export function readoutWords(figures) {
  if (figures === null) return "";
  const ms = (value) => (value < 10 ? value.toFixed(1) : value.toFixed(0));
  return `${figures.rate} ${figures.rate === 1 ? "picture" : "pictures"}/s · p50 ${ms(figures.p50)} · p95 ${ms(figures.p95)} ms`;
}
