// Pictures in memory and how they are made smaller or larger, with Pillow's arithmetic, so that the browser's encoder sees what Python's
// would: {width, height, channels, data (uint8 in rows)}.

const BICUBIC = { support: 2, weight: (x) => cubic(Math.abs(x)) };
const BOX = { support: 0.5, weight: (x) => Number(x > -0.5 && x <= 0.5) };

export function blank(width, height, channels, level = 0) {
  return { width, height, channels, data: new Uint8Array(width * height * channels).fill(level) };
}

/** What Python's round() gives: halves go to the even neighbour. */
export function round(value) {
  const low = Math.floor(value);
  const rest = value - low;
  return rest < 0.5 || (rest === 0.5 && low % 2 === 0) ? low : low + 1;
}

/** Averaged over whole blocks of `factor` pixels a side. */
export function reduced(picture, factor) {
  if (factor <= 1) return picture;
  const { width, height, channels, data } = picture;
  const small = blank(Math.ceil(width / factor), Math.ceil(height / factor), channels);
  for (let y = 0; y < small.height; y += 1) {
    const bottom = Math.min(height, (y + 1) * factor);
    for (let x = 0; x < small.width; x += 1) {
      const right = Math.min(width, (x + 1) * factor);
      const count = (bottom - y * factor) * (right - x * factor);
      for (let c = 0; c < channels; c += 1) {
        let sum = 0;
        for (let j = y * factor; j < bottom; j += 1) for (let i = x * factor; i < right; i += 1) sum += data[(j * width + i) * channels + c];
        small.data[(y * small.width + x) * channels + c] = Math.floor(sum / count + 0.5);
      }
    }
  }
  return small;
}

/** As the steps resize: bicubic, which averages over all pixels when it shrinks; a tiny picture is shown as the squares it has. */
export function resized(picture, width, height) {
  if (width >= 4 * picture.width && height >= 4 * picture.height) return squares(picture, width, height);
  return filtered(picture, width, height, BICUBIC);
}

/** By the mean over the area of each pixel. */
export function averaged(picture, width, height) {
  return filtered(picture, width, height, BOX);
}

function squares(picture, width, height) {
  const large = blank(width, height, picture.channels);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const from = Math.floor(((y + 0.5) * picture.height) / height) * picture.width + Math.floor(((x + 0.5) * picture.width) / width);
      for (let c = 0; c < picture.channels; c += 1) large.data[(y * width + x) * picture.channels + c] = picture.data[from * picture.channels + c];
    }
  }
  return large;
}

/** Rows first, then columns, each rounded to whole levels. */
function filtered(picture, width, height, filter) {
  const rows = width === picture.width ? picture : along(picture, weightsOf(picture.width, width, filter), true);
  return height === picture.height ? rows : along(rows, weightsOf(picture.height, height, filter), false);
}

function weightsOf(from, to, { support, weight }) {
  const scale = from / to;
  const stretch = Math.max(1, scale);
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - support * stretch + 0.5));
    const end = Math.min(from, Math.trunc(centre + support * stretch + 0.5));
    const weights = Array.from({ length: end - start }, (__, j) => weight((j + start - centre + 0.5) / stretch));
    const sum = weights.reduce((a, b) => a + b, 0);
    return { start, weights: weights.map((value) => value / sum) };
  });
}

function along({ width, height, channels, data }, taps, horizontal) {
  const made = horizontal ? blank(taps.length, height, channels) : blank(width, taps.length, channels);
  const step = (horizontal ? 1 : width) * channels;
  for (let y = 0; y < made.height; y += 1) {
    for (let x = 0; x < made.width; x += 1) {
      const { start, weights } = taps[horizontal ? x : y];
      const first = (horizontal ? y * width + start : start * width + x) * channels;
      for (let c = 0; c < channels; c += 1) {
        let sum = 0;
        for (let k = 0; k < weights.length; k += 1) sum += weights[k] * data[first + k * step + c];
        made.data[(y * made.width + x) * channels + c] = Math.min(255, Math.max(0, Math.floor(sum + 0.5)));
      }
    }
  }
  return made;
}

function cubic(x) {
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}
