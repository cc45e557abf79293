// What a person can hand to others: a link that restores what they see, and Python that draws the same picture.

/** Every part of a view that a link holds. state: {model, hash, z, plane, background, view: [a, b, scale], pins: [z, ...]} */
export function linkOf(href, state) {
  const url = new URL(href);
  const numbers = (values, digits = 4) => values.map((value) => String(Number(value.toFixed(digits)))).join(",");
  const parts = [`model=${encodeURIComponent(state.model)}`, `hash=${state.hash}`, `z=${numbers(state.z)}`];
  if (state.plane) parts.push(`plane=${encodeURIComponent(state.plane)}`);
  if (state.background) parts.push(`background=${encodeURIComponent(state.background)}`);
  if (state.view) parts.push(`view=${numbers(state.view, 9)}`);
  if (state.pins?.length > 0) parts.push(`pins=${state.pins.map((pin) => numbers(pin)).join(";")}`);
  url.search = parts.join("&");
  url.hash = "";
  return url.href;
}

/** The parts of a link that the page itself has to restore; null for what is absent or unusable. */
export function readLink(href, latentDim) {
  const { searchParams } = new URL(href);
  const list = (text) => text.split(",").map(Number);
  const fits = (z) => z.length === latentDim && z.every(Number.isFinite);
  const view = list(searchParams.get("view") ?? "");
  return {
    plane: searchParams.get("plane"),
    background: searchParams.get("background"),
    view: view.length === 3 && view.every(Number.isFinite) && view[2] > 0 ? view : null,
    pins: (searchParams.get("pins") ?? "").split(";").filter(Boolean).map(list).filter(fits),
  };
}

/** A few lines that draw exactly the picture on the screen. */
export function pythonOf({ file, hash, z }) {
  return [
    "from vae_core.latents import open_model",
    "",
    `model = open_model(${JSON.stringify(file)})  # sha256 ${hash}...`,
    `z = [[${z.map((value) => String(Number(value.toFixed(4)))).join(", ")}]]`,
    "picture = model.decode(z)[0]  # (H, W, C) uint8",
    "",
  ].join("\n");
}
