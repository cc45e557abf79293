// A visitor's file as pixels: {width, height, channels: 4, data}. The browser turns it as its EXIF orientation says.

const MAX_BYTES = 32 * 2 ** 20;
const MAX_PIXELS = 50_000_000;
const ENOUGH = 2048; // pixels of the longer side: a larger picture is scaled down while it is drawn
const TRY = "PNG, JPEG, WebP and GIF files work.";

/** Throws a sentence where the file is no picture. */
export async function readPicture(file) {
  if (file.size === 0) throw new Error("The file is empty (0 bytes). Choose an image file.");
  if (file.size > MAX_BYTES) throw new Error(`The file has ${Math.round(file.size / 2 ** 20)} MB; at most ${MAX_BYTES / 2 ** 20} MB are read. Save it smaller.`);
  let image;
  try {
    image = await createImageBitmap(file, { imageOrientation: "from-image", premultiplyAlpha: "none", colorSpaceConversion: "none" });
  } catch {
    throw new Error(`${file.name} is not an image that this browser can read. ${TRY}`);
  }
  if (image.width * image.height > MAX_PIXELS) throw new Error(`The image has ${image.width} × ${image.height} pixels; at most ${MAX_PIXELS / 10 ** 6} million are read. Scale it down first.`);
  const scale = Math.min(1, ENOUGH / Math.max(image.width, image.height));
  const [width, height] = [image.width, image.height].map((side) => Math.max(1, Math.round(side * scale)));
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, width, height);
  image.close();
  return { width, height, channels: 4, data: context.getImageData(0, 0, width, height).data };
}
