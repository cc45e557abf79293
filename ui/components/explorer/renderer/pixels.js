// The decoded picture: a canvas of the image's own pixels, enlarged by the browser without smoothing.

export class Picture {
  #canvas;
  #context;
  #image = null;
  #words = null; // the image's memory as one 32-bit word for each pixel
  #painted = 0;

  constructor(canvas) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d", { alpha: false });
    canvas.dataset.seq = "0";
  }

  get painted() {
    return this.#painted;
  }

  /** Paints uint8 pixels in rows, grey or RGB. */
  paint({ height, width, channels, pixels }) {
    this.#fit(height, width);
    const words = this.#words;
    if (channels === 1) {
      for (let i = 0; i < words.length; i += 1) words[i] = 0xff000000 | (pixels[i] * 0x010101);
    } else {
      for (let i = 0, j = 0; i < words.length; i += 1, j += 3) {
        words[i] = 0xff000000 | (pixels[j + 2] << 16) | (pixels[j + 1] << 8) | pixels[j];
      }
    }
    this.#context.putImageData(this.#image, 0, 0);
    this.#painted += 1;
    this.#canvas.dataset.seq = String(this.#painted);
  }

  #fit(height, width) {
    if (this.#image?.height === height && this.#image.width === width) return;
    this.#canvas.width = width;
    this.#canvas.height = height;
    (this.#canvas.parentElement ?? this.#canvas).style.setProperty("--lw-aspect", String(width / height));
    this.#image = this.#context.createImageData(width, height);
    this.#words = new Uint32Array(this.#image.data.buffer);
  }
}

/** Base64 -> bytes. */
export function fromBase64(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i += 1) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** A picture as a data URL. */
export function pictureUrl(picture) {
  const canvas = document.createElement("canvas");
  new Picture(canvas).paint(picture);
  return canvas.toDataURL();
}
