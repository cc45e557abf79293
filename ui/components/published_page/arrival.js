// What the page's own address asks for: a model of the page, a point of it, a second model. What else a link holds the explorer reads.

const LARGEST = 1000; // of a number of z

/** {model, compared, words (a sentence, or ""), placeIn(view) -> {z (null: where it opens by itself), words}} of an address. */
export function readArrival(href, models) {
  const { searchParams } = new URL(href);
  const asked = searchParams.get("model");
  const model = models.includes(asked) ? asked : models[0];
  const second = searchParams.get("compare");
  const words = [
    ...(asked !== null && asked !== model ? [`The address asks for a model “${asked}”, which is not on this page. Opened ${model} instead.`] : []),
    ...(second !== null && !models.includes(second) ? [`The link compares with a model “${second}”, which is not on this page.`] : []),
  ].join(" ");
  const placeIn = (view) => (asked === null || asked === model ? placeOf(searchParams, view) : { z: null, words: "" });
  return { model, compared: models.includes(second) ? second : null, words, placeIn };
}

function placeOf(parameters, { z: own, hash, model }) {
  const text = parameters.get("z");
  if (text === null) return { z: null, words: "" };
  const z = text.split(",").map((part) => (part.trim() === "" ? NaN : Number(part)));
  if (z.length !== own.length || !z.every((value) => Math.abs(value) <= LARGEST)) {
    return { z: null, words: `The point in the address cannot be used: ${model} takes ${own.length} numbers. You start from a picture of the model's own instead.` };
  }
  const made = parameters.get("hash");
  const other = made !== null && made !== hash;
  return { z, words: other ? `The link was made with another model that is also called ${model}; what you see is drawn by the one that is here.` : "" };
}
