// Keeps `?model=NAME&z=...` in step with what is committed, without a trail of entries in the browser's history.

const OURS = ["model", "z", "hash", "plane", "background", "view", "pins", "off", "path", "samples", "compare"]; // what a link holds is read once, then it is old

/** The address of this model at this point; parameters of others stay. */
export function addressOf(href, model, z) {
  const url = new URL(href);
  const others = [...url.searchParams].filter(([key]) => !OURS.includes(key));
  const parts = others.map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`);
  const point = z.map((value) => String(Math.round(value * 10000) / 10000 || 0)).join(",");
  url.search = [`model=${encodeURIComponent(model)}`, `z=${point}`, ...parts].join("&"); // commas stay readable
  return url.href;
}

export function writeAddress(model, z) {
  const href = addressOf(window.location.href, model, z);
  if (href !== window.location.href) window.history.replaceState(window.history.state, "", href);
}
