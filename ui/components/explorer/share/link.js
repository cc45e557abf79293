// What a person can hand to others: a link that restores what they see, and Python that draws the same picture.

import { KINDS } from "../connection/binary_messages.js";

const LARGEST_SEED = 2 ** 32 - 1;
const LARGEST_STEP = 2 ** 24 - 2; // that a request can name

/** Every part of a view that a link holds. state: {model, hash, z, plane, background, view: [a, b, scale], pins: [{z, chosen}],
 *  path: {kind, even}, samples: {seed, temperature}, compare: name of a second model, step: of the training, noise: its seed}; all but
 *  the first three may be absent. */
export function linkOf(href, state) {
  const url = new URL(href);
  const parts = [`model=${encodeURIComponent(state.model)}`, `hash=${state.hash}`, `z=${numbers(state.z)}`];
  if (state.plane) parts.push(`plane=${encodeURIComponent(state.plane)}`);
  if (state.background) parts.push(`background=${encodeURIComponent(state.background)}`);
  if (state.view) parts.push(`view=${numbers(state.view, 9)}`);
  if (state.pins?.length > 0) parts.push(...pinParts(state.pins));
  if (state.path) parts.push(`path=${state.path.kind}${state.path.even ? ",even" : ""}`);
  if (state.samples) parts.push(`samples=${numbers([state.samples.seed, state.samples.temperature])}`);
  if (state.compare) parts.push(`compare=${encodeURIComponent(state.compare)}`);
  if (Number.isInteger(state.step)) parts.push(`step=${state.step}`);
  if (Number.isInteger(state.noise)) parts.push(`noise=${state.noise}`);
  url.search = parts.join("&");
  url.hash = "";
  return url.href;
}

/** `off` names the pins that are not on the path, 1 for the first one. */
function pinParts(pins) {
  const off = pins.flatMap(({ chosen }, i) => (chosen ? [] : [i + 1]));
  return [`pins=${pins.map(({ z }) => numbers(z)).join(";")}`, ...(off.length > 0 ? [`off=${off.join(",")}`] : [])];
}

function numbers(values, digits = 4) {
  return values.map((value) => String(Number(value.toFixed(digits)))).join(",");
}

/** The parts of a link that the page itself has to restore; null for what is absent or unusable. */
export function readLink(href, latentDim) {
  const { searchParams } = new URL(href);
  const list = (name) => (searchParams.get(name) ?? "").split(",").map(Number);
  const view = list("view");
  return {
    plane: searchParams.get("plane"),
    background: searchParams.get("background"),
    view: view.length === 3 && view.every(Number.isFinite) && view[2] > 0 ? view : null,
    pins: readPins(searchParams.get("pins") ?? "", list("off"), latentDim),
    path: readPath(searchParams.get("path") ?? ""),
    samples: readSamples(...list("samples")),
    step: readWhole(searchParams.get("step"), LARGEST_STEP),
    noise: readWhole(searchParams.get("noise"), LARGEST_SEED),
  };
}

function readPins(text, off, latentDim) {
  const rows = text.split(";").filter(Boolean).map((pin, i) => ({ z: pin.split(",").map(Number), label: "point of the link", chosen: !off.includes(i + 1) }));
  return rows.filter(({ z }) => z.length === latentDim && z.every(Number.isFinite));
}

function readPath(text) {
  const [kind, even] = text.split(",");
  return KINDS.includes(kind) ? { kind, even: even === "even" } : null;
}

function readSamples(seed, temperature) {
  const fits = Number.isInteger(seed) && seed >= 0 && seed <= LARGEST_SEED && temperature >= 0 && temperature <= 1.5;
  return fits ? { seed, temperature } : null;
}

function readWhole(text, most) {
  return /^\d{1,10}$/.test(text ?? "") && Number(text) <= most ? Number(text) : null;
}

/** A few lines that draw exactly the picture on the screen. */
export function pythonOf({ file, hash, z, step = null, noise = null }) {
  const opened = step === null ? file : file.replace(/[^/]*$/, `snapshots/step-${String(step).padStart(8, "0")}.safetensors`);
  return [
    "from vae_core.latent.latent_model import open_model",
    "",
    `model = open_model(${JSON.stringify(opened)})${step === null ? `  # sha256 ${hash}...` : ""}`,
    `z = [[${z.map((value) => String(Number(value.toFixed(4)))).join(", ")}]]`,
    `picture = model.${noise === null ? "decode(z)" : `draw(z, seed=${noise})`}[0]  # (H, W, C) uint8`,
    "",
  ].join("\n");
}
