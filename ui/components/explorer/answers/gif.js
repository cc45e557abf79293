// Pictures as an animated GIF (version 89a) that repeats for ever. Grey pictures keep their values; colour pictures with more than 256
// colours get 256 of their own each, by median cut (Heckbert 1982).

const COLOURS = 256;
const CODE_SIZE = 8; // bits of a colour's number
const MOST_CODES = 4096;

/** pictures: answers of one size; scale: each pixel so many times in both directions; hundredths: of a second for each picture. */
export function gifOf(pictures, scale, hundredths) {
  const { height, width } = pictures[0];
  const bytes = new Bytes();
  bytes.text("GIF89a");
  bytes.short(width * scale, height * scale);
  bytes.put(0x70, 0, 0); // 8 bits a channel, no palette for all pictures
  bytes.put(0x21, 0xff, 11);
  bytes.text("NETSCAPE2.0");
  bytes.put(3, 1, 0, 0, 0); // for ever
  const made = new Map(); // there and back each picture is needed twice
  for (const picture of pictures) {
    if (!made.has(picture)) made.set(picture, frameOf(picture, scale, hundredths));
    bytes.add(made.get(picture));
  }
  bytes.put(0x3b);
  return bytes.all;
}

function frameOf(picture, scale, hundredths) {
  const { palette, numbers } = paletteOf(picture);
  const bytes = new Bytes();
  bytes.put(0x21, 0xf9, 4, 0);
  bytes.short(hundredths);
  bytes.put(0, 0, 0x2c);
  bytes.short(0, 0, picture.width * scale, picture.height * scale);
  bytes.put(0x87); // a palette of its own with 256 colours
  bytes.add(palette);
  bytes.put(CODE_SIZE);
  const packed = compressed(enlarged(numbers, picture, scale));
  for (let at = 0; at < packed.length; at += 255) {
    const part = packed.subarray(at, at + 255);
    bytes.put(part.length);
    bytes.add(part);
  }
  bytes.put(0);
  return bytes.all;
}

function enlarged(numbers, { height, width }, scale) {
  const large = new Uint8Array(height * width * scale * scale);
  let at = 0;
  for (let y = 0; y < height * scale; y += 1) {
    const row = Math.floor(y / scale) * width;
    for (let x = 0; x < width; x += 1, at += scale) large.fill(numbers[row + x], at, at + scale);
  }
  return large;
}

/** {palette: 256 x RGB, numbers: a colour for each pixel} */
function paletteOf({ channels, pixels }) {
  if (channels === 1) return { palette: Uint8Array.from({ length: 3 * COLOURS }, (_, i) => Math.floor(i / 3)), numbers: pixels };
  const found = new Map(); // colour -> how many pixels
  const colours = new Uint32Array(pixels.length / 3);
  for (let i = 0; i < colours.length; i += 1) {
    colours[i] = (pixels[3 * i] << 16) | (pixels[3 * i + 1] << 8) | pixels[3 * i + 2];
    found.set(colours[i], (found.get(colours[i]) ?? 0) + 1);
  }
  const boxes = medianCut([...found].map(([colour, count]) => ({ colour, count, rgb: [colour >> 16, (colour >> 8) & 255, colour & 255] })));
  const [palette, numberOf] = [new Uint8Array(3 * COLOURS), new Map()];
  boxes.forEach((box, number) => {
    palette.set(meanOf(box), 3 * number);
    for (const { colour } of box) numberOf.set(colour, number);
  });
  return { palette, numbers: Uint8Array.from(colours, (colour) => numberOf.get(colour)) };
}

/** The colours in at most 256 boxes: the box whose pixels are farthest apart is halved, until there are enough. */
function medianCut(colours) {
  const boxes = [spreadOf(colours)];
  while (boxes.length < COLOURS) {
    const widest = boxes.reduce((best, box, i) => (box.weight > boxes[best].weight ? i : best), 0);
    const { box, channel, weight } = boxes[widest];
    if (weight === 0) break;
    box.sort((a, b) => a.rgb[channel] - b.rgb[channel]);
    let [half, at] = [box.reduce((sum, { count }) => sum + count, 0) / 2, 0];
    while (at < box.length - 2 && half > box[at].count) half -= box[at++].count;
    boxes.splice(widest, 1, spreadOf(box.slice(0, at + 1)), spreadOf(box.slice(at + 1)));
  }
  return boxes.map(({ box }) => box);
}

/** A box with its widest channel; weight: 0 when it is one colour, else its width by the number of its pixels. */
function spreadOf(box) {
  const widths = [0, 1, 2].map((channel) => {
    let [low, high] = [255, 0];
    for (const { rgb } of box) [low, high] = [Math.min(low, rgb[channel]), Math.max(high, rgb[channel])];
    return high - low;
  });
  const width = Math.max(...widths);
  return { box, channel: widths.indexOf(width), weight: width * box.reduce((sum, { count }) => sum + count, 0) };
}

function meanOf(box) {
  const whole = box.reduce((sum, { count }) => sum + count, 0);
  return [0, 1, 2].map((channel) => Math.round(box.reduce((sum, { count, rgb }) => sum + count * rgb[channel], 0) / whole));
}

/** Lempel, Ziv & Welch, with codes that grow from 9 to 12 bits. */
function compressed(numbers) {
  const [clear, end] = [1 << CODE_SIZE, (1 << CODE_SIZE) + 1];
  const bits = new Bits();
  const next = new Uint16Array(MOST_CODES << CODE_SIZE); // code and number -> longer code, 0: none
  let [known, size, code] = [end + 1, CODE_SIZE + 1, numbers[0]];
  bits.put(clear, size);
  for (let i = 1; i < numbers.length; i += 1) {
    const longer = (code << CODE_SIZE) | numbers[i];
    if (next[longer] !== 0) {
      code = next[longer];
      continue;
    }
    bits.put(code, size);
    code = numbers[i];
    if (known < MOST_CODES) {
      if (known === 1 << size) size += 1;
      next[longer] = known++;
    } else {
      bits.put(clear, size);
      next.fill(0);
      [known, size] = [end + 1, CODE_SIZE + 1];
    }
  }
  bits.put(code, size);
  bits.put(end, known === 1 << size && known < MOST_CODES ? size + 1 : size);
  return bits.all;
}

/** Bytes that grow. */
class Bytes {
  #bytes = new Uint8Array(1024);
  #length = 0;

  get all() {
    return this.#bytes.subarray(0, this.#length);
  }

  put(...values) {
    this.add(values);
  }

  short(...values) {
    for (const value of values) this.put(value & 255, value >> 8);
  }

  text(words) {
    this.add(new TextEncoder().encode(words));
  }

  add(values) {
    const length = this.#length + values.length;
    if (length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.#bytes.length));
      larger.set(this.all);
      this.#bytes = larger;
    }
    this.#bytes.set(values, this.#length);
    this.#length = length;
  }
}

/** Codes of some bits each, the lowest bit first. */
class Bits {
  #bytes = new Bytes();
  #held = 0;
  #count = 0;

  put(code, size) {
    this.#held |= code << this.#count;
    this.#count += size;
    while (this.#count >= 8) this.#shift();
  }

  get all() {
    if (this.#count > 0) this.#shift();
    return this.#bytes.all;
  }

  #shift() {
    this.#bytes.put(this.#held & 255);
    this.#held >>>= 8;
    this.#count = Math.max(0, this.#count - 8);
  }
}
