// A JPEG file as the answer that raw pixels make, marked as only nearly the same picture.

/** {kind: "pixels", height, width, channels, pixels, lossy: true}; throws where the browser cannot read it. */
export async function jpegToPixels({ height, width, channels, file }) {
  const image = await createImageBitmap(new Blob([file], { type: "image/jpeg" }), { colorSpaceConversion: "none" });
  const canvas = canvasOf(height, width);
  const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
  context.drawImage(image, 0, 0);
  image.close();
  const { data } = context.getImageData(0, 0, width, height);
  const pixels = new Uint8Array(height * width * channels);
  for (let i = 0, j = 0; j < pixels.length; i += 4, j += channels) {
    for (let c = 0; c < channels; c += 1) pixels[j + c] = data[i + c];
  }
  return { kind: "pixels", height, width, channels, pixels, lossy: true };
}

let kept = null;

function canvasOf(height, width) {
  if (kept?.height !== height || kept.width !== width) {
    kept = document.createElement("canvas");
    [kept.height, kept.width] = [height, width];
  }
  return kept;
}
