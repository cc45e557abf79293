// The cards of the component and where the elements of its parts go on them.

import { h } from "./elements.js";

/** parts: each with `elements`, {place: element or list of elements}, of these places: "rail heading", "rail", "picture heading",
 *  "picture", "buttons", "tools", "status", "under the picture", "map heading", "map", "below" (all cards), "over" (the page).
 *  Returns what is to be put on the page: the cards, and what is below them. */
export function buildLayout(parts) {
  const at = (place) => parts.flatMap(({ elements }) => elements?.[place] ?? []);
  const explorer = h("div.lw-explorer", {},
    h("section.lw-card.lw-rail-card", { "aria-label": "Latent dimensions" },
      heading("Latent dimensions", "The numbers that the decoder draws from, one in each row", links(at("rail heading"))),
      ...at("rail")),
    h("section.lw-card.lw-picture-card", { "aria-label": "Decoded" },
      heading("Decoded", "What the decoder, a neural network, draws at the numbers of the sliders", links(at("picture heading"))),
      ...at("picture"),
      h("div.lw-under", {}, h("div.lw-controls", {}, ...at("buttons")), h("div.lw-controls.lw-tools-row", {}, ...at("tools")), ...at("status")),
      ...at("under the picture")),
    h("section.lw-card.lw-map-card", { "aria-label": "Map" },
      heading("Map", "A flat slice through the latent space; every place on it is a picture", ...at("map heading")),
      ...at("map")),
    ...at("over"));
  return [explorer, ...at("below")];
}

function heading(title, words, ...aside) {
  return h("h2.lw-heading", {}, h("span", { title: words }, title), ...aside);
}

function links(elements) {
  return h("span.lw-muted", {}, ...elements.map((element, i) => (i === 0 ? element : h("span", {}, " · ", element))));
}
