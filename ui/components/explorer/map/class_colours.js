// A colour for each class, however many there are. The first ten are Tol's (2021); each further one is the colour that lies farthest
// from all before it, and farther still from the few right before it, which stand beside it in the legend. Distances are those of
// OKLab (Ottosson 2020): two colours 0.02 apart are just told apart side by side. All are seen on white, on the dark theme and on black.

const FIRST = ["#4477AA", "#EE6677", "#228833", "#CCBB44", "#66CCEE", "#AA3377", "#BBBBBB", "#EE8866", "#77AADD", "#44BB99"];
const MOST = 256; // colours; further classes begin again
const NEIGHBOURS = 4; // classes right before, in the legend
const APART = 0.6; // share of a distance to a neighbour that counts
const LUMINANCE = [0.13, 0.5]; // a contrast of 3 to the dark theme, of 1.9 to white

const colours = FIRST.map((hex) => ({ hex, lab: toLab(channels(hex)) }));
let candidates = null; // {hex, lab, far: distance to the nearest colour so far}

/** The colour of class number `label`, as #rrggbb. */
export function classColour(label) {
  const place = label % MOST;
  while (colours.length <= place) colours.push(next());
  return colours[place].hex;
}

/** How far two colours are apart in OKLab. */
export function distance(one, other) {
  return apart(toLab(channels(one)), toLab(channels(other)));
}

function next() {
  candidates ??= grid().map((candidate) => ({ ...candidate, far: Math.min(...colours.map(({ lab }) => apart(lab, candidate.lab))) }));
  const beside = colours.slice(-NEIGHBOURS);
  let [best, most] = [null, -1];
  for (const candidate of candidates) {
    let score = candidate.far;
    for (let i = 0; i < beside.length && score > most; i += 1) score = Math.min(score, APART * apart(beside[i].lab, candidate.lab));
    if (score > most) [best, most] = [candidate, score];
  }
  for (const candidate of candidates) candidate.far = Math.min(candidate.far, apart(candidate.lab, best.lab));
  return best;
}

/** Colours of the screen on a grid of lightness, chroma and hue. */
function grid() {
  const found = [];
  for (let lightness = 0.46; lightness < 0.86; lightness += 0.045) {
    for (let chroma = 0.04; chroma < 0.34; chroma += 0.04) {
      for (let hue = 0; hue < 360; hue += 10) found.push(fromLab(lightness, chroma * Math.cos((hue * Math.PI) / 180), chroma * Math.sin((hue * Math.PI) / 180)));
    }
  }
  return found.filter(Boolean);
}

function channels(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255);
}

function apart(one, other) {
  const [l, a, b] = [one[0] - other[0], one[1] - other[1], one[2] - other[2]];
  return Math.sqrt(l * l + a * a + b * b); // Math.hypot is ten times slower
}

/** OKLab of red, green and blue in [0, 1]. */
function toLab(rgb) {
  const [r, g, b] = rgb.map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s, 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s, 0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s];
}

/** {hex, lab}, or null where no screen shows it or it would be lost on one of the themes. */
function fromLab(lightness, a, b) {
  const [l, m, s] = [lightness + 0.3963377774 * a + 0.2158037573 * b, lightness - 0.1055613458 * a - 0.0638541728 * b, lightness - 0.0894841775 * a - 1.291485548 * b].map((root) => root ** 3);
  const linear = [4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s, -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s, -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s];
  const luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  if (linear.some((value) => value < 0 || value > 1) || luminance < LUMINANCE[0] || luminance > LUMINANCE[1]) return null;
  const bytes = linear.map((value) => Math.round(255 * (value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055)));
  return { hex: `#${bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("")}`, lab: [lightness, a, b] };
}
