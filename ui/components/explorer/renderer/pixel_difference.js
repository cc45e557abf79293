// How two pictures differ: |a - b| for each pixel as a colour on the fixed scale 0 to 1, and its mean. Knows nothing of the page.

const STOPS = [ // even steps of lightness, the colours of the Encode page's error map (ui/encode/posterior_charts.py)
  [0, 0, 4], [40, 11, 84], [101, 21, 110], [159, 42, 99], [212, 72, 66], [245, 125, 21], [250, 193, 39], [252, 255, 164],
];
const HEAT = heat(); // 256 colours: one for each difference of two 8-bit values

/** Two pictures {height, width, channels, pixels} -> {answer, mean, same}; null where they are not of one size. */
export function pixelDifference(a, b) {
  if (a.height !== b.height || a.width !== b.width || a.channels !== b.channels) return null;
  const { height, width, channels } = a;
  const pixels = new Uint8Array(3 * height * width);
  let total = 0;
  for (let i = 0; i < height * width; i += 1) {
    let sum = 0; // over the channels, as the error map does
    for (let j = i * channels; j < (i + 1) * channels; j += 1) sum += Math.abs(a.pixels[j] - b.pixels[j]);
    total += sum;
    const colour = 3 * Math.round(sum / channels);
    pixels[3 * i] = HEAT[colour];
    pixels[3 * i + 1] = HEAT[colour + 1];
    pixels[3 * i + 2] = HEAT[colour + 2];
  }
  return { answer: { kind: "pixels", height, width, channels: 3, pixels }, mean: total / (255 * height * width * channels), same: total === 0 };
}

function heat() {
  const colours = new Uint8Array(3 * 256);
  for (let value = 0; value < 256; value += 1) {
    const place = (value / 255) * (STOPS.length - 1);
    const low = Math.min(STOPS.length - 2, Math.floor(place));
    for (let c = 0; c < 3; c += 1) colours[3 * value + c] = Math.round(STOPS[low][c] + (place - low) * (STOPS[low + 1][c] - STOPS[low][c]));
  }
  return colours;
}
